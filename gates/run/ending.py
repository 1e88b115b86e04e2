"""End the processes of a gate before it ends by itself: ask first, kill after a grace period."""

from __future__ import annotations

import signal
from collections.abc import Callable

from gates.portable.values import GateOutcome
from gates.run.log import GateLog
from gates.run.processes import GateProcess

TERM_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""


class Ending:
    """Why and when a gate is ended.

    Attributes:
        outcome: of the gate; None while it is not meant to end.
        why: the reason, which is also in its log.
    """

    def __init__(self, log: GateLog, clock: Callable[[], float]) -> None:
        self._log, self._clock = log, clock
        self._kill_at: float | None = None
        self.outcome: GateOutcome | None = None
        self.why = ""

    @property
    def is_asked(self) -> bool:
        """Whether its processes were asked to end."""
        return self._kill_at is not None

    def settle(self, outcome: GateOutcome, why: str) -> None:
        """The first reason counts."""
        if self.outcome is None:
            self.outcome, self.why = outcome, why
            self._log.say(why)

    def ask(self, process: GateProcess, outcome: GateOutcome, why: str, *, at_once: bool = False) -> None:
        """Ask the whole process tree to end, or kill it at once."""
        self.settle(outcome, why)
        if at_once:
            process.signal_tree(signal.SIGKILL)
        elif self._kill_at is None:
            self._kill_at = self._clock() + TERM_GRACE
            process.signal_tree(signal.SIGTERM)

    def insist(self, process: GateProcess, now: float) -> None:
        """Kill what is left once the grace period is over."""
        if self._kill_at is not None and now >= self._kill_at:
            process.signal_tree(signal.SIGKILL)
