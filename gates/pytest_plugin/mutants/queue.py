"""Which fault comes next: one per line, a few of a file at a time, the most promising first."""

from __future__ import annotations

from collections.abc import Sequence

from .order import Planted


class Queue:
    """The faults that wait.

    Args:
        faults: the most promising first.
        at_a_time: how many of a file come before those of other files.
        every: all faults count, not only one per line.
    """

    def __init__(self, faults: Sequence[Planted], at_a_time: int, *, every: bool = False) -> None:
        self._waiting = list(faults)
        self._at_a_time, self._every = at_a_time, every
        self._done: set[tuple[str, int]] = set()
        self._round: list[Planted] = []

    def __bool__(self) -> bool:
        """Whether there is a next one."""
        if not self._round:
            self._begin()
        return bool(self._round)

    def next(self) -> Planted:
        """The next one, if there is one."""
        fault = self._round.pop(0)
        self._waiting.remove(fault)
        return fault

    def _begin(self) -> None:
        counts: dict[str, int] = {}
        for fault in self._waiting:
            place = (fault.path, fault.line)
            fresh = self._every or place not in self._done
            if fresh and counts.get(fault.path, 0) < self._at_a_time:
                counts[fault.path] = counts.get(fault.path, 0) + 1
                self._done.add(place)
                self._round.append(fault)

    def instead(self, fault: Planted) -> bool:
        """Let another fault of the line be next, because this one could not be tried; return whether there is one."""
        if self._every:
            return False
        for other in self._waiting:
            if (other.path, other.line) == (fault.path, fault.line):
                self._round.insert(0, other)
                return True
        return False

    def left(self) -> int:
        """How many faults that would have been tried are left."""
        if self._every:
            return len(self._waiting)
        lines = {(fault.path, fault.line) for fault in self._waiting} - self._done
        return len(lines) + len(self._round)
