from __future__ import annotations

import pytest

from gates.portable.values import BAD_TESTS, LOST_TESTS, WORST_FIRST, GateOutcome, TestOutcome
from gates.readers.junit.outcomes import (
    GATE_ELEMENTS,
    TEST_ELEMENTS,
    attempt_outcome,
    refine,
    result_outcome,
    worst_outcome,
)


def test_the_order_of_the_worst_has_every_outcome_once() -> None:
    assert sorted(WORST_FIRST) == sorted(TestOutcome)


def test_only_what_passed_has_no_element() -> None:
    assert set(TestOutcome) - set(TEST_ELEMENTS) == {TestOutcome.PASSED, TestOutcome.XPASSED, TestOutcome.FLAKY}
    assert set(GateOutcome) - set(GATE_ELEMENTS) == {GateOutcome.PASSED}
    assert {TEST_ELEMENTS[outcome] for outcome in BAD_TESTS | LOST_TESTS} == {"failure", "error"}


def test_nothing_at_all_is_a_pass_and_the_worst_stands_for_many() -> None:
    assert worst_outcome(()) is TestOutcome.PASSED
    assert worst_outcome((TestOutcome.SKIPPED, TestOutcome.FAILED, TestOutcome.PASSED)) is TestOutcome.FAILED


@pytest.mark.parametrize(
    ("element", "kind", "outcome"),
    [
        ("failure", "AssertionError", TestOutcome.FAILED),
        ("failure", "test timeout", TestOutcome.TIMEOUT),
        ("error", "", TestOutcome.ERROR),
        ("skipped", "pytest.skip", TestOutcome.SKIPPED),
        ("skipped", "pytest.xfail", TestOutcome.XFAILED),
        ("failure", "pytest.xfail", TestOutcome.FAILED),
        ("error", "pytest.xfail", TestOutcome.ERROR),
        ("flakyFailure", "pytest.xfail", TestOutcome.FLAKY),
        ("rerunError", "pytest.xfail", TestOutcome.ERROR),
        ("flakyFailure", "", TestOutcome.FLAKY),
        ("rerunFailure", "", TestOutcome.FAILED),
        ("rerunError", "", TestOutcome.ERROR),
    ],
)
def test_an_element_says_its_outcome(element: str, kind: str, outcome: TestOutcome) -> None:
    assert result_outcome(element, kind) is outcome


@pytest.mark.parametrize(
    ("element", "kind", "outcome"),
    [
        ("flakyFailure", "AssertionError", TestOutcome.FAILED),
        ("rerunFailure", "passed", TestOutcome.FAILED),
        ("flakyFailure", "test timeout", TestOutcome.TIMEOUT),
        ("rerunError", "crashed", TestOutcome.CRASHED),
        ("failure", "timeout", TestOutcome.TIMEOUT),
        ("error", "", TestOutcome.ERROR),
    ],
)
def test_an_attempt_never_passed(element: str, kind: str, outcome: TestOutcome) -> None:
    assert attempt_outcome(element, kind) is outcome


@pytest.mark.parametrize(
    ("outcome", "said", "believed"),
    [
        (TestOutcome.ERROR, "crashed", TestOutcome.CRASHED),
        (TestOutcome.SKIPPED, "excluded", TestOutcome.EXCLUDED),
        (TestOutcome.PASSED, "xpassed", TestOutcome.XPASSED),
        (TestOutcome.FAILED, "timeout", TestOutcome.TIMEOUT),
        (TestOutcome.FAILED, "passed", TestOutcome.FAILED),
        (TestOutcome.FAILED, "skipped", TestOutcome.FAILED),
        (TestOutcome.SKIPPED, "passed", TestOutcome.SKIPPED),
        (TestOutcome.FLAKY, "passed", TestOutcome.FLAKY),
        (TestOutcome.PASSED, "no such outcome", TestOutcome.PASSED),
    ],
)
def test_a_property_never_turns_a_failure_green(outcome: TestOutcome, said: str, believed: TestOutcome) -> None:
    assert refine(outcome, said) is believed
