from __future__ import annotations

import itertools

import pytest

from gates.portable.values import TestOutcome
from gates.results.duplicates import worst_first, worst_of
from tests.gates.run.making import a_test

PASSED, FAILED, SKIPPED, LOST = TestOutcome.PASSED, TestOutcome.FAILED, TestOutcome.SKIPPED, TestOutcome.NOT_RUN


def told(results: object) -> list[tuple[str, str]]:
    return [(result.id, str(result.outcome)) for result in results]  # type: ignore[attr-defined]


def test_results_with_one_name_are_numbered_from_the_worst_on_whatever_their_order() -> None:
    outcomes = (PASSED, FAILED, SKIPPED, LOST)
    for order in itertools.permutations(outcomes):
        results = [a_test("t" if not number else f"t#{number + 1}", outcome) for number, outcome in enumerate(order)]
        assert sorted(told(worst_first(results))) == [
            ("t", "failed"), ("t#2", "not-run"), ("t#3", "skipped"), ("t#4", "passed"),
        ]  # fmt: skip


def test_equal_ids_without_numbers_get_some() -> None:
    assert told(worst_first([a_test("t"), a_test("u"), a_test("t", FAILED)])) == [
        ("t", "failed"), ("u", "passed"), ("t#2", "passed"),
    ]  # fmt: skip


def test_failures_for_different_causes_are_paired_by_their_causes() -> None:
    one, other = a_test("t", FAILED, signature="A"), a_test("t#2", FAILED, signature="B")
    swapped = [a_test("t", FAILED, signature="B"), a_test("t#2", FAILED, signature="A")]
    assert [result.signature for result in worst_first(swapped)] == [
        result.signature for result in worst_first([one, other])
    ]


@pytest.mark.parametrize("name", ["t#2", "t[c#2]", "issue #3"])
def test_a_number_that_belongs_to_a_name_stays(name: str) -> None:
    results = [a_test(name, FAILED), a_test("other")]
    assert worst_first(results) is results or told(worst_first(results)) == told(results)


def test_gates_and_processes_keep_their_own() -> None:
    results = [a_test("t", FAILED, gate="a"), a_test("t", gate="b"), a_test("t", gate="b", process=1)]
    assert told(worst_first(results)) == told(results)


def test_of_one_name_the_worst_stands_for_all() -> None:
    results = [a_test("t", FAILED), a_test("t"), a_test("u")]
    for order in itertools.permutations(results):
        assert {name: str(test.outcome) for name, test in worst_of(order, lambda test: test.id).items()} == {
            "t": "failed",
            "u": "passed",
        }
