"""Detects a stalled gate that runs tests, names the suspects, and asks for their stacks."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gates.portable.protocol import asked_path
from gates.portable.regular import open_file
from gates.portable.values import format_duration, plural

if TYPE_CHECKING:
    from gates.run.test_process import PytestProcess

PATIENCE = 600.0
"""Default seconds that any gate may show no sign of life."""

SHARE = 3
"""A third of a longer timeout: a gate with hours has slow tests."""

MARGIN = 90.0
"""Extra seconds beyond a test's own limit, in which it should end by itself, even in a separate pytest."""

DUMPING = 1.0
"""Seconds for the test processes to write their stacks."""

SHOWN = 5
"""Maximum number of named suspects."""

DUMP_LIMIT = 1 << 16
"""Maximum bytes of stacks to read from one process."""


def patience_of(asked: float | None, timeout: float) -> float:
    """Seconds that a gate may show no sign of life.

    Args:
        asked: the user's setting.
        timeout: the gate's total time limit.
    """
    return max(PATIENCE, timeout / SHARE) if asked is None else asked


class Stall:
    """Watches one gate. A gate is not stalled while its tests have longer limits of their own."""

    def __init__(
        self,
        patience: float,
        clock: Callable[[], float],
        wall: Callable[[], float],
        owns: Callable[[int], bool] = lambda _pid: True,
    ) -> None:
        """Start watching.

        Args:
            patience: seconds without any output or record.
            clock: seconds, monotonic.
            wall: seconds since the epoch, as in records.
            owns: whether a process belongs to the gate: numbers in records may be wrong.
        """
        self._patience, self._clock, self._wall, self._owns = patience, clock, wall, owns
        self._moved = clock()
        self._ends_at: float | None = None
        self._why = ""
        self._asked: list[tuple[PytestProcess, str, int]] = []  # and the worker, and how long its file was

    def moved(self) -> None:
        """The gate showed a sign of life, which cancels a pending end."""
        self._moved, self._ends_at = self._clock(), None

    def why(self, processes: Iterable[PytestProcess]) -> str:
        """Why the gate must end; empty if it need not. Asks for stacks first, and stores them in `processes`."""
        now = self._clock()
        if self._ends_at is not None:
            if now < self._ends_at:
                return ""
            self._take_stacks()
            return self._why
        if now - self._moved < self._patience:
            return ""
        alive = [one for one in processes if one.start and one.exit_code is None and one.collection_complete]
        suspects = list(_suspects(alive))
        if not alive or self._are_excused([record for _, record in suspects]):
            return ""
        self._why = f"nothing moved for {format_duration(self._patience)}: {self._said(suspects)}"
        self._ends_at = now + DUMPING
        self._ask_for_stacks(alive)
        return ""

    def _are_excused(self, suspects: list[dict[str, Any]]) -> bool:
        if any(self._has_time(record) for record in suspects):
            return True
        # Then a test of another gate holds the place, and is judged there.
        return bool(suspects) and all(record.get("group") for record in suspects)

    def _has_time(self, record: dict[str, Any]) -> bool:
        limit = record.get("limit")
        since: float = record.get("alive") or record.get("time", 0.0)
        return limit is not None and self._wall() < since + limit + MARGIN

    def _ask_for_stacks(self, processes: list[PytestProcess]) -> None:
        """The processes with running tests or, if there are none, those that have run some: fixtures may hang, too."""
        self._asked = []
        for process in processes:
            running = {str(one.get("worker") or ""): one.get("pid", 0) for one in process.running.values()}
            for worker, pid in (running or process.runners).items():
                path = asked_path(process.path, worker)
                with suppress(OSError):  # gone meanwhile; without the file, the signal would have no handler
                    size = path.stat().st_size
                    if pid > 0 and self._owns(pid):
                        os.kill(pid, signal.SIGUSR2)
                        self._asked.append((process, worker, size))

    def _take_stacks(self) -> None:
        for process, worker, size in self._asked:
            with suppress(OSError), open_file(asked_path(process.path, worker)) as file:
                file.seek(size)
                process.take_dump(worker, file.read(DUMP_LIMIT))
        self._asked = []

    def _said(self, suspects: list[tuple[str, dict[str, Any]]]) -> str:
        if not suspects:
            return "no test is running, and the session does not end"
        words = []
        for test, record in suspects[:SHOWN]:
            seconds = format_duration(max(0.0, self._wall() - record.get("time", 0.0)))
            where = f" on {record['worker']}" if record.get("worker") else ""
            waits = _waits(record) or "has been running"
            words.append(f"{test} {waits} for {seconds}{where}")
        more = f", and {len(suspects) - SHOWN} more" if len(suspects) > SHOWN else ""
        return f"{', '.join(words)}{more}"


def _suspects(processes: Iterable[PytestProcess]) -> Iterator[tuple[str, dict[str, Any]]]:
    for process in processes:
        yield from process.running.items()
        yield from process.waiting.items()


def _waits(record: dict[str, Any]) -> str:
    for what in ("group", "script"):
        if record.get(what):
            return f"waits for the {what} {record[what]}"
    return f"waits for {plural(int(record['threads']), 'slot')}" if record.get("threads") else ""
