"""Estimate when a run ends, from how long its gates took last time. Pure."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Mapping

from gates.planning.plan import Plan


class Outlook:
    """Which gates of a plan have begun and ended, and from that when the run ends."""

    def __init__(self, plan: Plan, clock: Callable[[], float]) -> None:
        self.usual = {item.gate.name: item.expected for item in plan.gates}
        self._jobs, self._clock = plan.jobs, clock
        self._begun: dict[str, float] = {}
        self._ended: set[str] = set()
        self._began = clock()

    def begin(self, gate: str) -> None:
        """A gate begins."""
        self._begun[gate] = self._clock()

    def end(self, gate: str) -> None:
        """A gate is over."""
        self._ended.add(gate)

    @property
    def ended(self) -> int:
        """How many gates are over."""
        return len(self._ended)

    def left(self) -> float | None:
        """Seconds until the last gate ends; None if that is not known."""
        return seconds_left(self.usual, self._begun, self._ended, self._jobs, self._clock())

    def whole(self) -> float | None:
        """Seconds that the whole run probably takes; None if that is not known."""
        left = self.left()
        return None if left is None else self._clock() - self._began + left


def seconds_left(
    expected: Mapping[str, float | None], begun: Mapping[str, float], ended: Collection[str], jobs: int, now: float
) -> float | None:
    """Seconds until the last gate ends; None if one that is not over has never been timed.

    Gates that wait take the slots as these become free, the longest first; what they need is not looked at.

    Args:
        expected: seconds that each planned gate took last time.
        begun: when each gate began that did.
        ended: gates that are over.
        jobs: how many gates run at the same time.
        now: on the clock of `begun`.
    """
    open_ = [name for name in expected if name not in ended]
    known = {name: seconds for name in open_ if (seconds := expected[name]) is not None}
    if len(known) < len(open_):
        return None
    running = [max(0.0, known[name] - (now - begun[name])) for name in open_ if name in begun]
    slots = running + [0.0] * max(0, jobs - len(running))
    if not slots:
        return 0.0
    heapq.heapify(slots)
    for seconds in sorted((known[name] for name in open_ if name not in begun), reverse=True):
        heapq.heapreplace(slots, slots[0] + seconds)
    return max(slots)
