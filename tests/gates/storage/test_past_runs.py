"""The last runs of a folder are kept when newer ones replace their reports, and no more than the budget allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.storage.past_runs import PAST
from gates.storage.records import all_records
from gates.storage.reports import Reports
from tests.gates.readers.junit.sample import a_run, a_test
from tests.gates.storage.laying import lay

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return tmp_path / "cache/records"


def kept(records: Path) -> list[str]:
    return [record.run for record in all_records(records.with_name(PAST))]


def test_a_run_whose_reports_are_replaced_is_kept_whole(tmp_path: Path, records: Path) -> None:
    for number in range(3):
        lay(tmp_path / "reports", a_run([a_test()], id=f"r{number}"), [a_test()], records=records, render=True)
    assert kept(records) == ["r1", "r0"]
    assert [record.run for record in all_records(records)] == ["r2"]
    old = next(all_records(records.with_name(PAST)))
    assert {path.name for path in (old.path / "files").iterdir()} == {*old.published, "tests.jsonl"}


def test_a_run_that_did_not_end_is_not_kept(tmp_path: Path, records: Path) -> None:
    Reports.begin(tmp_path / "reports", records, "killed").close()
    lay(tmp_path / "reports", a_run(id="next"), records=records)
    assert kept(records) == []


def test_a_part_of_a_comparison_is_not_kept(tmp_path: Path, records: Path) -> None:
    lay(tmp_path / "reports/confirm/head-1", a_run(id="part"), records=records)
    lay(tmp_path / "reports", a_run(id="whole"), records=records)
    assert [record.run for record in all_records(records)] == ["whole"]
    assert kept(records) == []


@pytest.mark.parametrize(("name", "most"), [("KEPT", 2), ("DISK", 15_000)])
def test_the_oldest_beyond_the_budget_are_removed(
    tmp_path: Path, records: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(f"gates.storage.past_runs.{name}", most)
    for number in range(6):
        lay(tmp_path / "reports", a_run(id=f"r{number}", notes=("x" * 5000,)), records=records)
    assert kept(records) == ["r4", "r3"]
