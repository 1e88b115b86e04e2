"""A result of an earlier run, as the history keeps it."""

from __future__ import annotations

import msgspec


class PastResult(msgspec.Struct, frozen=True, array_like=True):
    """How a test ended in one run; how a gate ended, if `test` is empty.

    Attributes:
        gate: its gate.
        test: its id.
        run: id of the run.
        started: when that began, in seconds since the epoch.
        tree: identity of what was validated: different outcomes for the same tree are flaky.
        branch: that it was on; empty if unknown.
        outcome: as in its result.
        seconds: what it took.
        signature: of its failure; empty if there was none.
        quarantine: the entry that matches it; empty if there is none.
    """

    gate: str
    test: str
    run: str
    started: float
    tree: str
    branch: str
    outcome: str
    seconds: float
    signature: str = ""
    quarantine: str = ""
