"""Compare gates without test results by their outcomes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gates.compare.values import GatesComparison
from gates.portable.values import GateOutcome
from gates.results import GateResult

_FAILED = (GateOutcome.FAILED, GateOutcome.TIMEOUT)


def compare_outcomes(
    base: Sequence[GateResult], head: Sequence[GateResult], with_tests: Collection[str] = ()
) -> GatesComparison:
    """The gates of both sides, by how they changed.

    A gate that could not run, was skipped or was interrupted shows nothing about the code: on the head it is *unknown*, and
    on the base it is not a pass that could have been lost. Findings of linters and type checkers are compared separately.

    Args:
        base: gates of the base.
        head: gates of the head.
        with_tests: names of gates with test results on either side.
    """
    before = {gate.name: gate for gate in base if gate.tests is None and gate.name not in with_tests}
    both = [
        (before[gate.name], gate)
        for gate in head
        if gate.tests is None and gate.name in before and not _told_by_findings(before[gate.name], gate)
    ]

    def named(was: tuple[GateOutcome, ...], now: tuple[GateOutcome, ...]) -> tuple[str, ...]:
        return tuple(after.name for first, after in both if _outcome(first) in was and _outcome(after) in now)

    passed = (GateOutcome.PASSED,)
    return GatesComparison(
        compared=tuple(after.name for _, after in both),
        newly_failing=named(passed, _FAILED),
        fixed=named(_FAILED, passed),
        still_failing=named(_FAILED, _FAILED),
        unknown=named(passed, (GateOutcome.COULD_NOT_RUN, GateOutcome.SKIPPED, GateOutcome.INTERRUPTED)),
    )


def _told_by_findings(base: GateResult, head: GateResult) -> bool:
    return base.diagnostics is not None and head.diagnostics is not None and head.diagnostics.count > 0


def _outcome(gate: GateResult) -> GateOutcome:
    """A gate whose witnesses disagree has failed, regardless of what the worst of them reports."""
    return GateOutcome.FAILED if gate.inconsistent else gate.outcome
