from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gates.compare.values import Comparison, TestsComparison
from gates.portable.values import GateOutcome
from gates.render.checklist import ChecklistItem, checklist
from gates.render.comparison import comparison_view
from gates.results import Changes, ExclusionRecord, LeftOut, Run, TestCounts
from tests.gates.readers.junit.sample import a_gate, a_run, a_subject

GOOD = TestCounts(collected=870, run=822, passed=822, skipped=48)
ENTRY = ExclusionRecord(
    name="scaffolding", filter="test(a)", reason="planned", category="scaffolding", owner="kv", expires="2026-10-31"
)


def compared(base_run: int = 822, /, **tests: tuple[str, ...]) -> Comparison:
    return Comparison(
        base="main (b)",
        head="feat (a)",
        base_run="1",
        head_run="2",
        base_identity="git-tree:1",
        head_identity="git-tree:2",
        tests=msgspec.convert(tests, TestsComparison),
        base_counts=TestCounts(collected=base_run, run=base_run, passed=base_run),
        head_counts=GOOD,
        regression="newly_failing" in tests,
    )


def item(start: str, run: Run, counts: TestCounts | None = GOOD, comparison: Comparison | None = None) -> ChecklistItem:
    view = comparison_view(comparison) if comparison else None
    (found,) = [each for each in checklist(run, counts, view) if each.text.startswith(start)]
    return found


def test_everything_shown_ticks_every_box() -> None:
    run = a_run(gates=(a_gate(), a_gate("min_python")), changes=Changes(), exclusions=(ENTRY,))
    items = checklist(run, GOOD, comparison_view(compared()))
    assert [each.text for each in items if not each.checked] == []


def test_where_nothing_is_left_out_there_is_no_box_for_it() -> None:
    assert not [one for one in checklist(a_run(), GOOD, None) if one.text.startswith("The project leaves out")]


def test_nothing_shown_leaves_the_boxes_open() -> None:
    run = a_run(
        gates=(), planned=("lint",), subject=a_subject(kind="folder", commit="", base="", base_commit="", merge_base="")
    )
    items = checklist(run, None, None)
    assert [each.text for each in items if each.checked] == [
        "No test was left out by a command-line filter",
        "Every exclusion has an owner, a reason and a date that has not passed",
    ]


@pytest.mark.parametrize(
    ("fields", "checked", "why"),
    [
        ({"outcome": GateOutcome.PASSED}, True, ""),
        (
            {"outcome": GateOutcome.PASSED, "inconsistent": True, "reason": "3 tests missing"},
            False,
            "passed: 3 tests missing",
        ),
        ({"outcome": GateOutcome.SKIPPED, "reason": "needs build"}, False, "skipped: needs build"),
        ({"outcome": GateOutcome.COULD_NOT_RUN}, False, "could not run"),
        ({"outcome": GateOutcome.COULD_NOT_RUN, "accepted": True}, False, "could not run, accepted by the config"),
    ],
)
def test_a_gate_ticks_its_box_only_by_passing(fields: dict[str, Any], checked: bool, why: str) -> None:
    assert item("Gate lint", a_run(gates=(a_gate("lint", **fields),))) == ChecklistItem(
        checked, "Gate lint passes", why
    )


@pytest.mark.parametrize(
    ("start", "run", "counts", "why"),
    [
        ("All tests", a_run(), TestCounts(), "not shown: no test was run"),
        ("All tests", a_run(), TestCounts(run=3, passed=1, failed=1, timeout=1), "2 tests failed"),
        ("All tests", a_run(), TestCounts(run=3, passed=1, flaky=1, xpassed=1), "1/3 passed, 1 flaky, 1 xpassed"),
        ("Every collected", a_run(), None, "not shown: no test was collected"),
        ("Every collected", a_run(), TestCounts(collected=2, run=1, passed=1, not_run=1), "1 test did not end"),
        ("Every collected", a_run(complete=False), GOOD, "not shown: the run is not complete"),
        ("No test was left", a_run(filter="test(pool)"), GOOD, "not shown: only tests that match test(pool)"),
        (
            "The project leaves out",
            a_run(gates=(a_gate(left_out=(LeftOut(who="-k 'a'", tests=2),)), a_gate("lint"))),
            GOOD,
            "2 tests by -k 'a'",
        ),
        (
            "The project leaves out",
            a_run(gates=tuple(a_gate(name, left_out=(LeftOut(who="-k 'a'", tests=2),)) for name in ("one", "two"))),
            GOOD,
            "one: 2 tests by -k 'a'; two: 2 tests by -k 'a'",
        ),
        ("The subject is", a_run(subject=a_subject(dirty=True)), GOOD, "there are uncommitted changes"),
        ("The subject is", a_run(subject=a_subject(commit="")), GOOD, "not shown: there is no git commit"),
        ("The subject is", a_run(subject=a_subject(kind="merge")), GOOD, "the would-be merge was validated, which is not a commit yet"),
        ("The lowest", a_run(), GOOD, "not shown: no gate min_python in this run"),
        (
            "The lowest",
            a_run(gates=(a_gate("min_python", GateOutcome.COULD_NOT_RUN, accepted=True, reason="static check only"),)),
            GOOD,
            "not shown: static check only",
        ),
        ("The branch", a_run(subject=a_subject(shallow=True)), GOOD, "not shown: the history is incomplete (shallow clone)"),
        ("The branch", a_run(subject=a_subject(base_commit="")), GOOD, "not shown: no base is known"),
        ("The branch", a_run(subject=a_subject(merge_base="c" * 40)), GOOD, f"it branched off the base at {'c' * 12}, the tip is {'b' * 12}"),
        ("The changes", a_run(), GOOD, "not shown: no base to compare files with"),
    ],
)  # fmt: skip
def test_what_was_not_shown_stays_open_and_says_why(start: str, run: Run, counts: TestCounts | None, why: str) -> None:
    found = item(start, run, counts)
    assert (found.checked, found.why) == (False, why)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "1 exclusion"),
        ({"expires": "2026-10-30"}, "scaffolding: expired on 2026-10-30"),
        ({"expires": "soon"}, "scaffolding: no readable date of expiry"),
        ({"owner": " "}, "scaffolding: no owner"),
        ({"owner": "", "reason": ""}, "scaffolding: no owner and no reason"),
    ],
)
def test_an_exclusion_needs_an_owner_and_holds_to_its_last_day(fields: dict[str, str], why: str) -> None:
    record = msgspec.structs.replace(ENTRY, **fields)
    found = item("Every exclusion", a_run(exclusions=(record,)))
    assert (found.checked, found.why) == (not fields, why)


@pytest.mark.parametrize(
    ("comparison", "checked", "why"),
    [
        (None, False, "not shown: no comparison was made"),
        (compared(), True, "compared with main (b)"),
        (compared(newly_failing=("a", "b")), False, "2 tests failing that did not fail on the base"),
        (compared(newly_failing_other=("a",)), False, "1 test failing that did not fail on the base"),
        (compared(unconfirmed=("a",)), False, "1 test failing that did not fail on the base"),
        (
            compared(still_failing=("a",)),
            False,
            "1 test also failing on the base, but not known to have the same cause",
        ),
        (compared(0), False, "not shown: nothing comparable was run on the base"),
        (compared(still_failing=("a",), same_cause=("a",)), True, "compared with main (b)"),
    ],
)
def test_only_a_comparison_shows_that_nothing_fails_anew(
    comparison: Comparison | None, checked: bool, why: str
) -> None:
    found = item("No new failures", a_run(), GOOD, comparison)
    assert (found.checked, found.why) == (checked, why)


@pytest.mark.parametrize("field", ["removed", "newly_skipped", "newly_excluded"])
def test_a_weaker_suite_opens_a_box(field: str) -> None:
    assert not item("Nothing checks less", a_run(), GOOD, compared(**{field: ("a",)})).checked
    assert item("Nothing checks less", a_run(), GOOD, compared()).checked


RAN = TestCounts(collected=3, run=3, passed=3)


@pytest.mark.parametrize(
    ("fields", "checked", "why"),
    [
        ({"tools": {"python": "3.12.1"}, "tests": RAN}, True, "3 tests in gate test"),
        ({"tools": {"python": "3.11.7, 3.12.1"}, "tests": RAN}, True, "3 tests in gate test"),
        ({"tools": {"python": "3.12"}, "tests": TestCounts(collected=3, run=1, passed=1)}, True, "1 test in gate test"),
        ({"tools": {"python": "3.12.1"}}, False, "not shown"),
        ({"tools": {"python": "3.12.1"}, "tests": TestCounts(collected=3, skipped=3)}, False, "not shown"),
        ({"tools": {"python": "3.12.1"}, "tests": RAN, "outcome": GateOutcome.FAILED}, False, "not shown"),
        ({"tools": {"python": "3.1.2"}, "tests": RAN}, False, "not shown"),
        ({"tools": {"python": "3.120.0"}, "tests": RAN}, False, "not shown"),
        ({"tools": {"python": "13.12.0"}, "tests": RAN}, False, "not shown"),
        ({"tools": {"pytest": "3.12"}, "tests": RAN}, False, "not shown"),
    ],
)
def test_a_python_that_the_project_claims_is_shown_by_tests_that_ran_there(
    fields: dict[str, Any], checked: bool, why: str
) -> None:
    found = item("Tests passed on Python 3.12", a_run(gates=(a_gate(**fields),), pythons=("3.12",)))
    assert found.checked == checked
    assert found.why.startswith(why)


def test_each_claimed_python_has_a_box_and_the_most_telling_gate_ticks_it() -> None:
    few, many = TestCounts(run=1, passed=1), RAN
    gates = [a_gate(name, tests=tests, tools={"python": "3.11.7"}) for name, tests in [("a", few), ("b", many)]]
    items = checklist(a_run(gates=tuple(gates), pythons=("3.11", "3.13")), GOOD, None)
    found = [(each.text[:24], each.checked, each.why[:22]) for each in items if "Python 3" in each.text]
    assert found == [
        ("Tests passed on Python 3", True, "3 tests in gate b"),
        ("Tests passed on Python 3", False, "not shown: no gate pas"),
    ]
