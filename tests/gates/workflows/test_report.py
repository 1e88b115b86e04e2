from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from gates.compare import compare_runs
from gates.errors import UsageError
from gates.results.files import ReportFolder, to_json
from gates.values import TestOutcome
from gates.workflows.emit import emit
from gates.workflows.report import render_run
from tests.gates.junit.sample import a_run, a_test

if TYPE_CHECKING:
    from pathlib import Path

TESTS = [a_test("test_one"), a_test("test_two", TestOutcome.FAILED, message="it broke")]
RUN = a_run(TESTS, id="head", project="the-project")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    reports = ReportFolder(tmp_path)
    reports.append_tests(TESTS)
    reports.save_run(RUN)
    reports.close()
    return tmp_path


def rendered(path: Path, form: str = "markdown") -> str:
    text = render_run(path, form)
    assert text is not None
    return text


def test_a_run_is_found_by_its_folder_or_its_file(folder: Path) -> None:
    text = rendered(folder)
    assert "the-project" in text
    assert "test_two" in text
    assert rendered(folder / "run.json") == text


def test_a_run_under_another_name_is_found(folder: Path) -> None:
    (folder / "run.json").rename(folder / "kept.json")
    assert "test_two" in rendered(folder / "kept.json")


def test_junit_comes_out_as_junit(folder: Path) -> None:
    cases = ET.fromstring(rendered(folder, "junit")).iter("testcase")
    assert {"test_one", "test_two"} <= {case.get("name") for case in cases}


def test_the_terminal_is_printed_to(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert render_run(folder, "terminal") is None
    assert "test_two" in capsys.readouterr().out


def test_the_same_run_renders_the_same_as_when_it_was_made(folder: Path) -> None:
    emit(RUN, TESTS, folder)
    assert (folder / "summary.md").read_text(encoding="utf-8") == rendered(folder)
    assert (folder / "junit.xml").read_text(encoding="utf-8") == rendered(folder, "junit")


@pytest.mark.parametrize(("head", "shown"), [("head", True), ("another", False)])
def test_a_comparison_belongs_to_its_run_only(folder: Path, head: str, shown: bool) -> None:
    base = a_run(id="base", subject=RUN.subject)
    comparison = compare_runs(base, [a_test("test_two")], a_run(TESTS, id=head), TESTS)
    (folder / "comparison.json").write_bytes(to_json(comparison))
    without = (folder / "comparison.json").rename(folder / "aside")
    plain = rendered(folder)
    without.rename(folder / "comparison.json")
    assert (rendered(folder) != plain) is shown


def test_a_broken_comparison_does_not_hide_the_run(folder: Path) -> None:
    plain = rendered(folder)
    (folder / "comparison.json").write_bytes(b"{\xff")
    assert rendered(folder) == plain


@pytest.mark.parametrize("name", ["", "run.json", "nothing", "nothing/run.json"])
def test_a_run_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no run there"):
        render_run(tmp_path / name, "markdown")


def test_one_broken_renderer_loses_nothing_that_others_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> str:
        raise KeyError("a bug")

    monkeypatch.setattr("gates.render.markdown.render_markdown", broken)
    emit(RUN, TESTS, folder)
    assert (folder / "junit.xml").exists()
    assert not (folder / "summary.md").exists()
    assert "'summary' could not be rendered: KeyError: 'a bug'" in capsys.readouterr().err
