"""Whether everything that failed on the head also fails on the base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gates.compare.tests import WRONG_TESTS, naming
from gates.portable.values import GateOutcome
from gates.results import GateResult, TestResult

if TYPE_CHECKING:
    from gates.compare.values import DiagnosticsComparison, TestsComparison


def known_to_fail(tests: TestsComparison) -> frozenset[str]:
    """Tests that also fail on the base: not the head's fault."""
    return frozenset((*tests.same_cause, *tests.flaky_on_both))


def only_base_failures(
    base: Sequence[GateResult],
    head: Sequence[GateResult],
    alike: bool | None,
    with_failures: frozenset[str],
    old: frozenset[str],
) -> bool:
    """Whether something failed on the head, and all of it also fails on the base.

    Args:
        base: gates of the base.
        head: gates of the head.
        alike: the result of `fails_as_base` for the tests.
        with_failures: gates of the head that have failed tests.
        old: gates whose linters and type checkers find exactly the same on the head as on the base.
    """
    failed = [gate for gate in head if gate.outcome is not GateOutcome.PASSED and not gate.accepted]
    if alike is False or (alike is None and not failed):
        return False
    before = {gate.name: gate for gate in base}
    return all(
        gate.name in before
        and (
            (gate.name in with_failures and _fail_alike(before[gate.name], gate))
            or (gate.name in old and _fail_alike(before[gate.name], gate, passed=False))
        )
        for gate in failed
    )


def fails_as_base(base: Sequence[TestResult], head: Sequence[TestResult], tests: TestsComparison) -> bool | None:
    """Whether every test that failed on the head is known to fail on the base; None if none failed.

    A collection error stands for unknown tests, so it never counts as a failure that the base also has.
    """
    failed = [result for result in head if result.outcome in WRONG_TESTS]
    if not failed:
        return None
    collected = all(result.phase != "collect" for result in failed)
    if not collected:
        return False
    name = naming((*base, *head))
    return {name(result) for result in failed} <= known_to_fail(tests)


def gates_with_failures(tests: Sequence[TestResult]) -> frozenset[str]:
    """The gates that have failed tests."""
    return frozenset(result.gate for result in tests if result.outcome in WRONG_TESTS)


def only_old(gates: Sequence[DiagnosticsComparison]) -> frozenset[str]:
    """Gates with findings on the head, none of which is new."""
    return frozenset(each.gate for each in gates if each.head and not each.new and not each.unknown)


_OF_TESTS = frozenset({"exit code", "nox report", "test results", "junit"})
"""Witnesses that only report failed tests; any other one reports another cause."""


def _fail_alike(one: GateResult, other: GateResult, *, passed: bool = True) -> bool:
    # A test that passed on the base and failed there only when it was run again did not fail the base's gate.
    alike = (passed and one.outcome is GateOutcome.PASSED) or (
        one.outcome is GateOutcome.FAILED and one.exit_code == other.exit_code
    )
    failed = {witness.name for witness in other.witnesses if witness.outcome is GateOutcome.FAILED}
    alike = alike and failed <= _OF_TESTS
    return alike and other.outcome is GateOutcome.FAILED and not (one.inconsistent or other.inconsistent)
