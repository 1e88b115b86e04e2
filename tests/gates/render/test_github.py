from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from gates.compare.runs import compare_runs
from gates.portable.values import GateOutcome, TestOutcome
from gates.render.artifacts import Annotation
from gates.render.github import LONGEST, MOST, render_github, shared, warning
from gates.results import AttemptResult, Diagnostic, Diagnostics, TestCounts
from tests.gates.readers.junit.sample import a_gate, a_run, a_test, nasty

if TYPE_CHECKING:
    from gates.results import Run, TestResult


def lines(run: Run, tests: list[TestResult]) -> list[str]:
    return render_github(run, tests).splitlines()


def test_a_passing_run_is_one_notice() -> None:
    assert lines(a_run(), [a_test()]) == ["::notice title=PASS::The only gate passed; the only test that ran passed."]


def test_a_failing_test_is_shown_beside_its_line() -> None:
    tests = [a_test("bad[a,b]", TestOutcome.FAILED, message="100% wrong", details="E  x\nE  y")]
    assert lines(a_run(tests, outcome="failed"), tests)[0] == (
        "::error file=tests/kvcache/test_pool.py,line=7,title=failed tests/kvcache/test_pool.py%3A%3Abad[a%2Cb]"
        "::100%25 wrong%0AE  x%0AE  y"
    )


def test_a_failing_test_is_shown_beside_the_line_that_failed() -> None:
    tests = [a_test("bad", TestOutcome.FAILED, message="m", place="kvcache/pool.py:40")]
    shown = lines(a_run(tests, outcome="failed"), tests)[0]
    assert shown.startswith("::error file=kvcache/pool.py,line=40,title=failed tests/kvcache/test_pool.py")


def test_a_test_without_a_place_is_shown_too() -> None:
    tests = [a_test("bad", TestOutcome.CRASHED, file="")]
    assert lines(a_run(tests, outcome="failed"), tests)[0] == "::error title=crashed bad::crashed"


def test_gates_that_did_not_pass_are_errors_or_warnings() -> None:
    gates = (
        a_gate("lint", GateOutcome.FAILED, reason="exit code 1"),
        a_gate("min_python", GateOutcome.COULD_NOT_RUN, accepted=True, reason="static check only"),
        a_gate("docs", GateOutcome.SKIPPED),
        a_gate(),
    )
    assert lines(a_run(gates=gates, outcome="failed"), [])[:3] == [
        "::error title=Gate lint%3A FAIL::exit code 1%0Awhole log: reports/logs/lint.log",
        "::warning title=Gate min_python%3A COULD NOT RUN (accepted)::static check only",
        "::warning title=Gate docs%3A SKIPPED::SKIPPED",
    ]


def test_what_a_tool_found_is_shown_beside_its_line_and_all_of_it_with_the_gate() -> None:
    mild = Diagnostic(path="b.py", line=2, message="may be", severity="warning", tool="ruff")
    found = Diagnostic(path="a.py", line=3, rule="F401", message="unused, 100%", severity="error", tool="ruff")
    nowhere = Diagnostic(path="", message="cannot read the config", severity="error")
    gate = a_gate(
        "lint",
        GateOutcome.FAILED,
        reason="exit code 1",
        log="logs/lint.log",
        diagnostics=Diagnostics(count=3, kept=(mild, found, nowhere)),
    )
    said = (
        "3 findings (exit code 1)", "a.py:3: F401 unused, 100%25", "cannot read the config", "b.py:2: may be", "whole log: reports/logs/lint.log",
    )  # fmt: skip
    assert lines(a_run(gates=(gate,), outcome="failed"), [])[:3] == [
        f"::error title=Gate lint%3A FAIL::{'%0A'.join(said)}",
        "::error file=a.py,line=3,title=lint%3A ruff F401::unused, 100%25",
        "::warning file=b.py,line=2,title=lint%3A ruff::may be",
    ]


def test_places_are_told_from_the_top_of_the_repository() -> None:
    tests = [a_test("bad", TestOutcome.FAILED, message="m", place="src/a.py:40")]
    shown = render_github(a_run(tests, outcome="failed"), tests, folder="packages/one/")
    assert shown.startswith("::error file=packages/one/src/a.py,line=40,")


def test_a_flaky_test_is_a_warning() -> None:
    tests = [a_test("shaky", TestOutcome.FLAKY, message="boom", attempts=(AttemptResult(outcome=TestOutcome.FAILED),))]
    assert lines(a_run(tests), tests)[0] == (
        "::warning title=flaky tests/kvcache/test_pool.py%3A%3Ashaky::passed on attempt 2 of 2; first: boom"
    )


def test_a_step_shows_ten_annotations_of_a_level_so_the_rest_is_counted_in_the_last_line() -> None:
    tests = [
        *(a_test(f"bad{number}", TestOutcome.FAILED) for number in range(15)),
        *(a_test(f"shaky{number}", TestOutcome.FLAKY, attempts=(AttemptResult(outcome=TestOutcome.FAILED),)) for number in range(12)),
    ]  # fmt: skip
    found = lines(a_run(tests, outcome="failed"), tests)
    levels = [line.partition(" ")[0] for line in found]
    assert levels == ["::error"] * (MOST - 1) + ["::warning"] * MOST + ["::error"]
    assert found[0].endswith("bad0::failed")
    assert found[-1].endswith(" 6 more errors and 2 more warnings not shown here: see reports/summary.md")


def test_many_of_one_kind_do_not_hide_another() -> None:
    tests = [a_test(f"bad{number}", TestOutcome.FAILED) for number in range(50)]
    gates = (
        a_gate("test", GateOutcome.FAILED, tests=TestCounts(run=50, failed=50)),
        a_gate("lint", GateOutcome.FAILED),
        a_gate("types", GateOutcome.FAILED),
    )
    shown = "\n".join(lines(a_run(tests, gates=gates, outcome="failed"), tests))
    assert "title=Gate test" not in shown  # its tests say it
    assert "title=Gate lint%3A FAIL" in shown
    assert "title=Gate types%3A FAIL" in shown
    kinds = [
        [Annotation("", 0, kind * 3, str(number)) for number in range(size)]
        for kind, size in (("a", 9), ("b", 1), ("c", 9))
    ]
    assert ["".join(f"{one.title[0]}{one.text}" for one in shared(kinds, most)) for most in (2, 5, 99)] == [
        "a0b0", "a0a1b0c0c1", "".join(f"{kind}{number}" for kind, size in (("a", 9), ("b", 1), ("c", 9)) for number in range(size)),
    ]  # fmt: skip


def test_a_long_text_is_cut_where_the_service_would_cut_it_without_a_word() -> None:
    assert warning("%" * 9999) == f"::warning title=gates::{'%25' * (LONGEST - 1)}…\n"
    tests = [a_test("x" * 999, TestOutcome.FAILED)]
    assert len(lines(a_run(tests, outcome="failed"), tests)[0]) < 400


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a::b", "::warning title=gates::a::b"),
        ("a\r\nb\rc", "::warning title=gates::a%0Ab%0Ac"),
        ("100%0A", "::warning title=gates::100%250A"),
        ("\n::error::x", "::warning title=gates::%0A::error::x"),
        (
            "##[group]x ##vso[task.setvariable]y",
            "::warning title=gates::##\\u005bgroup]x ##vso\\u005btask.setvariable]y",
        ),
    ],
)
def test_a_text_is_escaped_by_the_rules_of_the_service_and_for_others(text: str, line: str) -> None:
    assert warning(text) == f"{line}\n"


@given(nasty)
def test_no_text_adds_a_command(text: str) -> None:
    tests = [a_test(text, TestOutcome.FAILED, file=text, message=text, details=text)]
    run = a_run(tests, gates=(a_gate(text, GateOutcome.FAILED, reason=text),), outcome="failed")
    found = lines(run, tests)
    assert len(found) == 3
    assert all(line.startswith("::error ") for line in found)


def test_what_fails_on_the_base_too_is_a_warning() -> None:
    base, head = (
        [a_test("a", TestOutcome.FAILED, gate="x"), a_test("b", gate="y")],
        [
            a_test("a", TestOutcome.FAILED, gate="x"),
            a_test("b", TestOutcome.FAILED, gate="y"),
        ],
    )
    run = a_run(head, outcome="failed")
    lines = render_github(run, head, compare_runs(a_run(base), base, run, head)).splitlines()
    assert [line.partition(" ")[0] for line in lines[:2]] == ["::error", "::warning"]
    assert lines[1].endswith("failed tests/kvcache/test_pool.py%3A%3Aa::failed")
