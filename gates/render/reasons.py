"""Why gates failed, if their tests do not show it: what their tools found, or the relevant part of the log."""

from __future__ import annotations

import msgspec

from gates.portable.values import GateOutcome
from gates.render.artifacts import finding_line
from gates.render.text import clean, one_line, plural
from gates.results import GateResult, Run

SILENT = "(its log has nothing more)"
"""Shown if a gate printed nothing useful."""


FINDINGS = 20
"""Maximum findings that are shown of a gate; the others are counted."""


class GateReason(msgspec.Struct, frozen=True):
    """Why a gate did not pass.

    Attributes:
        name: of the gate.
        words: the reason in one line.
        lines: what its linters and type checkers found, one finding in each; for other gates, from its log.
        log: path of the whole log.
    """

    name: str
    words: str
    lines: tuple[str, ...]
    log: str


def reasons(run: Run) -> tuple[GateReason, ...]:
    """In the order of the gates, without gates that passed, were skipped or interrupted, or whose tests failed."""
    return tuple(
        GateReason(
            name=gate.name,
            words=_words(gate),
            lines=_findings(gate) or tuple(line for text in gate.excerpt for line in clean(text).splitlines()),
            log=f"{run.reports}/{gate.log}" if gate.log else "",
        )
        for gate in run.gates
        if _unexplained(gate)
    )


def _words(gate: GateResult) -> str:
    words = one_line(gate.reason, 300) or gate.outcome.value
    found = gate.diagnostics
    return f"{plural(found.count, 'finding')} ({words})" if found is not None and found.count else words


def _findings(gate: GateResult) -> tuple[str, ...]:
    """The findings of the gate, errors first; none if it has none or did not end by itself."""
    found = gate.diagnostics
    if found is None or not found.count or gate.outcome is GateOutcome.TIMEOUT:
        return ()
    ranked = sorted(found.kept, key=lambda each: each.severity in MILD)
    more = found.count - FINDINGS
    return (
        *(clean(finding_line(each)) for each in ranked[:FINDINGS]),
        *([f"… and {plural(more, 'more finding')}"] if more > 0 else []),
    )


MILD = ("warning", "note", "information", "info")
"""Severities of findings that are shown after the others."""


def _unexplained(gate: GateResult) -> bool:
    if gate.outcome in (GateOutcome.SKIPPED, GateOutcome.INTERRUPTED) or gate.accepted:
        return False
    failed = gate.outcome is not GateOutcome.PASSED or gate.inconsistent
    return failed and bool(gate.excerpt or gate.tests is None or not gate.tests.bad)
