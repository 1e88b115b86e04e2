"""Decide how a gate and a run ended: the worst of all witnesses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from gates.portable.values import ExitCode, GateOutcome, worst_exit
from gates.results import FilterLeaf, GateResult, Witness
from gates.run.witnesses.names import (
    EXIT_CODE,
    IMPORTS,
    INJECTION,
    JUNIT,
    LEDGER,
    NOX_REPORT,
    REPORTS,
    ROOM,
    RUNNER,
    TESTS,
)
from gates.run.witnesses.test_results import NO_TEST, NOTHING_RAN

_WORST_FIRST = (
    GateOutcome.INTERRUPTED,
    GateOutcome.TIMEOUT,
    GateOutcome.FAILED,
    GateOutcome.COULD_NOT_RUN,
    GateOutcome.SKIPPED,
    GateOutcome.PASSED,
)

FILTER = "filter"
"""Source of a predicate on the command line; others are in the config."""


def decide(witnesses: Iterable[Witness]) -> tuple[GateOutcome, bool, str]:
    """The outcome, whether witnesses contradict each other, and the detail of the deciding one.

    One witness reporting *passed* and another *failed* is a contradiction only if the first should have known: an
    exit code of 1 with all tests passed is not one, because a session does more than run its tests.
    """
    found = _explained([witness for witness in witnesses if witness.outcome is not None])
    by_name = {witness.name: witness.outcome for witness in found}
    worst = min(found, key=lambda witness: _WORST_FIRST.index(witness.outcome or GateOutcome.FAILED), default=None)
    if worst is None or worst.outcome is None:
        return GateOutcome.FAILED, True, "no witness reports how it ended"
    ends = (by_name.get(EXIT_CODE), by_name.get(NOX_REPORT))
    claims_pass = GateOutcome.PASSED in ends
    denied = any(
        by_name.get(name) is GateOutcome.FAILED
        for name in (EXIT_CODE, NOX_REPORT, TESTS, JUNIT, REPORTS, IMPORTS, INJECTION, RUNNER)
    )
    inconsistent = worst.outcome is GateOutcome.FAILED and claims_pass and denied and worst.name != LEDGER
    reason = "" if worst.outcome is GateOutcome.PASSED else worst.detail
    if worst.name == EXIT_CODE and reason:
        better = next((w.detail for w in found if w.outcome is worst.outcome and w.name in (TESTS, JUNIT)), "")
        nothing = next((w.detail for w in found if w.name == TESTS and w.detail in NOTHING_RAN), "")  # the code is 5
        reason = nothing or better or reason
        reason = "; ".join([reason, *(witness.detail for witness in found if witness.name == ROOM)])
        # Only a limitation of gates prevents a judgement, and the reader must learn what to do.
        reason = next((witness.detail for witness in found if witness.name == INJECTION), reason)
    if worst.outcome is GateOutcome.SKIPPED:
        reason = reason.removeprefix("skipped: ")
    return worst.outcome, inconsistent, reason


def _explained(found: list[Witness]) -> list[Witness]:
    """Drop nox's exit code if nox's report blames the environment: the code only repeats it."""
    report = next((witness.outcome for witness in found if witness.name == NOX_REPORT), None)
    if report is not GateOutcome.COULD_NOT_RUN:
        return found
    return [witness for witness in found if witness.name != EXIT_CODE or witness.outcome is not GateOutcome.FAILED]


def leaves_of(gates: Sequence[GateResult], *, whole: bool) -> tuple[FilterLeaf, ...]:
    """What each predicate matched across all gates: a name missing in one gate may exist in another.

    Args:
        gates: results with the findings of each of their processes.
        whole: every gate ran. Otherwise the ledgers may name tests of gates that did not.
    """
    found: dict[tuple[str, str], list[FilterLeaf]] = {}
    for gate in gates:
        for leaf in gate.leaves:
            found.setdefault((leaf.source, leaf.text), []).append(leaf)
    return tuple(_one_leaf(leaves, whole) for leaves in found.values())


def _one_leaf(leaves: Sequence[FilterLeaf], whole: bool) -> FilterLeaf:
    most = max(leaves, key=lambda leaf: leaf.count)
    if most.count:
        return msgspec.structs.replace(most, error="", warning="")
    if most.source == FILTER:
        return most
    if not whole:
        return msgspec.structs.replace(most, error="", warning="")
    # In a config, a predicate that matches nothing is outdated or a typing mistake.
    return msgspec.structs.replace(most, error=most.error or most.warning, warning="")


def conclude(
    gates: Sequence[GateResult],
    *,
    interrupted: bool = False,
    late: bool = False,
    trouble: bool = False,
    altered: bool = False,
    leaves: Sequence[FilterLeaf] = (),
) -> tuple[str, ExitCode]:
    """Outcome and exit code of a run.

    Args:
        gates: results of all planned gates.
        interrupted: the user or the system ended the run.
        late: the run exceeded its time limit: it failed, even if only waiting gates were left.
        trouble: the run itself could not go on (reports cannot be written).
        altered: recorded files were changed by other programs: then they prove nothing.
        leaves: what the predicates of the expressions matched.
    """
    codes = [_exit_of(gate) for gate in gates]
    if interrupted:
        codes.append(ExitCode.INTERRUPTED)
    if trouble:
        codes.append(ExitCode.COULD_NOT_RUN)
    if any(leaf.error for leaf in leaves):
        codes.append(ExitCode.USAGE)
    failed = [gate for gate in gates if _exit_of(gate) is ExitCode.GATE_FAILED]
    ran = any(gate.tests is not None and gate.tests.run for gate in gates)
    if failed and not ran and all(gate.reason == NO_TEST for gate in failed):
        codes = [ExitCode.NOTHING_SELECTED if code is ExitCode.GATE_FAILED else code for code in codes]
    if late or altered:
        codes.append(ExitCode.GATE_FAILED)
    if not gates and not codes:
        codes.append(ExitCode.NOTHING_SELECTED)
    code = worst_exit(codes)
    word = {
        ExitCode.PASSED: "passed",
        ExitCode.GATE_FAILED: "failed",
        ExitCode.COULD_NOT_RUN: "could-not-run",
        ExitCode.NOTHING_SELECTED: "nothing-selected",
        ExitCode.USAGE: "wrong-filter",
        ExitCode.INTERRUPTED: "interrupted",
    }[code]
    return word, code


def _exit_of(gate: GateResult) -> ExitCode:
    if gate.outcome is GateOutcome.PASSED or gate.accepted:
        return ExitCode.PASSED
    if gate.outcome in (GateOutcome.FAILED, GateOutcome.TIMEOUT):
        return ExitCode.GATE_FAILED
    if gate.outcome is GateOutcome.INTERRUPTED:
        return ExitCode.INTERRUPTED
    return ExitCode.COULD_NOT_RUN  # skipped counts as not shown, and never looks passed
