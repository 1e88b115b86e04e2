"""Notices that nothing moves any more in a gate that runs tests, says who is suspected, and asks for their stacks."""

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
"""Seconds without any sign of life that every gate has, where nobody says otherwise."""

SHARE = 3
"""Of a longer gate's time a third: who gives it hours has slow tests."""

MARGIN = 90.0
"""Seconds beyond its own limit that a test is given: it should have ended by itself, even in a pytest of its own."""

DUMPING = 1.0
"""Seconds that the test processes have to write their stacks."""

SHOWN = 5
"""Suspects that are named."""

DUMP_LIMIT = 1 << 16
"""Bytes of stacks that are read of one process."""


def patience_of(asked: float | None, timeout: float) -> float:
    """Seconds without any sign of life that a gate has.

    Args:
        asked: what the user said.
        timeout: what the gate may take in all.
    """
    return max(PATIENCE, timeout / SHARE) if asked is None else asked


class Stall:
    """Watches one gate. A gate that is silent because its tests have longer limits of their own does not stall."""

    def __init__(
        self,
        patience: float,
        clock: Callable[[], float],
        wall: Callable[[], float],
        owns: Callable[[int], bool] = lambda _pid: True,
    ) -> None:
        """Begin to watch.

        Args:
            patience: seconds without any output or record.
            clock: seconds, monotonic.
            wall: seconds since the epoch, as in records.
            owns: whether a process is one of the gate's: numbers in records may be anything.
        """
        self._patience, self._clock, self._wall, self._owns = patience, clock, wall, owns
        self._moved = clock()
        self._ends_at: float | None = None
        self._why = ""
        self._asked: list[tuple[PytestProcess, str, int]] = []  # and the worker, and how long its file was

    def moved(self) -> None:
        """Something came from the gate, and calls off what was about to come."""
        self._moved, self._ends_at = self._clock(), None

    def why(self, processes: Iterable[PytestProcess]) -> str:
        """Why the gate must end; empty while it need not. Asks for stacks first, and keeps them in `processes`."""
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
        # Then another gate's test has the place, and it is there that it is judged.
        return bool(suspects) and all(record.get("group") for record in suspects)

    def _has_time(self, record: dict[str, Any]) -> bool:
        limit = record.get("limit")
        since: float = record.get("alive") or record.get("time", 0.0)
        return limit is not None and self._wall() < since + limit + MARGIN

    def _ask_for_stacks(self, processes: list[PytestProcess]) -> None:
        """Of the tests that run; where none does, of the processes that ran some: fixtures may hang, too."""
        self._asked = []
        for process in processes:
            running = {str(one.get("worker") or ""): one.get("pid", 0) for one in process.running.values()}
            for worker, pid in (running or process.runners).items():
                path = asked_path(process.path, worker)
                with suppress(OSError):  # gone meanwhile; and where there is no file, nobody understands the signal
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
