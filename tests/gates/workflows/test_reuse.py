"""A run is kept where it would come out the same, and found again for the same question only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from gates.request import Request
from gates.results.files import RUN_FILE, TESTS_FILE, to_json, write_whole
from gates.values import GateOutcome, TestOutcome
from gates.workflows.reuse import KEPT_RUNS, StoredRuns, key_of
from tests.gates.junit.sample import a_gate, a_run, a_test

if TYPE_CHECKING:
    from pathlib import Path

    from gates.results import Run, TestResult


def reports(folder: Path, run: Run, tests: tuple[TestResult, ...] = ()) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / RUN_FILE, to_json(run))
    write_whole(folder / TESTS_FILE, b"".join(msgspec.json.encode(test) + b"\n" for test in tests))
    return folder


@pytest.mark.parametrize("code", [0, 1])
def test_a_run_that_came_to_an_end_is_found_with_its_tests_and_reports(tmp_path: Path, code: int) -> None:
    run, tests = a_run((a_test("a"),), exit_code=code), (a_test("a"),)
    folder = reports(tmp_path / "reports", run, tests)
    (folder / "logs").mkdir()
    (folder / "logs/test.log").write_text("said")
    assert StoredRuns(tmp_path).keep("k", run, folder) == ""
    assert StoredRuns(tmp_path).find("k") == (run, tests)
    StoredRuns(tmp_path).lay_out("k", run, tmp_path / "again")
    assert (tmp_path / "again/logs/test.log").read_text() == "said"
    assert StoredRuns(tmp_path).find("other") is None
    assert StoredRuns(tmp_path, fresh=True).find("k") is None


@pytest.mark.parametrize(
    "fields",
    [
        {"complete": False},
        {"exit_code": 130},
        {"exit_code": 3},
        {"gates": (a_gate("test", GateOutcome.TIMEOUT),), "exit_code": 1},
        {"gates": (a_gate("test", GateOutcome.COULD_NOT_RUN),), "exit_code": 1},
    ],
)
def test_a_run_that_may_come_out_otherwise_is_not_kept(tmp_path: Path, fields: dict[str, Any]) -> None:
    run = a_run(**fields)
    StoredRuns(tmp_path).keep("k", run, reports(tmp_path / "reports", run))
    assert StoredRuns(tmp_path).find("k") is None


def test_a_run_that_lost_a_test_is_not_kept(tmp_path: Path) -> None:
    tests = (a_test("a", TestOutcome.NOT_RUN),)
    run = a_run(tests, exit_code=1)
    StoredRuns(tmp_path).keep("k", run, reports(tmp_path / "reports", run, tests))
    assert StoredRuns(tmp_path).find("k") is None


def test_without_a_key_nothing_is_kept_or_found(tmp_path: Path) -> None:
    run = a_run()
    StoredRuns(tmp_path).keep("", run, reports(tmp_path / "reports", run))
    assert StoredRuns(tmp_path).find("") is None
    assert not (tmp_path / "runs").exists()


def test_half_a_run_is_none(tmp_path: Path) -> None:
    run = a_run()
    StoredRuns(tmp_path).keep("k", run, reports(tmp_path / "reports", run))
    (tmp_path / "runs/k" / RUN_FILE).write_text("{")
    assert StoredRuns(tmp_path).find("k") is None


def test_the_runs_that_were_used_last_stay(tmp_path: Path) -> None:
    run = a_run()
    folder = reports(tmp_path / "reports", run)
    for number in range(KEPT_RUNS + 3):
        StoredRuns(tmp_path).keep(f"k{number}", run, folder)
    assert len(list((tmp_path / "runs").iterdir())) == KEPT_RUNS
    assert StoredRuns(tmp_path).find(f"k{KEPT_RUNS + 2}") is not None


def test_a_store_that_cannot_be_written_is_said_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    run = a_run()
    assert "not kept" in StoredRuns(tmp_path).keep("k", run, reports(tmp_path / "reports", run))


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
