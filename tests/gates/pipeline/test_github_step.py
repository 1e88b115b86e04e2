"""The summary and the outputs of a step of GitHub Actions are added to its files; nothing in them can add an output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from gates.pipeline import github_step
from gates.pipeline.github_step import OUTPUT_VARIABLE, SUMMARY_VARIABLE, outputs_text, write_step
from gates.portable.values import GateOutcome, TestOutcome
from gates.render.markdown import render_markdown
from tests.gates.readers.junit.sample import a_gate, a_run, a_test, nasty

if TYPE_CHECKING:
    from pathlib import Path

TESTS = [a_test("good"), a_test("bad", TestOutcome.FAILED)]
RUN = a_run(TESTS, gates=(a_gate("test", GateOutcome.FAILED), a_gate("lint")), outcome="failed")


def read(text: str) -> dict[str, str]:
    """Outputs as the runner reads them: `NAME<<END`, lines of the value, `END`."""
    found: dict[str, str] = {}
    rest = text.split("\n")
    while rest and rest != [""]:
        name, _, end = rest.pop(0).partition("<<")
        at = rest.index(end)
        found[name], rest = "\n".join(rest[:at]), rest[at + 1 :]
    return found


def test_both_files_get_more_and_lose_nothing(tmp_path: Path) -> None:
    summary, output = tmp_path / "summary", tmp_path / "output"
    summary.write_text("# Mine\n")
    output.write_text("mine=1\n")
    variables = {SUMMARY_VARIABLE: str(summary), OUTPUT_VARIABLE: str(output)}
    assert list(write_step(RUN, TESTS, None, variables)) == []
    assert summary.read_text("utf-8") == f"# Mine\n\n{render_markdown(RUN, TESTS)}"
    mine, _, ours = output.read_text("utf-8").partition("\n")
    assert mine == "mine=1"
    assert {name: value for name, value in read(ours).items() if name != "sentence"} == {
        "verdict": "FAIL", "passed": "false", "failed-gates": "test", "tests": "2", "failed-tests": "1",
        "summary": "reports/summary.md", "page": "reports/summary.html",
    }  # fmt: skip


def test_nothing_is_written_where_the_service_names_no_file() -> None:
    assert list(write_step(RUN, TESTS, None, {SUMMARY_VARIABLE: "", "HOME": "/"})) == []


def test_a_summary_that_would_be_too_long_for_the_step_is_named_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    summary = tmp_path / "summary"
    monkeypatch.setattr(github_step, "MOST", 500)
    variables = {SUMMARY_VARIABLE: str(summary)}
    assert list(write_step(RUN, TESTS, None, variables)) == []
    assert summary.read_text("utf-8") == "\n**FAIL**: the summary did not fit here, see `reports/summary.md`.\n"
    summary.write_text("x" * 490)
    assert list(write_step(RUN, TESTS, None, variables)) == ["the summary of the step is full: see reports/summary.md"]
    assert summary.stat().st_size == 490


def test_a_file_that_cannot_be_written_is_told_and_the_other_one_is_written(tmp_path: Path) -> None:
    variables = {SUMMARY_VARIABLE: str(tmp_path / "no" / "summary"), OUTPUT_VARIABLE: str(tmp_path / "output")}
    (said,) = write_step(RUN, TESTS, None, variables)
    assert said.startswith("the summary of the step could not be written: No such file or directory")
    assert read((tmp_path / "output").read_text())["verdict"] == "FAIL"


@given(nasty)
def test_no_value_adds_an_output(text: str) -> None:
    text = text.encode("utf-8", "backslashreplace").decode()
    assert read(outputs_text({"a": text, "b": "end"})) == {"a": text, "b": "end"}
