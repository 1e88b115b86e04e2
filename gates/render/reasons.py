"""Why gates failed whose tests do not say it: the part of the log that matters, and where the whole log is."""

from __future__ import annotations

import msgspec

from gates.portable.values import GateOutcome
from gates.render.text import clean, one_line
from gates.results import GateResult, Run

SILENT = "(its log has nothing more)"
"""Stands where a gate printed nothing that could be shown."""


class GateReason(msgspec.Struct, frozen=True):
    """Why a gate did not pass; `lines` are of its log, and `log` is where that is."""

    name: str
    words: str
    lines: tuple[str, ...]
    log: str


def reasons(run: Run) -> tuple[GateReason, ...]:
    """In the order of the gates. Nothing of gates that passed, were skipped or interrupted, or whose tests failed."""
    return tuple(
        GateReason(
            name=gate.name,
            words=one_line(gate.reason, 300) or gate.outcome.value,
            lines=tuple(line for text in gate.excerpt for line in clean(text).splitlines()),
            log=f"{run.reports}/{gate.log}" if gate.log else "",
        )
        for gate in run.gates
        if _unexplained(gate)
    )


def _unexplained(gate: GateResult) -> bool:
    if gate.outcome in (GateOutcome.SKIPPED, GateOutcome.INTERRUPTED) or gate.accepted:
        return False
    failed = gate.outcome is not GateOutcome.PASSED or gate.inconsistent
    return failed and bool(gate.excerpt or gate.tests is None or not gate.tests.bad)
