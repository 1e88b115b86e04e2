from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.serve.runs import Runs
from gates.storage.records import RECORDS
from tests.gates.readers.junit.sample import NOON, a_run, a_test
from tests.gates.serve.following import going
from tests.gates.storage.laying import lay

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def ended(store: Path, folder: Path, name: str, at: float = NOON) -> None:
    lay(folder, a_run([a_test()], id=name, started=at), [a_test()], records=store / RECORDS, render=True)


def test_running_last_and_earlier_runs_are_listed_the_newest_first(tmp_path: Path, store: Path) -> None:
    ended(store, tmp_path / "reports", "one", NOON - 30)
    ended(store, tmp_path / "reports", "two", NOON - 20)
    ended(store, tmp_path / "other", "three", NOON + 10)
    with going(store, tmp_path / "live"):
        known = Runs(store).last()
    assert [(one.run.id[:5], one.goes_on) for one in known] == [
        ("20261", True), ("three", False), ("two", False), ("one", False),
    ]  # fmt: skip
    assert not any(one.changed for one in known)


def test_a_killed_run_is_listed_and_does_not_go_on(tmp_path: Path, store: Path) -> None:
    with going(store, tmp_path / "live"):
        pass
    (known,) = Runs(store).last()
    assert not known.goes_on
    assert not known.run.complete


def test_a_run_that_was_changed_is_called_so(tmp_path: Path, store: Path) -> None:
    ended(store, tmp_path / "reports", "one")
    runs = Runs(store)
    (known,) = runs.last()
    path = known.files / "run.json"
    path.write_text(path.read_text().replace('"failed"', '"passed"').replace("kv-gates", "kw-gates"))
    assert runs.last()[0].changed


def test_what_cannot_be_read_is_not_listed(tmp_path: Path, store: Path) -> None:
    assert Runs(store).last() == ()
    ended(store, tmp_path / "reports", "one")
    (known,) = Runs(store).last()
    (known.files / "run.json").write_text("{")
    assert Runs(store).last() == ()


def test_only_the_last_runs_are_listed(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gates.serve.runs.SHOWN", 2)
    for number in range(3):
        ended(store, tmp_path / f"reports-{number}", f"r{number}", NOON + number)
    assert [one.run.id for one in Runs(store).last()] == ["r2", "r1"]
