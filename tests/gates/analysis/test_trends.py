from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.analysis.trends import CALM, trends, wilson
from gates.results.past import PastResult


def past(*outcomes: str, trees: str = "", quarantine: str = "") -> list[PastResult]:
    """Results of one test, a run each; trees are letters, one for each run."""
    return [
        PastResult("test", "a.py::t", f"run-{number}", 100.0 + number, trees[number : number + 1] or str(number), "main", outcome, 1.0 + number, "E" if outcome == "failed" else "", quarantine)
        for number, outcome in enumerate(outcomes)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("outcomes", "trees", "failed", "flaked"),
    [
        (("passed", "passed"), "aa", 0, 0),
        (("passed", "failed"), "ab", 1, 0),
        (("passed", "failed"), "aa", 1, 1),
        (("failed", "passed"), "aa", 1, 1),
        (("failed", "failed"), "aa", 2, 0),
        (("flaky", "passed"), "ab", 0, 1),
        (("flaky", "failed"), "aa", 1, 2),
        (("skipped", "excluded", "not-run"), "aaa", 0, 0),
    ],
)
def test_a_test_flakes_if_it_ended_differently_on_the_same_tree(
    outcomes: tuple[str, ...], trees: str, failed: int, flaked: int
) -> None:
    (found,) = trends(past(*outcomes, trees=trees))
    assert (found.failed, found.flaked) == (failed, flaked)


def test_times_are_those_of_passes_and_failures_have_their_dates() -> None:
    (found,) = trends(past("passed", "failed", "passed", "failed", "passed"))
    assert (found.median, found.spread) == (3.0, 1.0)
    assert (found.first_failure, found.last_failure, found.signature) == (101.0, 103.0, "E")
    assert (found.runs, found.calm, found.recent) == (5, 1, ("passed", "failed", "passed", "failed", "passed"))


def test_only_a_test_that_flaked_twice_and_is_not_quarantined_is_suggested() -> None:
    for outcomes, quarantine, suggested in (
        (("flaky", "passed"), "", False),
        (("flaky", "flaky"), "", True),
        (("flaky", "flaky"), "shaky", False),
    ):
        (found,) = trends(past(*outcomes, quarantine=quarantine))
        assert found.suggested is suggested


def test_runs_since_the_last_failure_are_counted() -> None:
    (found,) = trends(past("failed", *["passed"] * CALM))
    assert found.calm == CALM


def test_the_interval_is_that_of_the_textbook() -> None:
    low, high = wilson(1, 10)
    assert (round(low, 4), round(high, 4)) == (0.0179, 0.4042)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(1, 5000), st.data())
def test_the_interval_contains_the_share_and_stays_within_bounds(number: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, number))
    low, high = wilson(hits, number)
    assert 0.0 <= low <= hits / number + 1e-9
    assert hits / number - 1e-9 <= high <= 1.0
