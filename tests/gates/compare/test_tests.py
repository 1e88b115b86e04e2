from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.compare.tests import compare_tests
from gates.compare.values import TestsComparison
from gates.portable.values import TestOutcome
from gates.results import TestResult
from tests.gates.readers.junit.sample import a_test

GOOD = {"passed", "flaky", "xfailed", "xpassed"}
WRONG = {"failed", "error", "timeout", "crashed"}
LOST = {"interrupted", "not-run"}


def became(before: str | None, after: str | None) -> set[str]:
    """The words for one test, with these outcomes on base and head; None for a test that is not there."""
    base = [] if before is None else [a_test("it", TestOutcome(before))]
    head = [] if after is None else [a_test("it", TestOutcome(after))]
    found = compare_tests(base, head)
    return {field for field in TestsComparison.__struct_fields__ if getattr(found, field)}


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (None, "passed", "new"),
        (None, "failed", "new newly_failing_other"),
        (None, "not-run", "new newly_failing_other"),
        (None, "skipped", "new"),
        (None, "excluded", "new"),
        ("passed", None, "removed"),
        ("failed", None, "removed"),
        ("excluded", None, "removed"),
        ("passed", "passed", ""),
        ("passed", "failed", "newly_failing"),
        ("passed", "error", "newly_failing"),
        ("passed", "timeout", "newly_failing"),
        ("passed", "crashed", "newly_failing"),
        ("passed", "interrupted", "newly_failing lost"),
        ("passed", "not-run", "newly_failing lost"),
        ("passed", "skipped", "newly_skipped"),
        ("passed", "excluded", "newly_excluded"),
        ("passed", "xfailed", "newly_xfailed"),
        ("passed", "flaky", "newly_flaky"),
        ("passed", "quarantined", "newly_quarantined"),
        ("passed", "xpassed", "newly_xpassed"),
        ("flaky", "xpassed", "newly_xpassed"),
        ("xpassed", "xfailed", "newly_xfailed"),
        ("xfailed", "xpassed", ""),
        ("xfailed", "skipped", "newly_skipped"),
        ("xfailed", "quarantined", "newly_quarantined"),
        ("quarantined", "quarantined", ""),
        ("quarantined", "xfailed", ""),
        ("failed", "flaky", "fixed"),
        ("failed", "quarantined", "newly_quarantined"),
        ("not-run", "xfailed", ""),
        ("not-run", "excluded", "newly_excluded"),
        ("xfailed", "failed", "newly_failing"),
        ("xfailed", "passed", ""),
        ("flaky", "failed", "newly_failing"),
        ("failed", "failed", "still_failing same_cause"),
        ("failed", "timeout", "still_failing other_cause"),
        ("failed", "not-run", "still_failing lost"),
        ("not-run", "failed", "still_failing"),
        ("failed", "passed", "fixed"),
        ("failed", "xfailed", "newly_xfailed"),
        ("failed", "xpassed", "newly_xpassed"),
        ("not-run", "passed", "fixed"),
        ("failed", "skipped", "newly_skipped"),
        ("failed", "excluded", "newly_excluded"),
        ("quarantined", "skipped", "newly_skipped"),
        ("quarantined", "failed", "newly_failing_other"),
        ("skipped", "failed", "newly_failing_other"),
        ("skipped", "passed", ""),
        ("skipped", "skipped", ""),
        ("skipped", "excluded", "newly_excluded"),
        ("excluded", "passed", ""),
        ("excluded", "failed", "newly_failing_other"),
        ("excluded", "skipped", ""),
        ("excluded", "excluded", ""),
        ("not-run", "skipped", ""),
    ],
)
def test_what_became_of_a_test(before: str | None, after: str | None, words: str) -> None:
    assert became(before, after) == set(words.split())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(before, after, id=f"{before} to {after}")
        for before, after in itertools.product([None, *(str(outcome) for outcome in TestOutcome)], repeat=2)
        if before or after
    ],
)
def test_exactly_a_test_that_was_good_and_is_wrong_or_lost_is_a_regression(
    before: str | None, after: str | None
) -> None:
    words = became(before, after)
    assert ("newly_failing" in words) == (before in GOOD and after in WRONG | LOST)
    assert ("fixed" in words) == (before in WRONG | LOST and after in ("passed", "flaky"))
    assert ("new" in words) == (before is None)
    assert ("removed" in words) == (after is None)
    # Whatever is wrong on the head is said to be so, by exactly one word.
    about_failing = words & {"newly_failing", "newly_failing_other", "still_failing"}
    assert words & {"same_cause", "other_cause"} <= {"same_cause" if before == after else "other_cause"}
    assert len(about_failing) == (after in WRONG | LOST)


def test_tests_are_listed_in_the_order_of_the_head_then_of_the_base() -> None:
    base = [a_test(name) for name in ("gone 2", "b", "gone 1", "a")]
    head = [a_test(name, TestOutcome.FAILED) for name in ("a", "new", "b")]
    found = compare_tests(base, head)
    file = "tests/kvcache/test_pool.py::"
    assert found.newly_failing == (f"{file}a", f"{file}b")
    assert found.removed == (f"{file}gone 2", f"{file}gone 1")
    assert found.newly_failing_other == found.new == (f"{file}new",)


def test_the_same_id_in_another_gate_or_process_is_another_test() -> None:
    base = [a_test("it", gate="one"), a_test("it", gate="two", process=1)]
    head = [a_test("it", TestOutcome.FAILED, gate="one"), a_test("it", gate="two", process=2)]
    found = compare_tests(base, head)
    file = "tests/kvcache/test_pool.py::"
    assert found.newly_failing == (f"one: {file}it",)
    assert found.new == (f"two: {file}it (process 2)",)
    assert found.removed == (f"two: {file}it (process 1)",)


def test_the_gate_is_left_out_where_there_is_only_one() -> None:
    assert compare_tests([], [a_test("it", gate="only")]).new == ("tests/kvcache/test_pool.py::it",)


def test_tests_that_moved_to_another_gate_are_new_and_removed() -> None:
    found = compare_tests([a_test("it", gate="one")], [a_test("it", gate="two")])
    assert (len(found.new), len(found.removed), found.newly_failing) == (1, 1, ())


results = st.lists(
    st.builds(
        TestResult,
        gate=st.sampled_from(["one", "two"]),
        id=st.sampled_from("abcde"),
        process=st.integers(0, 1),
        outcome=st.sampled_from(TestOutcome),
    ),
    unique_by=lambda test: (test.gate, test.id, test.process),
)


@pytest.mark.slow
@given(results, results)
def test_new_and_removed_are_the_difference_of_the_two_sides(base: list[TestResult], head: list[TestResult]) -> None:
    found, back = compare_tests(base, head), compare_tests(head, base)
    assert len(head) - len(found.new) == len(base) - len(found.removed)
    assert (set(found.new), set(found.removed)) == (set(back.removed), set(back.new))


@given(results)
def test_a_run_against_itself_shows_only_what_fails(side: list[TestResult]) -> None:
    found = compare_tests(side, side)
    wrong = [test for test in side if test.outcome in WRONG | LOST]
    assert len(found.still_failing) == len(wrong)
    assert len(found.same_cause) == len([test for test in side if test.outcome in WRONG])
    assert found == TestsComparison(still_failing=found.still_failing, same_cause=found.same_cause)


SIGNED = "ValueError: no @ a.py:f"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (SIGNED, SIGNED, True),
        (SIGNED, "ValueError: no @ b.py:f", False),
        (SIGNED, "ValueError: no", True),  # a file of another runner
        (SIGNED, "KeyError: no", False),
        ("ValueError: no", "ValueError: no", True),
        ("", "", True),
        (SIGNED, "", None),
    ],
)
def test_failures_with_one_signature_have_one_cause(one: str, other: str, same: bool | None) -> None:
    first, second = ([a_test(outcome=TestOutcome.FAILED, signature=signature)] for signature in (one, other))
    for base, head in ((first, second), (second, first)):
        found = compare_tests(base, head)
        assert (bool(found.same_cause), bool(found.other_cause)) == (same is True, same is False)


def test_a_cause_may_show_in_another_phase() -> None:
    base = [a_test(outcome=TestOutcome.FAILED, signature=SIGNED)]
    head = [a_test(outcome=TestOutcome.ERROR, signature=SIGNED)]
    assert compare_tests(base, head).same_cause
