from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.values import RAN_TESTS, TestOutcome
from gates.results import TestCounts, count_tests
from tests.gates.readers.junit.sample import a_test


@given(st.lists(st.sampled_from(TestOutcome)))
def test_every_result_is_counted_once(outcomes: list[TestOutcome]) -> None:
    counts = count_tests([a_test(str(number), outcome) for number, outcome in enumerate(outcomes)])
    each = {outcome: getattr(counts, outcome.value.replace("-", "_")) for outcome in TestOutcome}
    assert counts.collected == len(outcomes) == sum(each.values())
    assert each == {outcome: outcomes.count(outcome) for outcome in TestOutcome}
    assert counts.run == sum(each[outcome] for outcome in RAN_TESTS)
    left_out = counts.skipped + counts.excluded
    assert counts.run + left_out + counts.lost == counts.collected


@pytest.mark.parametrize("outcome", TestOutcome, ids=str)
def test_a_test_is_bad_or_lost_or_neither(outcome: TestOutcome) -> None:
    counts = count_tests([a_test("one", outcome)])
    assert counts.bad == (outcome.value in {"failed", "error", "timeout", "crashed"})
    assert counts.lost == (outcome.value in {"interrupted", "not-run"})


def test_no_tests_are_no_counts() -> None:
    assert count_tests([]) == TestCounts()
