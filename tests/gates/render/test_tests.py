from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.values import BAD_TESTS, LOST_TESTS, TestOutcome
from gates.render.tests import failures, test_section
from gates.results import AttemptResult, SubtestResult, TestCounts, TestResult, count_tests
from gates.results.tests import LINE_ORDER, counts_line
from tests.gates.readers.junit.sample import NOON, a_gate, a_run, a_test, any_test

section_of = test_section
del test_section  # pytest would take it for a test


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        (TestCounts(run=822, passed=822, skipped=48, excluded=16), "822 tests run: 822 passed, 48 skipped, 16 excluded"),
        (TestCounts(run=822, passed=822), "822 tests run: 822 passed"),
        (TestCounts(run=1, passed=1), "1 test run: 1 passed"),
        (TestCounts(), "0 tests run: 0 passed"),
        (TestCounts(run=2, failed=2), "2 tests run: 0 passed, 2 failed"),
        (TestCounts(run=838, passed=822, failed=12, timeout=4, skipped=48), "838 tests run: 822 passed, 12 failed, 4 timeouts, 48 skipped"),
        (TestCounts(not_run=3, interrupted=1), "0 tests run: 0 passed, 1 interrupted, 3 not run"),
        (
            TestCounts(
                run=8, passed=1, failed=1, error=1, timeout=1, crashed=1, flaky=1, xfailed=1, xpassed=1, skipped=1,
                quarantined=1, excluded=1, interrupted=1, not_run=1,
            ),
            (
                "8 tests run: 1 passed, 1 failed, 1 error, 1 timeout, 1 crashed, 1 flaky, 1 xfailed, 1 xpassed, "
                "1 skipped, 1 quarantined, 1 excluded, 1 interrupted, 1 not run"
            ),
        ),
    ],
)  # fmt: skip
def test_the_line_of_counts(counts: TestCounts, line: str) -> None:
    assert counts_line(counts) == line


def test_the_line_has_a_place_for_every_outcome() -> None:
    assert sorted(LINE_ORDER) == sorted(TestOutcome)


def test_passes_are_counted_by_package() -> None:
    tests = [a_test("a"), a_test("b", TestOutcome.FAILED), a_test("c", file="tests/gates/test_c.py")]
    section = section_of(a_run(tests), tests)
    assert section is not None
    assert [(row.package, row.gate, row.counts.passed, row.counts.run) for row in section.packages] == [
        ("gates", "", 1, 1),
        ("kvcache", "", 1, 2),
    ]


def test_packages_name_the_gate_where_several_bring_tests() -> None:
    tests = [a_test("a", gate="test-3.11"), a_test("a", gate="test-3.12")]
    section = section_of(a_run(tests), tests)
    assert section is not None
    assert [(row.package, row.gate) for row in section.packages] == [("kvcache", "test-3.11"), ("kvcache", "test-3.12")]


def test_failures_come_first_then_what_got_lost() -> None:
    tests = [
        a_test("lost", TestOutcome.NOT_RUN, reason="the worker died"),
        a_test("good"),
        a_test("bad", TestOutcome.FAILED, message="assert 1 == 2", details="E  assert 1 == 2"),
    ]
    section = section_of(a_run(tests), tests)
    assert section is not None
    assert [(each.id.rpartition(":")[2], each.place, each.message, each.lines) for each in section.failures] == [
        ("bad", "tests/kvcache/test_pool.py:7", "assert 1 == 2", ("E  assert 1 == 2",)),
        ("lost", "tests/kvcache/test_pool.py:7", "the worker died", ()),
    ]


def test_time_is_that_of_the_tests_gate_by_gate() -> None:
    tests = [
        a_test("a", duration=1.0),
        a_test("b", started=NOON + 2, duration=2.125),
        a_test("c", gate="other", started=1.0),
    ]
    section = section_of(a_run(tests), tests)
    assert section is not None
    assert section.seconds == 4.375
    assert section.timed_line.splitlines() == [
        "Summary [   4.125s] test: 2 tests run: 2 passed",
        "Summary [   0.250s] other: 1 test run: 1 passed",
    ]


def test_time_is_that_of_the_gates_where_tests_do_not_know_it() -> None:
    counts = TestCounts(collected=1, run=1, passed=1)
    run = a_run(gates=(a_gate("lint", duration=9.0), a_gate(tests=counts, duration=4.125)), tests=counts)
    section = section_of(run, [])
    assert section is not None
    assert section.timed_line == "Summary [   4.125s] 1 test run: 1 passed"


def test_a_run_without_test_results_has_no_section() -> None:
    assert section_of(a_run(), []) is None


@pytest.mark.slow
@given(st.lists(any_test(), min_size=1, max_size=20))
def test_no_test_is_counted_twice_or_forgotten(results: list[TestResult]) -> None:
    section = section_of(a_run(results), results)
    assert section is not None
    assert section.counts == count_tests(results)
    assert sum(row.counts.collected for row in section.packages) == len(results)
    assert sum(failure.number for failure in section.failures) == sum(
        test.outcome in BAD_TESTS | LOST_TESTS for test in results
    )


FIRST = AttemptResult(outcome=TestOutcome.FAILED, message="assert 1 == 3", signature="AssertionError: assert # == #")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"message": "m"}, "m"),
        ({"message": "m", "signature": "E: m @ kvcache/pool.py:take"}, "m (in kvcache/pool.py:take)"),
        ({"message": "m", "signature": "E: m @ tests/kvcache/test_pool.py:test_it"}, "m"),
        ({"message": "m", "signature": "E: m"}, "m"),
        ({"message": "m", "signature": "E: m @ kvcache/pool.py:take", "place": "kvcache/pool.py:9"}, "m"),
        ({"message": "m", "attempts": (FIRST, FIRST)}, "m (attempt 3 of 3)"),
        ({"message": "m", "subtests": (SubtestResult(name="(n=1)"),)}, "1 subtest failed, (n=1): m"),
        (
            {"message": "m", "subtests": tuple(SubtestResult(name=f"(n={n})") for n in range(5))},
            "5 subtests failed, (n=0), (n=1), (n=2), …: m",
        ),
    ],
)
def test_the_line_of_a_failure_says_what_its_place_does_not(fields: dict[str, Any], message: str) -> None:
    (failure,) = failures([a_test(outcome=TestOutcome.FAILED, **fields)])
    assert failure.message == message


def test_a_failure_of_subtests_alone_shows_their_texts() -> None:
    subtests = (SubtestResult(name="(n=1)", details="E  odd: 1"), SubtestResult(name="(n=3)", message="odd: 3"))
    (failure,) = failures([a_test(outcome=TestOutcome.FAILED, subtests=subtests)])
    assert failure.lines == ("--- subtest (n=1) ---", "E  odd: 1", "", "--- subtest (n=3) ---", "odd: 3")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"attempts": (FIRST, FIRST), "signature": "E: # @ a.py:f"}, "passed on attempt 3 of 3; first: E: # @ a.py:f"),
        ({"attempts": (FIRST,), "message": "boom"}, "passed on attempt 2 of 2; first: boom"),
        ({"message": "boom"}, "passed on a retry; first: boom"),
        ({}, "passed on a retry"),
    ],
)
def test_a_flaky_test_says_when_it_passed_and_what_failed_first(fields: dict[str, Any], words: str) -> None:
    tests = [a_test("a"), a_test("b", TestOutcome.FLAKY, **fields)]
    section = section_of(a_run(tests), tests)
    assert section is not None
    assert [(each.id, each.gate, each.words) for each in section.flaky] == [(tests[1].id, "test", words)]
    assert section.failures == ()


def test_the_time_of_a_test_begins_with_its_first_attempt() -> None:
    first = AttemptResult(outcome=TestOutcome.FAILED, started=NOON, duration=1.0)
    tests = [a_test(outcome=TestOutcome.FLAKY, attempts=(first,), started=NOON + 3, duration=0.5)]
    section = section_of(a_run(tests), tests)
    assert section is not None
    assert section.seconds == 3.5


def test_tests_that_did_not_run_for_one_reason_are_one_failure() -> None:
    stopped = [a_test(f"t{n}", TestOutcome.NOT_RUN, reason="the session stopped") for n in range(644)]
    broken = a_test("module", TestOutcome.ERROR, phase="collect", message="No module named 'pretend'")
    bad = a_test("bad", TestOutcome.FAILED)
    shown = failures([*stopped, bad, broken])
    assert [(each.outcome, each.number, each.many) for each in shown] == [
        (TestOutcome.ERROR, 1, ""),
        (TestOutcome.FAILED, 1, ""),
        (TestOutcome.NOT_RUN, 644, "644 tests"),
    ]
    assert shown[2].message == "the session stopped"
    assert shown[2].also.endswith("::t0, tests/kvcache/test_pool.py::t1, tests/kvcache/test_pool.py::t2, …")


def test_what_kept_many_tests_from_being_set_up_is_shown_once() -> None:
    broken = [
        a_test(f"t{n}", TestOutcome.ERROR, phase="setup", message="no database", place="conftest.py:3") for n in "abc"
    ]
    other = a_test("other", TestOutcome.ERROR, phase="setup", message="no network", place="conftest.py:3")
    first, second = failures([*broken, other])
    assert (first.id, first.many) == (broken[0].id, "")
    assert first.also == f"and 2 more tests, for the same reason: {broken[1].id}, {broken[2].id}"
    assert (second.id, second.also) == (other.id, "")


@pytest.mark.parametrize("outcome", [TestOutcome.FAILED, TestOutcome.INTERRUPTED])
def test_what_failed_by_itself_stays_apart(outcome: TestOutcome) -> None:
    assert len(failures([a_test(f"t{n}", outcome, message="same", place="a.py:3") for n in range(3)])) == 3
