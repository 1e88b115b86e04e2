"""An exclusion may shrink silently; what it newly swallows is a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gates.compare.exclusions import wider_exclusions
from gates.compare.inputs import RegressionPolicy
from gates.compare.runs import compare_runs
from gates.compare.values import WiderExclusion
from gates.portable.values import TestOutcome
from tests.gates.readers.junit.sample import a_run, a_test

if TYPE_CHECKING:
    from gates.results import TestResult


def excluded(name: str, entry: str) -> TestResult:
    return a_test(id=name, outcome=TestOutcome.EXCLUDED, exclusion=entry)


def quarantined(name: str, entry: str, outcome: TestOutcome = TestOutcome.PASSED) -> TestResult:
    return a_test(id=name, outcome=outcome, quarantine=entry)


@pytest.mark.parametrize(
    ("base", "head", "found"),
    [
        ([excluded("a", "x")], [excluded("a", "x")], []),
        ([excluded("a", "x"), excluded("b", "x")], [excluded("a", "x"), a_test(id="b")], []),
        ([a_test(id="a")], [excluded("a", "x")], [("x", True, ("a",))]),
        ([], [excluded("a", "x")], [("x", True, ("a",))]),
        ([excluded("a", "x"), a_test(id="b")], [excluded("a", "x"), excluded("b", "x")], [("x", False, ("b",))]),
        ([excluded("a", "x"), excluded("b", "x")], [excluded("a", "y"), excluded("b", "z")], []),
        ([excluded("a", "x")], [a_test(id="a", exclusion="x")], []),
        ([a_test(id="a")], [quarantined("a", "q")], [("q", True, ("a",))]),
        ([quarantined("a", "q")], [quarantined("a", "q", TestOutcome.QUARANTINED)], []),
        ([excluded("a", "x")], [quarantined("a", "x")], [("x", True, ("a",))]),
    ],
    ids=[
        "unchanged",
        "smaller",
        "new entry",
        "new entry with a new test",
        "swallows one more",
        "split and renamed",
        "run although excluded",
        "new quarantine",
        "quarantine as before",
        "from excluded to quarantined",
    ],
)
def test_an_entry_that_names_more_than_any_did_is_found(
    base: list[TestResult], head: list[TestResult], found: list[tuple[str, bool, tuple[str, ...]]]
) -> None:
    wider = wider_exclusions(base, head)
    assert [(entry.name, entry.added, entry.tests) for entry in wider] == found


@pytest.mark.parametrize(("accepted", "regression"), [((), True), (("x",), False), (("y",), True)])
def test_it_fails_the_comparison_unless_it_is_named(accepted: tuple[str, ...], regression: bool) -> None:
    found = compare_runs(
        a_run(), [a_test(id="a")], a_run(), [excluded("a", "x")], policy=RegressionPolicy(accepted=accepted)
    )
    assert found.regression is regression
    assert found.wider_exclusions == (
        WiderExclusion(kind="exclusion", name="x", added=True, tests=("a",), accepted=not regression),
    )
