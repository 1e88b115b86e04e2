"""Records are kept as long as they prove something, within a budget, and nothing else is touched."""

from __future__ import annotations

import fcntl
import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gates.storage.records import LOCK, OpenRecord, Record, all_records, prune
from gates.storage.reports import Reports
from tests.gates.readers.junit.sample import a_run, a_test
from tests.gates.storage.laying import lay

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return tmp_path / "cache/records"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    project = tmp_path / "project"
    project.mkdir()
    return project


def a_whole_run(project: Path, records: Path, number: int = 1) -> None:
    run = a_run([a_test()], id=f"2026-{number}")
    lay(project / "reports", run, [a_test()], records=records, render=True)


def all_keys(records: Path) -> list[str]:
    return [record.path.name for record in all_records(records)]


def test_a_record_is_kept_until_the_next_run_publishes_there(project: Path, records: Path) -> None:
    for number in range(3):
        a_whole_run(project, records, number)
    lay(project / "other", a_run(id="other"), records=records)
    assert len(all_keys(records)) == 2
    assert (next(all_records(records)).path / "files/run.json").exists()


def test_records_beyond_the_budget_are_removed_the_oldest_first(
    project: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gates.storage.records.KEPT", 2)
    for number in range(4):
        lay(project / f"reports-{number}", a_run(id=f"r{number}"), records=records)
    assert [key.partition("-")[0] for key in all_keys(records)] == ["r3", "r2"]
    with Reports.begin(project / "x", records, "a0"):
        prune(records, records / "none")
        assert "a0" in [key.partition("-")[0] for key in all_keys(records)], "its run goes on"


def test_what_is_no_record_is_left_alone(records: Path, project: Path) -> None:
    (records / "theirs").mkdir(parents=True)
    (records / "theirs/file").write_text("x")
    (records / "broken").mkdir()
    (records / "broken/journal.jsonl").write_text("{\n[]\n\xff")
    a_whole_run(project, records)
    assert (records / "theirs/file").exists()


def test_asking_whether_a_run_goes_on_never_keeps_a_run_from_going_on(records: Path, project: Path) -> None:
    """A process that asks holds the lock for a moment: a run that wants it at that moment tries again."""
    a_whole_run(project, records)
    path = next(all_records(records)).path
    asking = os.open(path / LOCK, os.O_RDONLY)
    fcntl.flock(asking, fcntl.LOCK_SH)
    assert not Record(path).busy, "it is only asked about"
    OpenRecord(path, pause=lambda _: os.close(asking)).close()


def test_a_record_in_use_is_not_taken_over(records: Path, project: Path) -> None:
    a_whole_run(project, records)
    path = next(all_records(records)).path
    pauses: list[float] = []
    with closing(OpenRecord(path)):
        assert Record(path).busy
        with pytest.raises(BlockingIOError):
            OpenRecord(path, pause=pauses.append)
    assert len(pauses) == 4
