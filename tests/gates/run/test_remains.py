"""The next run ends what a killed one left, and touches nobody else."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from gates.run.processes import MARKER
from gates.run.remains import FOLDER, end_remains, known
from tests.gates.run.making import python
from tests.gates.run.waiting import is_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def start() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts a process of a gate."""
    started = []

    def begin(marker: str) -> subprocess.Popen[bytes]:
        code = "import time; print('ready', flush=True); time.sleep(600)"
        process = subprocess.Popen(python(code), env={MARKER: marker}, stdout=subprocess.PIPE, start_new_session=True)
        assert process.stdout is not None
        process.stdout.readline()
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def run(tmp_path: Path) -> str:
    return f"20260101T000000Z-{tmp_path.name}"


def names(cache: Path) -> list[str]:
    return [path.name for path in (cache / FOLDER).iterdir()]


def left_by(cache: Path, run: str) -> None:
    """A lock that nobody holds."""
    (cache / FOLDER).mkdir(exist_ok=True)
    (cache / FOLDER / run).write_text("")


def test_processes_of_a_dead_run_are_ended(
    tmp_path: Path, run: str, start: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    gate, inner = start(f"{run}-1"), start(f"{run}-12 20260101T000001Z-inner-1")
    left_by(tmp_path, run)
    with known(tmp_path, "next"):
        assert (gate.wait(60), inner.wait(60)) == (-9, -9)
        assert names(tmp_path) == ["next"]
    assert names(tmp_path) == []


def test_processes_of_a_run_that_goes_on_stay(
    tmp_path: Path, run: str, start: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    gate = start(f"{run}-1")
    with known(tmp_path, run), known(tmp_path, "next"):
        assert gate.poll() is None


def test_processes_of_others_stay(tmp_path: Path, run: str, start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    others = [start(marker) for marker in (f"{run}0-1", f"x{run}-1", f"{run}-more-1", "")]
    left_by(tmp_path, run)
    end_remains(tmp_path / FOLDER)
    assert all(is_alive(each.pid) for each in others)


def test_a_run_inside_of_a_dead_one_does_not_end_itself(
    tmp_path: Path, run: str, monkeypatch: pytest.MonkeyPatch, start: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    gate = start(f"{run}-1")
    left_by(tmp_path, run)
    with monkeypatch.context() as patch:
        patch.setenv(MARKER, f"{run}-1")
        end_remains(tmp_path / FOLDER)
    assert gate.poll() is None


def test_a_cache_that_cannot_be_written_costs_nothing_but_the_knowledge(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with known(tmp_path / "file", "run"):
        pass
