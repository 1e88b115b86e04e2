"""An excluded test that passes makes its entry stale, and one that fails otherwise makes it wrong."""

from __future__ import annotations

import datetime as dt

import pytest

from gates.compare.recorded import check_entries
from gates.portable.exclusions import Exclusion
from gates.portable.values import TestOutcome
from tests.gates.readers.junit.sample import a_test


def an_entry(category: str = "todo", name: str = "x", signature: str = "") -> Exclusion:
    return Exclusion(name, f"test({name})", "why", category, "ada", dt.date(2099, 1, 1), signature=signature)


UNWRITTEN = "NotImplementedError @ tests/a.py:test_a"


@pytest.mark.parametrize(
    ("category", "outcome", "signature", "finding"),
    [
        ("todo", "failed", "AssertionError: assert # == #", "as recorded"),
        ("todo", "skipped", "", "as recorded"),
        ("todo", "passed", "", "passes"),
        ("todo", "xpassed", "", "passes"),
        ("todo", "flaky", "", "passes"),
        ("todo", "timeout", "timeout @ a.py:b", "differs"),
        ("todo", "crashed", "crashed: signal 11", "differs"),
        ("todo", "not-run", "", "unknown"),
        ("todo", "interrupted", "", "unknown"),
        ("hang", "timeout", "timeout @ a.py:b", "as recorded"),
        ("hang", "failed", UNWRITTEN, "differs"),
        ("unimplemented", "failed", UNWRITTEN, "as recorded"),
        ("unimplemented", "error", "Failed: not yet implemented", "as recorded"),
        ("unimplemented", "failed", "KeyError: 'a'", "differs"),
        ("flaky", "passed", "", "as recorded"),
        ("flaky", "crashed", "", "as recorded"),
        ("environment", "crashed", "", "as recorded"),
        ("environment", "timeout", "", "differs"),
    ],
)
def test_a_category_lets_expect_some_outcomes(category: str, outcome: str, signature: str, finding: str) -> None:
    result = a_test(id="a", outcome=TestOutcome(outcome), signature=signature, exclusion="x")
    (checked,) = check_entries([an_entry(category)], [result])
    assert [test.finding for test in checked.tests] == [finding]
    assert checked.holds == (finding == "as recorded")


@pytest.mark.parametrize(
    ("seen", "finding"), [(UNWRITTEN, "as recorded"), ("KeyError: 'a'", "differs"), ("", "differs")]
)
def test_a_recorded_signature_decides_alone(seen: str, finding: str) -> None:
    result = a_test(id="a", outcome=TestOutcome.FAILED, signature=seen, exclusion="x")
    (checked,) = check_entries([an_entry("hang", signature=UNWRITTEN)], [result])
    assert checked.tests[0].finding == finding


def test_an_entry_without_a_test_does_not_hold() -> None:
    gone, there = check_entries(
        [an_entry(name="gone"), an_entry(name="x")], [a_test(id="a", outcome=TestOutcome.FAILED, exclusion="x")]
    )
    assert (gone.tests, gone.holds, there.holds) == ((), False, True)


def test_a_test_of_two_gates_counts_once_by_its_failure() -> None:
    results = [
        a_test(gate="one", id="a", outcome=TestOutcome.FAILED, exclusion="x"),
        a_test(gate="two", id="a", exclusion="x"),
    ]
    (checked,) = check_entries([an_entry()], results)
    assert [test.finding for test in checked.tests] == ["as recorded"]
