"""Whether all that went wrong on the head is what goes wrong on the base, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.compare.tests import WRONG_TESTS, naming
from gates.values import GateOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gates.compare.values import TestsComparison
    from gates.results import GateResult, TestResult


def known_to_fail(tests: TestsComparison) -> frozenset[str]:
    """Tests that fail on the base, too: no doing of the head's."""
    return frozenset((*tests.same_cause, *tests.flaky_on_both))


def fails_as_base(base: Sequence[TestResult], head: Sequence[TestResult], tests: TestsComparison) -> bool:
    """Whether tests are wrong on the head, and every one of them is known to fail on the base.

    What could not be collected stands for tests of which nobody knows, so it is never only what the base has, too.
    """
    name = naming((*base, *head))
    wrong = [result for result in head if result.outcome in WRONG_TESTS]
    collected = all(result.phase != "collect" for result in wrong)
    return bool(wrong) and collected and {name(result) for result in wrong} <= known_to_fail(tests)


def gates_fail_as_base(base: Sequence[GateResult], head: Sequence[GateResult], tests: Sequence[TestResult]) -> bool:
    """Whether each gate that did not pass on the head failed as it did on the base, and has tests that say why.

    Args:
        base: gates of the base.
        head: gates of the head.
        tests: results of the head.
    """
    before = {gate.name: gate for gate in base}
    with_wrong = {result.gate for result in tests if result.outcome in WRONG_TESTS}
    failed = [gate for gate in head if gate.outcome is not GateOutcome.PASSED and not gate.accepted]
    return all(
        gate.name in with_wrong and gate.name in before and _fail_alike(before[gate.name], gate) for gate in failed
    )


def _fail_alike(one: GateResult, other: GateResult) -> bool:
    # What passed on the base and failed there only when it was run again left the gate of the base passed.
    alike = one.outcome is GateOutcome.PASSED or (
        one.outcome is GateOutcome.FAILED and one.exit_code == other.exit_code
    )
    return alike and other.outcome is GateOutcome.FAILED and not (one.inconsistent or other.inconsistent)
