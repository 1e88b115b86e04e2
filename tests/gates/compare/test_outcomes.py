"""Gates without test results are compared by how they ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.compare.inputs import RegressionPolicy
from gates.compare.outcomes import compare_outcomes
from gates.compare.runs import compare_runs
from gates.compare.values import GatesComparison
from gates.portable.values import GateOutcome
from gates.render.comparison import comparison_view
from gates.results import Diagnostics, TestCounts
from tests.gates.readers.junit.sample import a_gate, a_run

if TYPE_CHECKING:
    from gates.results import GateResult

PASSED, FAILED, TIMEOUT = GateOutcome.PASSED, GateOutcome.FAILED, GateOutcome.TIMEOUT
COULD_NOT_RUN, SKIPPED = GateOutcome.COULD_NOT_RUN, GateOutcome.SKIPPED


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        (PASSED, PASSED, ""),
        (PASSED, FAILED, "newly_failing"),
        (PASSED, TIMEOUT, "newly_failing"),
        (FAILED, PASSED, "fixed"),
        (TIMEOUT, FAILED, "still_failing"),
        (PASSED, COULD_NOT_RUN, "unknown"),
        (PASSED, SKIPPED, "unknown"),
        (COULD_NOT_RUN, FAILED, ""),
        (SKIPPED, PASSED, ""),
    ],
)
def test_a_gate_is_in_one_list_at_most(before: GateOutcome, after: GateOutcome, field: str) -> None:
    found = compare_outcomes([a_gate("build", before)], [a_gate("build", after)])
    assert found == GatesComparison(compared=("build",), **({field: ("build",)} if field else {}))


def test_witnesses_that_disagree_are_a_failure() -> None:
    found = compare_outcomes([a_gate("build")], [a_gate("build", PASSED, inconsistent=True)])
    assert found.newly_failing == ("build",)


@pytest.mark.parametrize(
    ("base", "head"),
    [
        ([a_gate("test", tests=TestCounts(run=1))], [a_gate("test", FAILED)]),
        ([a_gate("test")], [a_gate("test", FAILED, tests=TestCounts(run=1))]),
        ([], [a_gate("test", FAILED)]),
        ([a_gate("test", FAILED)], []),
    ],
)
def test_gates_with_tests_and_gates_of_one_side_are_not_compared(
    base: list[GateResult], head: list[GateResult]
) -> None:
    assert compare_outcomes(base, head) == GatesComparison()


@pytest.mark.parametrize(("count", "compared"), [(0, ("lint",)), (2, ())])
def test_what_linters_find_is_compared_by_itself(count: int, compared: tuple[str, ...]) -> None:
    base, head = a_gate("lint", diagnostics=Diagnostics()), a_gate("lint", FAILED, diagnostics=Diagnostics(count=count))
    assert compare_outcomes([base], [head]).newly_failing == compared


def test_results_show_that_a_gate_has_tests() -> None:
    assert compare_outcomes([a_gate("test")], [a_gate("test", FAILED)], {"test"}) == GatesComparison()


BASE = a_run(gates=(a_gate("build"), a_gate("test")))
HEAD = a_run(gates=(a_gate("build"), a_gate("test", FAILED, reason="exit code 101")), outcome="failed")


def test_a_gate_that_fails_newly_is_a_regression_and_is_named() -> None:
    view = comparison_view(compare_runs(BASE, (), HEAD, ()))
    assert (view.regression, view.reasons) == (True, ("gate newly failing: test",))
    assert view.lists == (("gates newly failing", ("test",)),)
    assert ("Gate test", "passed", "failed") in view.rows
    assert not any(aspect.startswith("Tests") for aspect, _, _ in view.rows)
    assert not compare_runs(BASE, (), HEAD, (), policy=RegressionPolicy(fail_on=("lost",))).regression


def test_gates_that_end_alike_are_no_regression() -> None:
    view = comparison_view(compare_runs(BASE, (), BASE, ()))
    assert (view.regression, view.shown, view.reasons) == (False, True, ())
    assert {row for row in view.rows if row[0].startswith("Gate ")} == {
        ("Gate build", "passed", "passed"),
        ("Gate test", "passed", "passed"),
    }
