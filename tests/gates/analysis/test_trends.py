from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.analysis.trends import CALM, trends, usual_seconds, wilson
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


@pytest.mark.parametrize(
    ("test", "second", "flaked"),
    [
        ("t", {}, 1),
        ("t", {"python": "3.13"}, 0),
        ("t", {"profile": "quick"}, 1),
        ("", {"profile": "quick"}, 0),
        ("t", {"tree": ""}, 0),
    ],
)
def test_only_runs_under_the_same_conditions_show_a_flake(test: str, second: dict[str, str], flaked: int) -> None:
    first = PastResult("test", test, "1", 1.0, "t", "main", "passed", 1.0, python="3.11", profile="default")
    failed = msgspec.structs.replace(first, run="2", outcome="failed", **second)
    (found,) = trends([first, failed])
    assert found.flaked == flaked


def test_an_unknown_tree_is_no_tree() -> None:
    unknown = [PastResult("g", "t", str(n), n, "", "", outcome, 1.0) for n, outcome in enumerate(("passed", "failed"))]
    (found,) = trends(unknown)
    assert (found.failed, found.flaked) == (1, 0)


def test_times_of_a_gate_are_those_of_the_profile_of_its_last_run() -> None:
    results = [
        PastResult("g", "", str(number), number, "t", "", "passed", seconds, profile=profile)
        for number, (seconds, profile) in enumerate([(9.0, "default"), (1.0, "quick"), (3.0, ""), (1.0, "quick")])
    ]
    (found,) = trends(results)
    assert found.median == 1.0
    assert usual_seconds(results) == [1.0, 3.0, 1.0]


def test_branches_are_counted_the_latest_first() -> None:
    results = [
        PastResult("g", "t", str(number), number, str(number), branch, outcome, 1.0)
        for number, (branch, outcome) in enumerate([("main", "passed"), ("x", "failed"), ("main", "failed")])
    ]
    (found,) = trends(results)
    assert [(one.branch, one.runs, one.failed) for one in found.branches] == [("main", 2, 1), ("x", 1, 1)]


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
