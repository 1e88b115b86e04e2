from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from gates.compare.confirm import RepeatedOutcomes
from gates.compare.inputs import RecordedSide, RegressionPolicy, Remeasured, SourceChanges
from gates.compare.runs import compare_results, compare_runs
from gates.compare.values import Comparison, GateTimes
from gates.portable.values import GateOutcome, TestOutcome
from gates.results import FileChange, GateResult, Run, TestCounts, TestResult
from tests.gates.readers.junit.sample import NOON, a_gate, a_run, a_subject, a_test

if TYPE_CHECKING:
    from collections.abc import Sequence


def compare(base: Run, head: Run, notes: Sequence[str] = (), **more: Any) -> Comparison:
    return compare_runs(base, (), head, (), notes, **more)


def test_a_comparison_names_both_sides_and_their_runs() -> None:
    base = a_run(id="one", subject=a_subject(name="main", identity="git-tree:1"))
    head = a_run(id="two", subject=a_subject(name="feature", identity="git-tree:2", commit="c" * 40))
    found = compare(base, head, ["said before"], sources=SourceChanges(files=[FileChange(path="a", kind="test")]))
    assert (found.base, found.head) == ("main (0123456789ab)", "feature (cccccccccccc)")
    assert (found.base_run, found.head_run) == ("one", "two")
    assert (found.base_identity, found.head_identity) == ("git-tree:1", "git-tree:2")
    assert (found.files, found.notes) == ((FileChange(path="a", kind="test"),), ("said before",))


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({}, "feat/entry (0123456789ab)"),
        ({"dirty": True}, "feat/entry (0123456789ab + uncommitted changes)"),
        ({"branch": ""}, "working tree (0123456789ab)"),
        ({"commit": "", "branch": "main", "dirty": True}, "main (no commit + uncommitted changes)"),
    ],
)
def test_a_working_tree_is_named_by_its_branch_and_state(fields: dict[str, Any], label: str) -> None:
    head = a_run(subject=a_subject(**{"kind": "worktree", "name": "working tree", **fields}))
    assert compare(a_run(), head).head == label


@pytest.mark.parametrize("outcome", TestOutcome, ids=str)
def test_a_new_failure_and_whatever_weakens_the_suite_make_a_regression(outcome: TestOutcome) -> None:
    found = compare_runs(a_run(), [a_test()], a_run(), [a_test(outcome=outcome)])
    failing = {"failed", "error", "timeout", "crashed", "interrupted", "not-run"}
    weakened = {"skipped", "excluded", "xfailed", "xpassed"}
    assert found.regression == (outcome.value in failing | weakened)
    assert ("newly-failing" in found.findings) == (outcome.value in failing)
    assert ("weakened" in found.findings) == (outcome.value in weakened)
    assert not compare_runs(
        a_run(), [a_test()], a_run(), [a_test(outcome=outcome)], policy=RegressionPolicy(fail_on=())
    ).regression


def test_counts_are_those_of_the_runs_and_none_where_there_were_no_tests() -> None:
    found = compare_runs(a_run([a_test()]), [a_test()], a_run(), [])
    assert (found.base_counts, found.head_counts) == (TestCounts(collected=1, run=1, passed=1), TestCounts())


def test_the_times_of_all_gates_of_either_side_are_shown() -> None:
    base = a_run(gates=(a_gate("gone", duration=1.0), a_gate("both", duration=2.0)))
    head = a_run(gates=(a_gate("both", GateOutcome.FAILED, duration=3.0), a_gate("new", duration=4.0)))
    assert compare(base, head).gate_times == (
        GateTimes(gate="both", base_seconds=2.0, head_seconds=3.0, base_outcome="passed", head_outcome="failed"),
        GateTimes(gate="new", head_seconds=4.0, head_outcome="passed"),
        GateTimes(gate="gone", base_seconds=1.0, base_outcome="passed"),
    )


@pytest.mark.parametrize(
    ("started", "age"), [(NOON + 6.0, 0.0), (NOON + 3606.0, 3600.0), (NOON - 50.0, 0.0), (NOON, 0.0)]
)
def test_the_age_of_the_base_is_the_time_between_the_runs(started: float, age: float) -> None:
    assert compare(a_run(), a_run(started=started)).base_age == age


def python(version: str) -> Run:
    run = a_run()
    return a_run(environment=msgspec.structs.replace(run.environment, python=version))


def tools(**versions: str) -> Run:
    gate = GateResult(name="test", outcome=GateOutcome.PASSED, tools=versions)
    return a_run(gates=(gate, GateResult(name="other", outcome=GateOutcome.PASSED, tools={"x": "1"})))


@pytest.mark.parametrize(
    ("base", "head", "notes"),
    [
        pytest.param(a_run(), a_run(), [], id="the same"),
        pytest.param(python("3.11.1"), python("3.12.0"), ["different interpreters: 3.11.1 and 3.12.0"], id="python"),
        pytest.param(
            a_run(effective_filter="test(a)"),
            a_run(),
            ["different filters: base `test(a)`, head ``"],
            id="filter",
        ),
        pytest.param(a_run(complete=False), a_run(), ["the run of the base is not complete"], id="cut base"),
        pytest.param(a_run(), a_run(complete=False), ["the run of the head is not complete"], id="cut head"),
        pytest.param(
            tools(pytest="8", old="1"),
            tools(pytest="9", new="2"),
            ["different tools in test: new none → 2, old 1 → none, pytest 8 → 9"],
            id="tools",
        ),
        pytest.param(
            tools(**{f"t{number}": "1" for number in range(9)}),
            tools(**{f"t{number}": "2" for number in range(9)}),
            ["different tools in test: " + ", ".join(f"t{number} 1 → 2" for number in range(8)) + " …"],
            id="many tools",
        ),
        pytest.param(
            a_run(gates=(GateResult(name="test", outcome=GateOutcome.PASSED, programs={"rustc": "1.83"}),)),
            a_run(gates=(GateResult(name="test", outcome=GateOutcome.PASSED, programs={"rustc": "1.84"}),)),
            ["different tools in test: rustc 1.83 → 1.84"],
            id="programs",
        ),
        pytest.param(a_run(gates=()), tools(pytest="9"), [], id="a gate of one side only"),
    ],
)
def test_what_differs_besides_the_code_is_said(base: Run, head: Run, notes: list[str]) -> None:
    assert list(compare(base, head).notes) == notes


FAILED = a_test("a", TestOutcome.FAILED, signature="E: no")


def failing(outcome: GateOutcome = GateOutcome.FAILED, **fields: Any) -> GateResult:
    return a_gate("test", outcome, **{"exit_code": 1, **fields})


@pytest.mark.parametrize(
    ("base", "head", "only"),
    [
        (failing(), failing(), True),
        (failing(), failing(GateOutcome.TIMEOUT), False),
        (failing(), failing(inconsistent=True), False),
        (failing(inconsistent=True), failing(), False),
        (failing(exit_code=1), failing(exit_code=2), False),
        (failing(GateOutcome.COULD_NOT_RUN), failing(), False),
        (a_gate("other", GateOutcome.FAILED, exit_code=1), failing(), False),
    ],
    ids=["alike", "timeout", "inconsistent", "base inconsistent", "exit code", "base could not run", "no base"],
)
def test_a_gate_that_fails_as_on_the_base_is_no_doing_of_the_head(
    base: GateResult, head: GateResult, only: bool
) -> None:
    found = compare_runs(a_run(gates=(base,)), [FAILED], a_run(gates=(head,)), [FAILED])
    assert (found.only_base_failures, found.regression, found.blocked) == (only, False, False)


@pytest.mark.parametrize(
    ("more", "tests", "only"),
    [
        ((), (), True),
        ((), (a_test("new", TestOutcome.FAILED),), False),
        ((), (a_test("lost", TestOutcome.NOT_RUN),), False),
        ((a_gate("lint", GateOutcome.FAILED),), (), False),
        ((a_gate("lint"),), (), True),
        ((a_gate("old", GateOutcome.COULD_NOT_RUN, accepted=True),), (), True),
        ((a_gate("old", GateOutcome.COULD_NOT_RUN),), (), False),
    ],
    ids=["nothing else", "a new test", "a lost test", "another gate", "passed", "accepted", "could not run"],
)
def test_whatever_else_went_wrong_is_the_heads(
    more: tuple[GateResult, ...], tests: tuple[TestResult, ...], only: bool
) -> None:
    base, head = a_run(gates=(failing(),)), a_run(gates=(failing(), *more))
    assert compare_runs(base, [FAILED], head, [FAILED, *tests]).only_base_failures == only


def test_what_cannot_be_collected_hides_tests_although_it_does_so_on_both_sides() -> None:
    broken = a_test("m", TestOutcome.ERROR, phase="collect", signature="SyntaxError: no")
    run = a_run(gates=(failing(),))
    found = compare_runs(run, [broken], run, [broken])
    assert (found.tests.still_failing, found.only_base_failures) == ((broken.id,), False)


def test_nothing_that_failed_is_no_failure_of_the_base() -> None:
    assert not compare(a_run(), a_run()).only_base_failures


BLOCK = RegressionPolicy(base_failures="block")


def test_failures_of_the_base_block_where_that_is_asked_for() -> None:
    runs = a_run(gates=(failing(),)), [FAILED], a_run(gates=(failing(),)), [FAILED]
    found = compare_runs(*runs, policy=BLOCK)
    assert (found.blocked, found.regression, found.base_failures) == (True, False, "block")
    assert not compare_runs(a_run(), [a_test()], a_run(), [FAILED], policy=BLOCK).blocked


def again(base: tuple[dict[str, TestOutcome], ...], head: tuple[dict[str, TestOutcome], ...]) -> Remeasured:
    return Remeasured(again=RepeatedOutcomes(base=base, head=head))


def test_only_what_is_confirmed_is_a_regression() -> None:
    wrong = a_test("a", TestOutcome.FAILED)
    runs = a_run(), [a_test("a")], a_run(gates=(failing(),)), [wrong]
    assert compare_runs(*runs).regression
    fails, passes = {wrong.id: TestOutcome.FAILED}, {wrong.id: TestOutcome.PASSED}
    confirmed = compare_runs(*runs, remeasured=again((passes,), (fails,)))
    assert (confirmed.regression, confirmed.tests.newly_failing) == (True, (wrong.id,))
    flaky = compare_runs(*runs, remeasured=again((fails,), (fails,)))
    assert (flaky.regression, flaky.tests.flaky_on_both, flaky.only_base_failures) == (False, (wrong.id,), True)
    open_ = compare_runs(*runs, remeasured=again((passes,), (passes,)))
    assert (open_.regression, open_.tests.unconfirmed, open_.only_base_failures) == (False, (wrong.id,), False)
    assert len(open_.confirmations) == 1


def test_results_without_runs_are_compared_in_the_same_way() -> None:
    base, head = [a_test("a"), a_test("b")], [a_test("a", TestOutcome.FAILED), a_test("b")]
    found = compare_results(
        RecordedSide(name="a.xml", identity="x", tests=tuple(base)),
        RecordedSide(name="b.xml", identity="y", tests=tuple(head)),
    )
    run = compare_runs(a_run(base), base, a_run(head), head)
    for field in ("tests", "base_counts", "head_counts", "regression", "wider_exclusions"):
        assert getattr(found, field) == getattr(run, field)
    assert (found.base, found.head, found.base_run, found.head_identity) == ("a.xml", "b.xml", "", "y")
