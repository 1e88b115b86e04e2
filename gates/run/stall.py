"""Notices that nothing moves any more in a gate that runs tests, and says who is suspected."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gates.values import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gates.run.inbox import PytestProcess

MARGIN = 30.0
"""Seconds beyond its own limit that a test is given: it should have ended by itself."""

DUMPING = 0.5
"""Seconds that the test processes have to write their stacks."""

SHOWN = 5
"""Suspects that are named."""


class Stall:
    """Watches one gate. A gate that is silent because its tests have longer limits of their own does not stall."""

    def __init__(self, patience: float, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        """Begin to watch.

        Args:
            patience: seconds without any output or record.
            clock: seconds, monotonic.
            wall: seconds since the epoch, as in records.
        """
        self._patience, self._clock, self._wall = patience, clock, wall
        self._moved = clock()
        self._ends_at: float | None = None
        self._why = ""

    def moved(self) -> None:
        """Something came from the gate."""
        if self._ends_at is None:  # what comes later are the stacks that were asked for
            self._moved = self._clock()

    def why(self, processes: Iterable[PytestProcess]) -> str:
        """Why the gate must end; empty while it need not. Asks for stacks first, which come with its output."""
        now = self._clock()
        if self._ends_at is not None:
            return self._why if now >= self._ends_at else ""
        if now - self._moved < self._patience:
            return ""
        alive = [one for one in processes if one.start and one.exit_code is None and one.collection_complete]
        suspects = list(_suspects(alive))
        if not alive or any(self._has_time(record) for _, record in suspects):
            return ""
        self._why = f"nothing moved for {format_duration(self._patience)}: {self._said(suspects)}"
        self._ends_at = now + DUMPING
        for pid in {int(record.get("pid") or 0) for _, record in suspects} - {0}:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGUSR2)
        return ""

    def _has_time(self, record: dict[str, Any]) -> bool:
        limit = record.get("limit")
        return limit is not None and self._wall() < float(record.get("time") or 0.0) + float(limit) + MARGIN

    def _said(self, suspects: list[tuple[str, dict[str, Any]]]) -> str:
        if not suspects:
            return "no test is running"
        words = []
        for test, record in suspects[:SHOWN]:
            seconds = format_duration(max(0.0, self._wall() - float(record.get("time") or 0.0)))
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
    return f"waits for {record['threads']} slots" if record.get("threads") else ""
