from __future__ import annotations

import pytest

from gates.portable.values import TestOutcome
from gates.render.tally import package_of, tally
from gates.results import AttemptResult, TestCounts
from tests.gates.readers.junit.sample import NOON, a_gate, a_run, a_test


@pytest.mark.parametrize(
    ("file", "package"),
    [
        ("tests/kvcache/test_pool.py", "kvcache"),
        ("tests/gates/readers/junit/test_read.py", "gates"),
        ("src/server/tests/test_a.py", "server"),
        ("crates/bitnet-server/tests/ac01.rs", "bitnet-server"),
        ("tests/test_a.py", "tests"),
        ("tests/test/test_a.py", "test"),
        ("test_a.py", "(root)"),
        ("/abs/test_a.py", "abs"),
        ("../other/test_a.py", "other"),
    ],
)
def test_a_test_counts_under_the_package_of_its_file(file: str, package: str) -> None:
    assert package_of(file) == package


@pytest.mark.parametrize(
    ("test_id", "package"),
    [
        ("tests/kvcache/test_pool.py::test_x", "kvcache"),
        ("bitnet-server::cache::test_x", "bitnet-server"),
        ("example.com/pkg::TestX", "example.com/pkg"),
        ("TestX", "TestX"),
    ],
)
def test_a_test_without_a_file_counts_under_the_start_of_its_id(test_id: str, package: str) -> None:
    assert package_of("", test_id) == package


def test_a_gate_without_times_of_its_tests_counts_with_its_own_time() -> None:
    tests = [a_test("a", gate="read", started=0.0, duration=3.0), a_test("b", duration=1.0)]
    run = a_run(gates=(a_gate("read", duration=4.0), a_gate("test", duration=9.0)))
    found = tally(run, tests)
    assert [(name, seconds) for name, seconds, _ in found.by_gate] == [("read", 4.0), ("test", 1.0)]
    assert found.seconds == 5.0


def test_the_time_begins_with_the_first_attempt() -> None:
    first = AttemptResult(outcome=TestOutcome.FAILED, started=NOON - 2)
    tests = [
        a_test("a", TestOutcome.FLAKY, attempts=(first,), duration=1.0),
        a_test("never", started=0.0, duration=0.0),
    ]
    assert tally(a_run(tests), tests).seconds == 3.0


def test_gates_stand_in_the_order_of_the_run_and_unknown_ones_last() -> None:
    tests = [a_test("a", gate="odd"), a_test("b", gate="two", file=""), a_test("c", TestOutcome.FAILED, gate="one")]
    found = tally(a_run(gates=(a_gate("one"), a_gate("two"), a_gate("lint"))), tests)
    assert [name for name, _, _ in found.by_gate] == ["one", "two", "odd"]
    assert found.counts == TestCounts(collected=3, run=3, passed=2, failed=1)
    assert [(row.package, row.gate) for row in found.packages] == [("b", "two"), ("kvcache", "odd"), ("kvcache", "one")]
