"""A run is kept where it would come out the same, and found again for the same question only."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from gates.config.request import Request
from gates.portable.values import GateOutcome, TestOutcome
from gates.storage.evidence import Evidence, load_evidence
from gates.storage.kept_runs import KEPT_RUNS, StoredRuns
from gates.storage.run_key import key_of
from tests.gates.readers.junit.sample import a_gate, a_run, a_subject, a_test
from tests.gates.storage.laying import lay

if TYPE_CHECKING:
    from pathlib import Path

    from gates.results import Run, TestResult


@pytest.fixture
def stored(tmp_path: Path) -> StoredRuns:
    return StoredRuns(tmp_path)


TREE = a_run().subject.identity.rpartition(":")[2]
KEY = key_of(TREE, "", Request())


def laid(folder: Path, fields: dict[str, Any], tests: tuple[TestResult, ...] = ()) -> Run:
    return lay(folder / "reports", a_run(tests, **fields), tests, logs={"test.log": b"said"}, render=True)


@pytest.mark.parametrize("code", [0, 1])
def test_a_run_that_came_to_an_end_is_found_with_its_tests_and_reports(
    stored: StoredRuns, tmp_path: Path, code: int
) -> None:
    tests = (a_test("a"),)
    run = laid(tmp_path, {"exit_code": code}, tests)
    assert stored.keep(KEY, run, tmp_path / "reports") == ""
    assert stored.find(KEY) == (run, tests)
    again = stored.lay_out(KEY, msgspec.structs.replace(run, notes=("another",)), tmp_path / "again", tmp_path)
    assert (tmp_path / "again/logs/test.log").read_text() == "said"
    assert load_evidence(tmp_path / "again/run.json") == Evidence(run=again, tests=tests)
    assert stored.find(key_of("other", "", Request())) is None
    assert StoredRuns(tmp_path, fresh=True).find(KEY) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"complete": False},
        {"altered": ("tests.jsonl",)},
        {"exit_code": 1, "changed": ("a.py",)},
        {"subject": a_subject(identity="git-tree:another")},
        {"exit_code": 130},
        {"exit_code": 3},
        {"gates": (a_gate("test", GateOutcome.TIMEOUT),), "exit_code": 1},
        {"gates": (a_gate("test", GateOutcome.COULD_NOT_RUN),), "exit_code": 1},
    ],
)
def test_a_run_that_may_come_out_otherwise_is_not_kept(
    stored: StoredRuns, tmp_path: Path, fields: dict[str, Any]
) -> None:
    stored.keep(KEY, laid(tmp_path, fields), tmp_path / "reports")
    assert stored.find(KEY) is None


def test_a_run_that_lost_a_test_is_not_kept(stored: StoredRuns, tmp_path: Path) -> None:
    run = laid(tmp_path, {"exit_code": 1}, (a_test("a", TestOutcome.NOT_RUN),))
    stored.keep(KEY, run, tmp_path / "reports")
    assert stored.find(KEY) is None


def test_without_a_key_nothing_is_kept_or_found(stored: StoredRuns, tmp_path: Path) -> None:
    stored.keep(None, laid(tmp_path, {}), tmp_path / "reports")
    assert stored.find(None) is None
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["run.json", "tests.jsonl", "logs/test.log", "summary.md", "key.json"])
def test_half_a_run_and_one_that_was_changed_are_none(stored: StoredRuns, tmp_path: Path, name: str) -> None:
    stored.keep(KEY, laid(tmp_path, {}, (a_test("a"),)), tmp_path / "reports")
    (tmp_path / "runs" / KEY.name / name).write_text("{")
    assert stored.find(KEY) is None


def test_a_kept_run_shows_nothing_of_another_key(stored: StoredRuns, tmp_path: Path) -> None:
    """Somebody puts the run of a good tree where that of a bad one would be looked for."""
    stored.keep(KEY, laid(tmp_path, {}, (a_test("a"),)), tmp_path / "reports")
    other = key_of("bad", "", Request())
    shutil.copytree(tmp_path / "runs" / KEY.name, tmp_path / "runs" / other.name)
    assert stored.find(other) is None
    assert stored.find(KEY) is not None


def test_a_run_and_its_digests_cannot_be_exchanged_together_either(stored: StoredRuns, tmp_path: Path) -> None:
    for name, tests in (("one", (a_test("a"),)), ("two", (a_test("a"), a_test("b")))):
        stored.keep(key_of(TREE, name, Request()), laid(tmp_path / name, {}, tests), tmp_path / name / "reports")
    one, two = (tmp_path / "runs" / key_of(TREE, name, Request()).name for name in ("one", "two"))
    for name in ("run.json", "tests.jsonl", "summary.md", "junit.xml"):
        (one / name).write_bytes((two / name).read_bytes())
    assert stored.find(key_of(TREE, "one", Request())) is None


def test_reports_that_were_changed_are_not_kept(stored: StoredRuns, tmp_path: Path) -> None:
    run = laid(tmp_path, {}, (a_test("a"),))
    (tmp_path / "reports/tests.jsonl").write_text("")
    assert "not kept: " in stored.keep(KEY, run, tmp_path / "reports")
    assert stored.find(KEY) is None


def test_the_runs_that_were_used_last_stay(stored: StoredRuns, tmp_path: Path) -> None:
    run = laid(tmp_path, {})
    for number in range(KEPT_RUNS + 3):
        stored.keep(key_of(TREE, f"{number}/", Request()), run, tmp_path / "reports")
    assert len(list((tmp_path / "runs").iterdir())) == KEPT_RUNS
    assert stored.find(key_of(TREE, f"{KEPT_RUNS + 2}/", Request())) is not None


def test_a_store_that_cannot_be_written_is_said_and_stops_nobody(stored: StoredRuns, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    assert "not kept" in stored.keep(KEY, laid(tmp_path, {}), tmp_path / "reports")


@pytest.mark.parametrize(
    "change",
    [
        {"gates": ("lint",)},
        {"filter": "test(a)"},
        {"include_excluded": True},
        {"profile": "quick"},
        {"test_timeout": 3.0},
    ],
)
def test_another_question_has_another_key(change: dict[str, Any]) -> None:
    assert key_of("t", "", Request()) != key_of("t", "", Request(**change))


def test_what_does_not_decide_is_no_part_of_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of("t", "", Request())
    assert key == key_of("t", "", Request(seed=7, no_install=True, variables=frozenset({"jobs"})))
    assert (
        len({key, key_of("u", "", Request()), key_of("t", "sub/", Request()), key_of("t", "", Request(), "list")}) == 4
    )
    monkeypatch.setenv("PYTEST_ADDOPTS", "-x")
    assert key != key_of("t", "", Request())
