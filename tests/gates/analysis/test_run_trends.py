from __future__ import annotations

import pytest

from gates.analysis.run_trends import is_slower, run_trend
from gates.portable.values import TestOutcome
from gates.results.past import PastResult
from tests.gates.readers.junit.sample import NOON, a_gate, a_run, a_test


def past(test: str, *outcomes: str, seconds: float = 1.0, branch: str = "main", gate: str = "test") -> list[PastResult]:
    name = a_test(test).id if test else ""
    return [
        PastResult(gate, name, f"run-{number}", 1000.0 + number, str(number), branch, outcome, seconds + number % 3 / 100)
        for number, outcome in enumerate(outcomes)
    ]  # fmt: skip


def test_a_failure_is_new_or_old_and_says_since_when() -> None:
    tests = [a_test(name, TestOutcome.FAILED) for name in ("first", "old", "again", "unknown")]
    results = [
        *past("first", "passed", "passed", "passed"),
        *past("old", "passed", "failed", "failed"),
        *past("again", "failed", "passed", "passed"),
    ]
    found = run_trend(a_run(), tests, results)
    assert [(one.before.test, one.before.runs, one.before.failed) for one in found.newly] == [
        (a_test("first").id, 3, 0),
        (a_test("again").id, 3, 1),
        (a_test("unknown").id, 0, 0),
    ]
    (old,) = found.still
    assert (old.before.test, old.failing, old.since) == (a_test("old").id, 2, 1001.0)
    assert found.runs == 3


def test_skipped_runs_do_not_end_a_row_of_failures() -> None:
    found = run_trend(a_run(), [a_test("t", TestOutcome.FAILED)], past("t", "failed", "skipped", "failed"))
    assert [one.failing for one in found.still] == [2]


def test_gates_are_all_there_and_what_no_longer_runs_is_not() -> None:
    run = a_run(gates=(a_gate("lint", duration=2.0), a_gate("new", duration=1.0)))
    found = run_trend(run, [], [*past("", "passed", gate="lint"), *past("", "passed", gate="gone")])
    assert [(one.before.gate, one.before.runs, one.times) for one in found.gates] == [
        ("lint", 1, (1.0, 2.0)),
        ("new", 0, (1.0,)),
    ]


@pytest.mark.parametrize(
    ("seconds", "before", "slower"),
    [
        (2.0, [1.0, 1.01, 1.02, 1.0, 1.01], True),
        (1.1, [1.0, 1.01, 1.02, 1.0, 1.01], False),  # not enough to matter
        (2.0, [1.0, 1.5, 2.0, 0.5, 1.2], False),  # it varies as much
        (9.0, [1.0, 1.0, 1.0, 1.0], False),  # too few to know
        (0.009, [0.001] * 9, False),  # less than 10 ms more
    ],
)
def test_a_time_is_slower_only_if_it_is_far_outside_and_matters(
    seconds: float, before: list[float], slower: bool
) -> None:
    assert is_slower(seconds, before) is slower


def test_slower_tests_come_with_the_largest_loss_first_and_failed_ones_are_not_among_them() -> None:
    names = ("a", "b", "c")
    results = [one for name in names for one in past(name, *["passed"] * 8)]
    tests = [a_test("a", duration=2.0), a_test("b", duration=5.0), a_test("c", TestOutcome.FAILED, duration=9.0)]
    found = run_trend(a_run(started=NOON), tests, results)
    assert [one.before.test for one in found.slower] == [a_test("b").id, a_test("a").id]


def test_flaky_tests_are_those_that_flaked_before_or_now() -> None:
    tests = [a_test("now", TestOutcome.FLAKY), a_test("before"), a_test("never")]
    results = [*past("now", "passed"), *past("before", "flaky", "flaky"), *past("never", "passed", "failed")]
    found = run_trend(a_run(), tests, results)
    assert [one.before.test for one in found.flaky] == [a_test("before").id, a_test("now").id]
