"""Which fault comes next: one per line, a few of a file at a time, the most promising first.

When each line had its turn, lines whose faults were all noticed have another one, as long as there is time: a survivor may
be among the rest. A line with a survivor has said enough.
"""

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
        self._noticed: set[tuple[str, int]] = set()
        self._tried: set[tuple[str, int]] = set()
        self._round: list[Planted] = []

    def __bool__(self) -> bool:
        """Whether there is a next one."""
        if not self._round:
            self._begin()
        if not self._round and self._noticed:
            self._done -= self._noticed
            self._noticed.clear()
            self._begin()
        return bool(self._round)

    def next(self) -> Planted:
        """The next one, if there is one."""
        fault = self._round.pop(0)
        self._waiting.remove(fault)
        self._tried.add((fault.path, fault.line))
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

    def noticed(self, fault: Planted) -> None:
        """A test failed because of this one."""
        self._noticed.add((fault.path, fault.line))

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
        """How many faults that would have been tried are left: one for each line that had no turn."""
        if self._every:
            return len(self._waiting)
        return len({(fault.path, fault.line) for fault in self._waiting} - self._tried)
