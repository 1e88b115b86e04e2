"""Decide whether the head is to blame for newly failing tests: count how they ended when run again on both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from gates.compare.tests import GOOD_TESTS
from gates.compare.values import Confirmation, Finding, TestsComparison
from gates.portable.values import BAD_TESTS, TestOutcome


class RepeatedOutcomes(msgspec.Struct, frozen=True, kw_only=True):
    """Outcomes by name of test, one mapping for each extra run; see `tests.naming`."""

    base: tuple[dict[str, TestOutcome], ...] = ()
    head: tuple[dict[str, TestOutcome], ...] = ()


def confirm(tests: TestsComparison, again: RepeatedOutcomes | None) -> tuple[TestsComparison, tuple[Confirmation, ...]]:
    """Keep as newly failing only what always fails on the head and never on the base; all, if nothing was run again.

    A run that shows nothing (skipped, lost, missing) does not count: it does not clear the head.
    """
    if again is None:
        return tests, ()
    found = tuple(_counted(test, again) for test in tests.newly_failing)

    def those(finding: Finding) -> tuple[str, ...]:
        return tuple(each.test for each in found if each.finding == finding)

    sorted_out = msgspec.structs.replace(
        tests,
        newly_failing=those("newly failing"),
        unconfirmed=those("unconfirmed"),
        flaky_on_both=those("flaky on both sides"),
    )
    return sorted_out, found


def _counted(test: str, again: RepeatedOutcomes) -> Confirmation:
    head_failed, head_runs = _count(test, again.head)
    base_failed, base_runs = _count(test, again.base)
    finding: Finding = "newly failing"
    if base_failed:
        finding = "flaky on both sides"
    elif head_failed < head_runs:
        finding = "unconfirmed"
    return Confirmation(
        test=test,
        head_failed=head_failed,
        head_runs=head_runs,
        base_failed=base_failed,
        base_runs=base_runs,
        finding=finding,
    )


def _count(test: str, times: Sequence[Mapping[str, TestOutcome]]) -> tuple[int, int]:
    """How often a test failed, and how often it finished."""
    outcomes = [outcomes.get(test) for outcomes in times]
    failed = sum(outcome in BAD_TESTS for outcome in outcomes)
    return failed, failed + sum(outcome in GOOD_TESTS for outcome in outcomes)
