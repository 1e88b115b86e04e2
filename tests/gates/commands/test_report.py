from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from gates.commands.report import render_run
from gates.compare.runs import compare_runs
from gates.portable.errors import UsageError
from gates.portable.values import TestOutcome
from tests.gates.readers.junit.sample import a_run, a_test
from tests.gates.storage.laying import lay

if TYPE_CHECKING:
    from pathlib import Path

TESTS = [a_test("test_one"), a_test("test_two", TestOutcome.FAILED, message="it broke")]
RUN = a_run(TESTS, id="head", project="the-project")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lay(tmp_path / "reports", RUN, TESTS)
    return tmp_path / "reports"


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


@pytest.mark.parametrize("name", ["tests.jsonl", "summary.md", "junit.xml", "logs/test.log"])
@pytest.mark.parametrize("text", ["another", None])
def test_evidence_that_was_changed_or_removed_is_refused(folder: Path, name: str, text: str | None) -> None:
    run = lay(folder, RUN, TESTS, logs={"test.log": b"said\n"}, render=True)
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text)
    with pytest.raises(UsageError, match="changed since gates wrote it") as caught:
        rendered(folder)
    error = caught.value
    assert error.place == str(folder / name)
    assert run.files[name].sha256 in error.expected
    assert error.got.startswith("no file" if text is None else "sha256:")
    assert "gates run" in error.remedy


def test_a_verdict_that_was_changed_is_refused_where_the_run_was_recorded(folder: Path) -> None:
    file = folder / "run.json"
    file.write_text(file.read_text().replace('"passed"', '"failed"'))
    with pytest.raises(UsageError, match=r"changed since gates wrote it.*: run\.json"):
        render_run(folder, "markdown", folder.parent / "records")


def test_a_run_without_digests_is_refused(folder: Path) -> None:
    file = folder / "run.json"
    data = json.loads(file.read_text())
    del data["files"]
    file.write_text(json.dumps(data))
    with pytest.raises(UsageError, match="lists no digests"):
        rendered(folder)


def test_the_same_run_renders_the_same_as_when_it_was_made(folder: Path) -> None:
    lay(folder, RUN, TESTS, render=True)
    assert (folder / "summary.md").read_text(encoding="utf-8") == rendered(folder)
    assert (folder / "junit.xml").read_text(encoding="utf-8") == rendered(folder, "junit")


@pytest.mark.parametrize(("head", "shown"), [("head", True), ("another", False)])
def test_a_comparison_belongs_to_its_run_only(folder: Path, head: str, shown: bool) -> None:
    base = a_run(id="base", subject=RUN.subject)
    comparison = compare_runs(base, [a_test("test_two")], a_run(TESTS, id=head), TESTS)
    plain = rendered(folder)
    lay(folder, RUN, TESTS, comparison=comparison)
    assert (rendered(folder) != plain) is shown


def test_a_comparison_that_the_run_does_not_know_is_none(folder: Path) -> None:
    plain = rendered(folder)
    (folder / "comparison.json").write_bytes(b"{\xff")
    assert rendered(folder) == plain


@pytest.mark.parametrize("name", ["", "run.json", "nothing", "nothing/run.json"])
def test_a_run_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="there is no run"):
        render_run(tmp_path / name, "markdown")


def test_one_broken_renderer_loses_nothing_that_others_write(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> str:
        raise KeyError("a bug")

    monkeypatch.setattr("gates.render.markdown.render_markdown", broken)
    run = lay(folder, RUN, TESTS, render=True)
    assert "summary.md" not in run.files
    assert (folder / "junit.xml").exists()
    assert not (folder / "summary.md").exists()
    assert "'summary.md' could not be rendered: KeyError: 'a bug'" in capsys.readouterr().err
