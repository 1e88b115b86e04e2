"""Why gates failed, if their tests do not show it: the relevant part of the log, and the path of the whole log."""

from __future__ import annotations

import msgspec

from gates.portable.values import GateOutcome
from gates.render.text import clean, one_line
from gates.results import GateResult, Run

SILENT = "(its log has nothing more)"
"""Shown if a gate printed nothing useful."""


class GateReason(msgspec.Struct, frozen=True):
    """Why a gate did not pass; `lines` are from its log, and `log` is its path."""

    name: str
    words: str
    lines: tuple[str, ...]
    log: str


def reasons(run: Run) -> tuple[GateReason, ...]:
    """In the order of the gates, without gates that passed, were skipped or interrupted, or whose tests failed."""
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
