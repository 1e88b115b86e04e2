from __future__ import annotations

import json
from pathlib import Path

import pytest

from gates.commands.history import history, history_of
from gates.portable.errors import EnvironmentProblem, UsageError
from gates.portable.values import TestOutcome
from tests.gates.readers.junit.sample import a_gate, a_run, a_subject, a_test


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two runs: on main it passed, on a branch a test failed."""
    monkeypatch.setenv("GATES_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "project"
    folder.mkdir()
    kept = history_of(folder)
    kept.path.parent.mkdir(parents=True)
    for number, (branch, outcome) in enumerate([("main", TestOutcome.PASSED), ("x", TestOutcome.FAILED)]):
        run = a_run(id=str(number), started=1000.0 + number, gates=(a_gate(),), subject=a_subject(branch=branch))
        kept.record(run, [a_test("one", outcome), a_test("other")])
    return folder


def test_a_test_is_found_by_a_part_of_its_id(root: Path) -> None:
    shown = history(root, "::one")
    assert shown.startswith(f"{a_test('one').id} in test\n  .F  ")
    assert "by branch: x 1 of 1 failed, main 0 of 1 failed" in shown


@pytest.mark.parametrize(
    ("test", "told"), [("::on", "several tests have this"), ("::noe", "no recorded run has such a test")]
)
def test_a_name_that_is_not_of_one_test_is_refused(root: Path, test: str, told: str) -> None:
    kept = history_of(root)
    kept.record(a_run(id="3", started=2000.0), [a_test("one_more")])
    with pytest.raises(UsageError, match=told):
        history(root, test)


def test_the_values_are_those_of_the_chosen_runs(root: Path) -> None:
    values = json.loads(history(root, "::one", branch="main", as_json=True))
    assert [(one["test"], one["runs"], one.get("failed", 0)) for one in values] == [(a_test("one").id, 1, 0)]
    assert history(root, "", runs=1).startswith("1 run recorded\n")


def test_a_history_that_cannot_be_read_says_what_to_do(root: Path) -> None:
    history_of(root).path.write_bytes(b"no database" * 1000)
    with pytest.raises(EnvironmentProblem, match="the history cannot be read") as caught:
        history(root, "")
    assert caught.value.remedy == "remove this file: the next run begins a new one"
