from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings

from gates.compare.runs import compare_runs
from gates.portable.values import GateOutcome, TestOutcome
from gates.render.github import LISTED_FAILURES, render_github
from gates.results import AttemptResult
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
        "::error title=Gate lint%3A FAIL::exit code 1",
        "::warning title=Gate min_python%3A COULD NOT RUN (accepted)::static check only",
        "::warning title=Gate docs%3A SKIPPED::SKIPPED",
    ]


def test_a_flaky_test_is_a_warning() -> None:
    tests = [a_test("shaky", TestOutcome.FLAKY, message="boom", attempts=(AttemptResult(outcome=TestOutcome.FAILED),))]
    assert lines(a_run(tests), tests)[0] == (
        "::warning title=flaky tests/kvcache/test_pool.py%3A%3Ashaky::passed on attempt 2 of 2; first: boom"
    )


def test_the_number_of_annotations_has_an_end() -> None:
    tests = [a_test(f"t{number}", TestOutcome.FAILED) for number in range(LISTED_FAILURES + 9)]
    assert len(lines(a_run(tests, outcome="failed"), tests)) == LISTED_FAILURES + 1


@settings(deadline=None)
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
