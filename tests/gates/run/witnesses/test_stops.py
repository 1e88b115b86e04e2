"""What kept tests from running is said in few words."""

from __future__ import annotations

import pytest

from gates.portable.values import TestOutcome
from gates.results import TestResult
from gates.run.witnesses.stops import collection_words, uncollectable, unrun_words


def broken(message: str, place: str = "test_a.py:3", **fields: object) -> TestResult:
    about = {"gate": "test", "id": "test_a.py", "file": "test_a.py", "phase": "collect", **fields}
    return TestResult(outcome=TestOutcome.ERROR, message=message, place=place, **about)  # type: ignore[arg-type]


def lost(number: int, reason: str, outcome: TestOutcome = TestOutcome.NOT_RUN) -> list[TestResult]:
    return [TestResult(gate="test", id=f"t{n}", outcome=outcome, reason=reason) for n in range(number)]


MISSING = "ModuleNotFoundError: No module named 'pretend'"


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([broken(MISSING)], "1 error: No module named 'pretend' (test_a.py:3)"),
        ([broken("SyntaxError: invalid syntax", place="")], "1 error: SyntaxError: invalid syntax (test_a.py)"),
        ([broken(MISSING)] * 5, "5 errors: No module named 'pretend'"),
        (
            [*[broken(MISSING)] * 2, broken("SyntaxError: invalid syntax")],
            "3 errors: No module named 'pretend' (2), SyntaxError: invalid syntax (1)",
        ),
        ([broken(f"E{n}") for n in range(4)], "4 errors: E0 (1), E1 (1), E2 (1), …"),
        ([broken("")], "1 error: cannot be collected (test_a.py:3)"),
    ],
)
def test_what_cannot_be_collected_is_said_by_cause(found: list[TestResult], words: str) -> None:
    assert collection_words(found) == words


def test_only_modules_cannot_be_collected() -> None:
    module = broken(MISSING)
    assert uncollectable([module, broken("x", phase="setup"), *lost(1, "x")]) == [module]


STOPPED = "the session stopped: {} during collection"


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        (lost(644, STOPPED.format("5 errors")), "644 tests did not run because of them"),
        (lost(1, STOPPED.format("1 error")), "1 test did not run because of it"),
        (lost(97, "-x/--maxfail stopped the session"), "97 of 100 collected tests did not run: -x/--maxfail stopped the session"),
        (lost(2, "-x/--maxfail stopped the session"), "2 of 100 collected tests without a result: t0, t1"),
        ([*lost(4, "a"), *lost(1, "b")], "5 of 100 collected tests without a result: t0, t1, t2, …"),
        (lost(4, "a", TestOutcome.INTERRUPTED), "4 of 100 collected tests without a result: t0, t1, t2, …"),
    ],
)  # fmt: skip
def test_tests_without_a_result_are_one_sentence(tests: list[TestResult], words: str) -> None:
    assert unrun_words(tests, len(tests), 100) == words
