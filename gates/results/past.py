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
        tree: identity of what was validated: different outcomes for the same tree are flaky. Empty if a gate changed it.
        branch: that it was on; empty if unknown.
        outcome: as in its result.
        seconds: what it took.
        signature: of its failure; empty if there was none.
        quarantine: the entry that matches it; empty if there is none.
        python: version of the interpreter that ran gates; empty if unknown.
        profile: of the run; empty if unknown.
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
    python: str = ""
    profile: str = ""

    @property
    def conditions(self) -> tuple[str, ...]:
        """What is the same in two runs whose outcomes should be the same; empty if that is not known."""
        # A profile may leave tests out, which changes what a gate as a whole says.
        return (self.tree, self.python, "" if self.test else self.profile) if self.tree else ()
