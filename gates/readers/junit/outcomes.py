"""Convert between outcomes and JUnit elements, in both directions."""

from __future__ import annotations

from collections.abc import Iterable

from gates.portable.values import BAD_TESTS, WORST_FIRST, GateOutcome, TestOutcome

TEST_ELEMENTS = {
    TestOutcome.FAILED: "failure",
    TestOutcome.TIMEOUT: "failure",
    TestOutcome.ERROR: "error",
    TestOutcome.CRASHED: "error",
    TestOutcome.INTERRUPTED: "error",
    TestOutcome.NOT_RUN: "error",
    TestOutcome.SKIPPED: "skipped",
    TestOutcome.XFAILED: "skipped",
    TestOutcome.EXCLUDED: "skipped",
    TestOutcome.QUARANTINED: "skipped",
}
"""Outcome of a test → element in its case. Passed, xpassed and flaky tests have none of these: they passed."""

GATE_ELEMENTS = {
    GateOutcome.FAILED: "failure",
    GateOutcome.TIMEOUT: "failure",
    GateOutcome.COULD_NOT_RUN: "error",
    GateOutcome.INTERRUPTED: "error",
    GateOutcome.SKIPPED: "skipped",
}
"""Outcome of a gate → element in its case; a `could-not-run` that the config accepts is skipped instead."""

RESULTS = {
    "failure": TestOutcome.FAILED,
    "error": TestOutcome.ERROR,
    "skipped": TestOutcome.SKIPPED,
    "skip": TestOutcome.SKIPPED,
    "ignored": TestOutcome.SKIPPED,
    "flakyFailure": TestOutcome.FLAKY,
    "flakyError": TestOutcome.FLAKY,
    # Attempts of a test that never passed.
    "rerunFailure": TestOutcome.FAILED,
    "rerunError": TestOutcome.ERROR,
}
"""Element in a case → its outcome."""

BAD_ELEMENTS = frozenset(element for element, outcome in RESULTS.items() if outcome in BAD_TESTS)
SKIP_ELEMENTS = frozenset(element for element, outcome in RESULTS.items() if outcome is TestOutcome.SKIPPED)
FLAKY_ELEMENTS = frozenset({"flakyFailure", "flakyError"})
RERUN_ELEMENTS = frozenset({"rerunFailure", "rerunError"})
ATTEMPT_ELEMENTS = FLAKY_ELEMENTS | RERUN_ELEMENTS

SUBTEST = "subtest"
"""`type` of the `failure` of a subtest, in files of gates."""

OWN_KINDS = frozenset({TestOutcome.FAILED, TestOutcome.ERROR})
"""Outcomes caused by an exception of the test, whose class is a better `type`."""

SKIP_OUTCOMES = frozenset({TestOutcome.SKIPPED, TestOutcome.XFAILED, TestOutcome.EXCLUDED, TestOutcome.QUARANTINED})
"""Outcomes whose message explains why a test does not count."""

_OUTCOMES = {outcome.value: outcome for outcome in TestOutcome}


def worst_outcome(outcomes: Iterable[TestOutcome]) -> TestOutcome:
    """The outcome that represents all; `PASSED` for none."""
    return min(outcomes, key=WORST_FIRST.index, default=TestOutcome.PASSED)


def result_outcome(element: str, kind: str) -> TestOutcome:
    """The outcome of one element in a case; `kind` is its `type`."""
    outcome = RESULTS[element]
    if outcome is TestOutcome.FAILED and kind.lower() in {"timeout", "test timeout"}:
        return TestOutcome.TIMEOUT
    return TestOutcome.XFAILED if outcome is TestOutcome.SKIPPED and kind == "pytest.xfail" else outcome


def attempt_outcome(element: str, kind: str) -> TestOutcome:
    """The outcome of an attempt before the last one."""
    said = TestOutcome.FAILED if element.lower().endswith("failure") else TestOutcome.ERROR
    return refine(said, "timeout" if kind.lower() == "test timeout" else kind)


def refine(outcome: TestOutcome, said: str) -> TestOutcome:
    """Files of gates have the exact outcome as a property; it is used only if it is of the same kind.

    A property cannot turn a failure into a pass, or hide a flaky test.
    """
    exact = _OUTCOMES.get(said)
    if exact is None:
        return outcome
    same_kind = TEST_ELEMENTS.get(exact) == TEST_ELEMENTS.get(outcome)
    return exact if same_kind and outcome is not TestOutcome.FLAKY else outcome
