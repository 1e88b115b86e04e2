from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from gates.portable.values import GateOutcome, TestOutcome
from gates.results.outstanding import Asked, Outstanding, Part, left_by, said_of_rerun
from tests.gates.readers.junit.sample import a_gate, a_run, a_test

if TYPE_CHECKING:
    from gates.results import GateResult, TestResult

PASSED, FAILED = GateOutcome.PASSED, GateOutcome.FAILED


def a_result(name: str, outcome: TestOutcome = TestOutcome.PASSED, **fields: Any) -> TestResult:
    return a_test(name, outcome, file="", **fields)


def first(*tests: TestResult, outcome: GateOutcome = FAILED, others: tuple[GateResult, ...] = ()) -> Outstanding:
    """What a run with the gate `test` left."""
    gates = (a_gate("test", outcome, tests=a_run(tests).tests, injected=True), *others)
    return left_by(a_run(id="first", gates=gates), tests, Asked())


def again(
    before: Outstanding, *tests: TestResult, outcome: GateOutcome = PASSED, narrowed: bool = False
) -> Outstanding:
    """What is left of it after a rerun of the gate `test`."""
    run = a_run(id="second", gates=(a_gate("test", outcome, tests=a_run(tests).tests, injected=True),))
    return left_by(run, tests, Asked(filter="x"), before, narrowed=narrowed)


@pytest.mark.parametrize("outcome", TestOutcome, ids=str)
def test_what_went_wrong_or_did_not_end_is_outstanding(outcome: TestOutcome) -> None:
    left = first(a_result("a::1", outcome))
    wrong = outcome in {"failed", "error", "timeout", "crashed", "interrupted", "not-run"}
    assert left.tests == ({"test": ("a::1",)} if wrong else {})
    # A test that is excluded has not been seen to run: it is new when the exclusion goes.
    assert left.seen == ({} if wrong or outcome == "excluded" else {"test": ("a::1",)})


def test_a_gate_that_passed_is_not_outstanding_and_one_whose_failure_is_accepted_is_neither() -> None:
    others = (a_gate("lint"), a_gate("types", FAILED), a_gate("old", GateOutcome.COULD_NOT_RUN, accepted=True))
    left = first(a_result("a::1"), outcome=PASSED, others=others)
    assert (left.passed, left.gates, left.all_gates) == (("test", "lint"), ("types",), ("types",))


def test_what_passes_is_outstanding_no_longer_until_nothing_is_left() -> None:
    left = first(a_result("a::1", TestOutcome.FAILED), a_result("a::2", TestOutcome.NOT_RUN), a_result("a::3"))
    left = again(left, a_result("a::1"), a_result("a::2", TestOutcome.FAILED), outcome=FAILED)
    assert (left.tests, left.gates) == ({"test": ("a::2",)}, ("test",))
    left = again(left, a_result("a::2"))
    assert (left.tests, left.all_gates, left.passed) == ({}, (), ("test",))
    assert left.seen == {"test": ("a::3", "a::1", "a::2")}
    assert (left.run, left.asked) == ("first", Asked())


def test_a_test_that_passes_in_another_process_of_its_gate_is_outstanding_all_the_same() -> None:
    left = first(a_result("a::1", TestOutcome.FAILED), a_result("a::1", process=1))
    assert left.tests == {"test": ("a::1",)}
    assert left.seen == {}


def test_a_new_test_that_fails_is_outstanding() -> None:
    left = again(first(a_result("a::1", TestOutcome.FAILED)), a_result("a::2", TestOutcome.FAILED), outcome=FAILED)
    assert left.tests == {"test": ("a::1", "a::2")}


@pytest.mark.parametrize(
    ("outcome", "narrowed", "kept"), [(PASSED, False, False), (PASSED, True, True), (FAILED, False, True)]
)
def test_a_test_that_is_gone_is_outstanding_until_a_gate_passes_without_it(
    outcome: GateOutcome, narrowed: bool, kept: bool
) -> None:
    left = again(first(a_result("a::gone", TestOutcome.FAILED)), outcome=outcome, narrowed=narrowed)
    assert left.tests == ({"test": ("a::gone",)} if kept else {})


def test_a_file_that_can_be_collected_again_gives_way_to_its_tests() -> None:
    left = first(a_result("a.py", TestOutcome.ERROR, phase="collect"))
    assert left.tests == {"test": ("a.py",)}
    left = again(left, a_result("a.py::1"), a_result("a.py::2", TestOutcome.FAILED), outcome=FAILED)
    assert left.tests == {"test": ("a.py::2",)}


def test_an_outstanding_test_that_is_excluded_by_now_is_outstanding_no_longer() -> None:
    left = again(first(a_result("a::1", TestOutcome.FAILED)), a_result("a::1", TestOutcome.EXCLUDED), outcome=FAILED)
    assert (left.tests, left.seen) == ({}, {})


def test_gates_that_a_rerun_leaves_out_stay_as_they_were() -> None:
    left = again(
        first(a_result("a::1", TestOutcome.FAILED), others=(a_gate("lint", FAILED), a_gate("docs"))), a_result("a::1")
    )
    assert (left.gates, left.passed) == (("lint",), ("test", "docs"))


def test_a_gate_that_was_to_run_as_a_whole_is_not_done_when_only_some_of_its_tests_ran() -> None:
    whole = first(outcome=GateOutcome.TIMEOUT)
    assert again(whole, a_result("a::1"), narrowed=True).gates == ("test",)
    assert again(whole, a_result("a::1")).gates == ()


def test_the_tree_of_the_first_run_is_kept_for_what_passed_was_run_on_it() -> None:
    before = first(a_result("a::1", TestOutcome.FAILED))
    run = a_run(gates=(a_gate("test"),))
    run = msgspec.structs.replace(run, subject=msgspec.structs.replace(run.subject, identity="git-tree:other"))
    assert left_by(run, (), Asked(), before).identity == before.identity != "git-tree:other"


def test_a_part_knows_what_is_left_and_what_is_not_new() -> None:
    left = first(a_result("a::1", TestOutcome.FAILED), a_result("a::2"), others=(a_gate("lint", FAILED),))
    assert left.parts(anyway=True) == {"test": Part(tests=("a::1",), seen=("a::2",), anyway=True)}


def test_it_is_said_what_runs_again_and_what_does_not() -> None:
    tests = (a_result("a::1", TestOutcome.FAILED), a_result("a::2", TestOutcome.FAILED))
    left = first(*tests, others=(a_gate("lint", FAILED), a_gate("types"), a_gate("docs", FAILED)))
    assert said_of_rerun(left, ["test", "lint"]) == [
        "rerun of first: 2 tests of test and all of lint",
        "not run again: types, which passed in first or a rerun of it",
        "still outstanding: docs",
    ]
