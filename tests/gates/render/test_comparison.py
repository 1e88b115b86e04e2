from __future__ import annotations

import msgspec
import pytest

from gates.compare.runs import compare_runs
from gates.compare.values import (
    Comparison,
    Confirmation,
    Fewer,
    GateTimes,
    Renamed,
    TestsComparison,
    Timing,
    TimingChange,
)
from gates.portable.values import TestOutcome
from gates.render.comparison import LISTS, WEAKER, comparison_view
from gates.results import FileChange, TestCounts
from tests.gates.readers.junit.sample import NOON, a_run, a_subject, a_test

BASE = TestCounts(collected=885, run=821, passed=821, skipped=48, excluded=16)
HEAD = TestCounts(collected=886, run=822, passed=822, skipped=48, excluded=16)


def compared(tests: TestsComparison, **fields: object) -> Comparison:
    values = {"base": "PR 518", "head": "PR 519", "base_counts": BASE, "head_counts": HEAD}
    ids = dict.fromkeys(("base_run", "head_run", "base_identity", "head_identity"), "")
    return Comparison(tests=tests, **{**ids, **values, **fields})  # type: ignore[arg-type]


def test_the_table_of_the_document_comes_out_measured() -> None:
    view = comparison_view(
        compared(
            TestsComparison(new=("test_entry",)),
            gate_times=(
                GateTimes(
                    gate="build", base_seconds=46.82, head_seconds=51.5, base_outcome="passed", head_outcome="passed"
                ),
                GateTimes(gate="lint", base_seconds=0.8, head_seconds=0.82, head_outcome="failed"),
                GateTimes(gate="docs", head_seconds=38.0),
            ),
            files=(FileChange(path="a.py", kind="production"),),
        )
    )
    assert view.rows == (
        ("Tests passing", "821/821", "822/822"),
        ("Tests skipped", "48", "48"),
        ("Tests excluded", "16", "16"),
        ("Tests added", "-", "+1"),
        ("Tests newly failing", "-", "0"),
        ("Tests removed", "-", "0"),
        ("Files changed", "-", "1 (1 production)"),
        ("Time of build", "46.8s", "51.5s, +10% in one run each"),
        ("Time of lint", "0.80s", "0.82s (failed), +2% in one run each"),
        ("Time of docs", "not run", "38.0s"),
    )
    assert view.lists == (("new", ("test_entry",)),)


def test_a_stored_base_is_shown_with_its_age() -> None:
    times = (GateTimes(gate="lint", base_seconds=1.0, head_seconds=1.0),)
    fresh = comparison_view(compared(TestsComparison(), gate_times=times, base_age=5.0))
    stored = comparison_view(compared(TestsComparison(), gate_times=times, base_age=7200.0))
    assert fresh.rows[-1][1] == "1.00s"
    assert stored.rows[-1][1] == "1.00s, measured 2h 00m earlier"


def test_what_weakens_the_suite_comes_before_what_does_not() -> None:
    everything = msgspec.convert({field: (field,) for field, _ in (*LISTS, *WEAKER.items())}, TestsComparison)
    view = comparison_view(compared(everything, regression=True))
    assert [ids for _, ids in view.lists] == [(field,) for field, _ in LISTS]
    assert {one.where for one in view.weaker} == WEAKER.keys()
    assert view.weakened == (
        "1 removed",
        "1 newly skipped",
        "1 newly expected to fail",
        "1 newly allowed to fail",
        "1 newly excluded",
    )
    assert view.new_failures == ("newly_failing", "newly_failing_other", "unconfirmed")
    assert view.changed_failures == ("still_failing",)
    assert view.base_failures == ("same_cause", "flaky_on_both")
    assert view.regression


def test_every_list_of_the_comparison_is_shown() -> None:
    assert {field for field, _ in LISTS} | WEAKER.keys() == set(TestsComparison.__struct_fields__) - {
        "renamed",
        "fewer",
        "replaced",
    }


def test_tests_that_check_less_are_findings_and_renamed_ones_come_last() -> None:
    tests = TestsComparison(
        fewer=(
            Fewer(test="a.py::t", what="parameters", before=3, after=1),
            Fewer(test="a.py::u", what="parameters", before=1, after=0),
        ),
        renamed=(Renamed(before="a.py::x", after="b.py::y"),),
        newly_failing=("a.py::z",),
    )
    view = comparison_view(compared(tests))
    assert [(one.where, one.before, one.after) for one in view.weaker] == [
        ("a.py::t", "3 parameters", "1"),
        ("a.py::u", "1 parameter", "0"),
    ]
    assert view.lists[-1] == ("renamed", ("a.py::x → b.py::y",))
    assert "2 checking less" in view.weakened


@pytest.mark.parametrize(("run", "shown"), [(0, False), (1, True)])
def test_a_base_without_tests_shows_nothing(run: int, shown: bool) -> None:
    view = comparison_view(compared(TestsComparison(), base_counts=TestCounts(collected=run, run=run, passed=run)))
    assert view.shown is shown


def test_times_are_shown_with_what_makes_them_believable() -> None:
    def change(test: str, verdict: str, ratio: float, **more: object) -> TimingChange:
        fields = {"pairs": 40, "base_seconds": 0.2, "head_seconds": 0.2 * ratio, "ratio": ratio, "adjusted_p": 0.00012}
        return TimingChange(
            **{"test": test, "verdict": verdict, "low": ratio - 0.02, "high": ratio + 0.02, **fields, **more}  # type: ignore[arg-type]
        )

    timing = Timing(
        changes=(
            change("quick", "same", 1.01),
            change("slow", "slower", 1.31),
            change("open", "inconclusive", 1.07, adjusted_p=0.2, pairs_needed=98),
            TimingChange(test="never", verdict="inconclusive", pairs=0),
        ),
        left_out=("gate types",),
        rounds=40,
        seconds=61.0,
    )
    view = comparison_view(compared(TestsComparison(), timing=timing, suspects=5))
    assert (
        "Times",
        "-",
        "1 slower, 2 inconclusive, 1 same, 1 beyond the budget (4 re-timed in up to 40 pairs, 1m 01s)",
    ) in (view.rows)
    assert view.lists == (
        ("slower", ("slow: +31.0% (+29.0% to +33.0%), 200ms → 262ms, 40 pairs, p = 0.00012",)),
        (
            "inconclusive",
            (
                "open: +7.0% (+5.0% to +9.0%), 200ms → 214ms, 40 pairs, p = 0.2; 98 pairs would be needed",
                "never: never timed on both sides",
            ),
        ),
        (
            "not slower or faster by more than 5%",
            ("quick: +1.0% (-1.0% to +3.0%), 200ms → 202ms, 40 pairs, p = 0.00012",),
        ),
        ("beyond the timing budget", ("gate types",)),
    )
    assert view.conclusion == "NO REGRESSION: 1 slower"


@pytest.mark.parametrize(("suspects", "shown"), [(0, []), (1, ["1 suspect"]), (12, ["12 suspects"])])
def test_who_looks_slower_in_one_run_is_counted_and_not_named(suspects: int, shown: list[str]) -> None:
    view = comparison_view(compared(TestsComparison(), suspects=suspects))
    assert [text.partition(" in ")[0] for aspect, _, text in view.rows if aspect == "Times"] == shown


def test_a_real_comparison_is_laid_out() -> None:
    before, after = [a_test("a"), a_test("b")], [a_test("a", TestOutcome.FAILED), a_test("b")]
    base = a_run(before, subject=a_subject(name="main"), started=NOON - 10)
    view = comparison_view(compare_runs(base, before, a_run(after), after))
    assert view.regression
    assert view.new_failures == ("tests/kvcache/test_pool.py::a",)
    assert ("Tests passing", "2/2", "1/2") in view.rows


BOTH = TestsComparison(still_failing=("a", "b"), fixed=("c",))


@pytest.mark.parametrize(
    ("fields", "words", "conclusion", "excused"),
    [
        ({}, "no regression", "NO REGRESSION", False),
        ({"tests": BOTH}, "no regression", "NO REGRESSION: 2 failing on both sides, 1 fixed", False),
        (
            {"tests": BOTH, "only_base_failures": True},
            "no regression",
            "NO REGRESSION: 2 failing on both sides, 1 fixed",
            True,
        ),
        (
            {"tests": BOTH, "only_base_failures": True, "blocked": True},
            "no regression, but failures on the base block the merge",
            "NO REGRESSION, BUT FAILURES ON THE BASE BLOCK THE MERGE: 2 failing on both sides, 1 fixed",
            False,
        ),
        (
            {"tests": TestsComparison(newly_failing=("a",)), "regression": True, "blocked": True},
            "REGRESSION",
            "REGRESSION: 1 newly failing",
            False,
        ),
    ],
)
def test_the_verdict_keeps_failures_of_the_base_apart(
    fields: dict[str, object], words: str, conclusion: str, excused: bool
) -> None:
    view = comparison_view(compared(**{"tests": TestsComparison(), **fields}))  # type: ignore[arg-type]
    assert (view.words, view.conclusion, view.excused) == (words, conclusion, excused)


def test_counts_of_what_was_run_again_are_shown() -> None:
    again = Confirmation(test="a", head_failed=2, head_runs=3, base_failed=0, base_runs=3, finding="unconfirmed")
    view = comparison_view(compared(TestsComparison(unconfirmed=("a",)), confirmations=(again,)))
    assert view.confirmations == (("a", "unconfirmed", "head 2/3, base 0/3"),)
    assert "1 failing, but unconfirmed" in view.reasons
