"""End leftovers of a run that was killed together with its keeper, or without one, at the next run of the project.

A living run holds a lock in the project's cache folder, under its id. If the lock is free, the run is dead, and
processes with the id in their environment (`MARKER`) are its gates and what they started. No others are touched.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gates.files.locking import take_lock
from gates.files.temporary import sweep, temporary_folder
from gates.portable.errors import EnvironmentProblem
from gates.run.processes import MARKER, marked_processes

FOLDER = "running"
PATIENCE = 5.0
"""Seconds to wait for killed processes: the kernel may hold one."""


@contextmanager
def known(cache: Path, run: str) -> Iterator[None]:
    """End leftovers of dead runs. Then, while entered, the next run can see that this one is alive.

    Args:
        cache: the project's cache folder. If it cannot be written, the next run knows nothing.
        run: the id of this run.
    """
    folder = cache / FOLDER
    end_remains(folder)
    sweep(temporary_folder())
    lock = -1
    with suppress(OSError, EnvironmentProblem):
        folder.mkdir(parents=True, exist_ok=True)
        lock = take_lock(folder / run, "this run is still going on")
    try:
        yield
    finally:
        if lock >= 0:
            (folder / run).unlink(missing_ok=True)
            os.close(lock)


def end_remains(folder: Path) -> None:
    """Kill the processes of runs whose locks are free."""
    around = os.environ.get(MARKER, "").split()
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 (mostly there is nothing)
            if any(marker.rpartition("-")[0] == name for marker in around):
                continue  # this process itself is one of its leftovers
            with suppress(EnvironmentProblem):  # it is alive
                lock = take_lock(folder / name, "that run is still going on")
                try:
                    _kill_all(name)
                    (folder / name).unlink()
                finally:
                    os.close(lock)


def _kill_all(run: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while (pids := marked_processes(run, run=True)) and time.monotonic() < deadline:
        held = {pid: descriptor for pid in pids if (descriptor := _hold(pid)) is not None}
        for pid in marked_processes(run, run=True):  # looked up again: the numbers may have been reused
            if pid in held:
                _kill(pid, held[pid])
        for descriptor in held.values():
            if descriptor >= 0:
                os.close(descriptor)
        time.sleep(0.01)


def _hold(pid: int) -> int | None:
    """A descriptor of the process, so that its number cannot be reused; -1 if the system has none; None if it is gone."""
    try:
        return os.pidfd_open(pid)
    except AttributeError:
        return -1
    except OSError:
        return None


def _kill(pid: int, descriptor: int) -> None:
    with suppress(OSError):
        if descriptor >= 0:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
