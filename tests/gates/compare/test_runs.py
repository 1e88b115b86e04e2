from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gates.compare import Comparison, GateTimes, compare_runs
from gates.results import FileChange, GateResult, Run, TestCounts
from gates.values import GateOutcome, TestOutcome
from tests.gates.junit.sample import NOON, a_gate, a_run, a_subject, a_test


def compare(base: Run, head: Run, **more: Any) -> Comparison:
    return compare_runs(base, (), head, (), **more)


def test_a_comparison_names_both_sides_and_their_runs() -> None:
    base = a_run(id="one", subject=a_subject(name="main", identity="git-tree:1"))
    head = a_run(id="two", subject=a_subject(name="feature", identity="git-tree:2", commit="c" * 40))
    found = compare(base, head, files=[FileChange(path="a", kind="test")], notes=["said before"])
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
    weakened = {"skipped", "excluded", "xfailed"}
    assert found.regression == (outcome.value in failing | weakened)
    assert ("newly-failing" in found.findings) == (outcome.value in failing)
    assert ("weakened" in found.findings) == (outcome.value in weakened)
    assert not compare_runs(a_run(), [a_test()], a_run(), [a_test(outcome=outcome)], fail_on=()).regression


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
        pytest.param(a_run(gates=()), tools(pytest="9"), [], id="a gate of one side only"),
    ],
)
def test_what_differs_besides_the_code_is_said(base: Run, head: Run, notes: list[str]) -> None:
    assert list(compare(base, head).notes) == notes
