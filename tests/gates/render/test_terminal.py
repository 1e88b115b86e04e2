from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from rich.console import Console

from gates.compare.confirm import RepeatedOutcomes
from gates.compare.inputs import RecordedSide, Remeasured
from gates.compare.runs import compare_results, compare_runs
from gates.portable.settings.run import Settings
from gates.portable.values import OUTPUTS, GateOutcome, TestOutcome
from gates.render.terminal import SHOWN_FAILURES, Log, render_comparison, render_terminal, terminal_console
from gates.results import AttemptResult
from tests.gates.readers.junit.sample import a_gate, a_run, a_test, nasty

if TYPE_CHECKING:
    from gates.results import Run, TestResult


def logged(run: Run, tests: list[TestResult]) -> str:
    stream = io.StringIO()
    render_terminal(run, tests, terminal_console(stream))
    return stream.getvalue()


def test_a_log_has_the_table_the_counts_and_the_verdict() -> None:
    tests = [a_test("a"), a_test("b", TestOutcome.SKIPPED)]
    gates = (a_gate("lint"), a_gate("min_python", GateOutcome.COULD_NOT_RUN, accepted=True, reason="static check only"))
    assert logged(a_run(tests, gates=gates, planned=("lint", "min_python", "docs"), complete=False), tests) == (
        "Summary [   0.250s] 1 test run: 1 passed, 1 skipped\n  1 skipped: no reason given\n"
        "\n"
        "Gate        Status                     Time  Notes\n"
        "lint        PASS                      1.50s\n"
        "min_python  COULD NOT RUN (accepted)  1.50s  static check only\n"
        "docs        NOT RUN                       -  planned, but it did not end\n"
        "\n"
        "All of it: reports/summary.html\n"
        "INCOMPLETE: 1 of 3 gates passed; could not run: min_python (accepted: static check only); did not end: docs; "
        "the only test that ran passed.\n"
    )


def test_failures_are_shown_with_place_and_message() -> None:
    tests = [a_test("bad", TestOutcome.FAILED, message="assert 1 == 2")]
    shown = logged(a_run(tests, outcome="failed"), tests)
    assert "FAILED tests/kvcache/test_pool.py::bad\n  tests/kvcache/test_pool.py:7\n  assert 1 == 2\n" in shown


def test_flaky_tests_are_listed_with_their_attempts() -> None:
    tests = [a_test("shaky", TestOutcome.FLAKY, message="boom", attempts=(AttemptResult(outcome=TestOutcome.FAILED),))]
    shown = logged(a_run(tests), tests)
    assert "\nFLAKY tests/kvcache/test_pool.py::shaky: passed on attempt 2 of 2; first: boom\n" in shown
    many = [a_test(f"t{number}", TestOutcome.FLAKY) for number in range(SHOWN_FAILURES + 3)]
    assert "… and 3 more" in logged(a_run(many), many)


@pytest.mark.parametrize(("level", "listed"), [("flaky", False), ("slow", True), ("all", True)])
def test_slow_tests_are_listed_from_their_level_on_the_slowest_first(level: str, listed: bool) -> None:
    tests = [a_test("quick"), *(a_test(f"s{number}", duration=60.0 + number, slow=True) for number in range(2))]
    stream = io.StringIO()
    render_terminal(a_run(), tests, terminal_console(stream), output=Settings(final_status_level=level))
    file = "tests/kvcache/test_pool.py"
    assert (f"SLOW {file}::s1: 1m 01s\nSLOW {file}::s0: 1m 00s\n" in stream.getvalue()) == listed


def test_a_failure_whose_output_is_shown_at_the_end_is_listed_once() -> None:
    tests = [a_test("f", TestOutcome.FAILED, details="E   no"), a_test("lost", TestOutcome.NOT_RUN)]
    for setting in OUTPUTS:
        stream = io.StringIO()
        render_terminal(a_run(), tests, terminal_console(stream), output=Settings(failure_output=setting))
        assert stream.getvalue().count("::f") == 1
        assert "::lost" in stream.getvalue()


def test_many_failures_are_cut_and_that_is_said() -> None:
    tests = [a_test(f"t{number}", TestOutcome.FAILED) for number in range(SHOWN_FAILURES + 3)]
    shown = logged(a_run(tests, outcome="failed"), tests)
    assert shown.count("FAILED ") == SHOWN_FAILURES
    assert "… and 3 more" in shown


@pytest.mark.parametrize("width", [20, 80, None])
def test_lines_of_a_log_are_never_wrapped(width: int | None) -> None:
    stream = io.StringIO()
    gate = a_gate("lint", reason="word " * 30)
    console = Log(stream) if width is None else Console(file=stream, width=width)
    render_terminal(a_run(gates=(gate,)), [], console)
    assert any(line.startswith("lint ") and line.endswith("word word") for line in stream.getvalue().splitlines())


def test_a_log_is_plain_even_where_colour_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert isinstance(terminal_console(io.StringIO()), Log)
    assert "\x1b" not in logged(a_run(), [])


def test_names_are_never_taken_for_markup() -> None:
    assert "[bold]:smile:[/bold]" in logged(a_run(gates=(a_gate("[bold]:smile:[/bold]"),)), [])


def test_a_terminal_gets_a_table_with_colour() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80, color_system="standard", legacy_windows=False)
    render_terminal(a_run(gates=(a_gate("lint"), a_gate("docs", GateOutcome.FAILED))), [], console)
    shown = stream.getvalue()
    assert "\x1b[32mPASS" in shown
    assert "\x1b[31mFAIL" in shown
    assert max(map(len, shown.splitlines())) < 140


def test_a_comparison_is_shown() -> None:
    before, after = [a_test("a")], [a_test("a", TestOutcome.FAILED)]
    stream = io.StringIO()
    head = a_run(after, outcome="failed")
    render_terminal(head, after, terminal_console(stream), compare_runs(a_run(before), before, head, after))
    assert "REGRESSION" in stream.getvalue()
    assert "Tests passing        1/1 -> 0/1" in stream.getvalue()


def test_what_weakens_the_suite_is_named_and_never_cut_and_failures_are() -> None:
    many = [a_test(f"gone{number}") for number in range(SHOWN_FAILURES + 5)]
    bad = [a_test(f"bad{number}") for number in range(SHOWN_FAILURES + 5)]
    after = [a_test(f"bad{number}", TestOutcome.FAILED) for number in range(SHOWN_FAILURES + 5)]
    head, stream = a_run(after, outcome="failed"), io.StringIO()
    comparison = compare_runs(a_run([*many, *bad]), [*many, *bad], head, after, notes=["said once"])
    render_terminal(head, after, terminal_console(stream), comparison)
    weaker, _, shown = stream.getvalue().partition("Comparison:")
    assert weaker.startswith("Weaker than on the base (25):\n")
    assert weaker.count("::gone") == len(many)
    assert shown.count("::bad") == SHOWN_FAILURES
    assert "    … and 5 more\n" in shown
    assert "  Note: said once\n" in shown


def test_a_stream_that_knows_no_unicode_gets_numbers() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    tests = [a_test("tést", TestOutcome.FAILED)]
    render_terminal(a_run(tests, gates=(a_gate("prüf"),), outcome="failed"), tests, terminal_console(stream))
    stream.flush()
    assert b"t\\xe9st" in raw.getvalue()
    assert b"pr\\xfcf" in raw.getvalue()


@given(nasty)
def test_any_text_is_shown_on_its_own_line(text: str) -> None:
    tests = [a_test(text, TestOutcome.FAILED, file=text, message=text)]
    shown = logged(a_run(tests, gates=(a_gate(text, reason=text),), project=text, outcome="failed"), tests)
    shown.encode()
    assert shown.splitlines()[-1].startswith("FAIL: ")
    assert "\x1b" not in shown


def printed(base: list[TestResult], head: list[TestResult], **more: Any) -> str:
    stream = io.StringIO()
    before, after = (
        RecordedSide(name=name, identity="", tests=tuple(tests)) for name, tests in (("a.xml", base), ("b.xml", head))
    )
    render_comparison(compare_results(before, after, **more), terminal_console(stream))
    return stream.getvalue()


def test_a_comparison_without_runs_names_its_tests_and_ends_with_its_verdict() -> None:
    base = [a_test("a"), a_test("b", TestOutcome.FAILED)]
    shown = printed(base, [a_test("a", TestOutcome.FAILED), a_test("b", TestOutcome.FAILED)], notes=["said"])
    assert shown.startswith("Comparison: a.xml vs b.xml: REGRESSION\n")
    assert "\nnewly failing (1):\n  tests/kvcache/test_pool.py::a\n" in shown
    assert "\nfailing on both sides for the same cause (1):\n  tests/kvcache/test_pool.py::b\n" in shown
    assert shown.endswith("\nsaid\n\nREGRESSION: 1 newly failing, 1 failing on both sides\n")


def test_long_lists_of_a_comparison_are_cut_and_that_is_said() -> None:
    shown = printed([a_test("kept")], [a_test("kept"), *(a_test(f"t{number}") for number in range(SHOWN_FAILURES + 3))])
    assert f"new ({SHOWN_FAILURES + 3}):" in shown
    assert "  … and 3 more\n" in shown
    assert shown.endswith("NO REGRESSION\n")


def test_what_was_run_again_is_shown_with_its_counts() -> None:
    before, after = [a_test("a")], [a_test("a", TestOutcome.FAILED)]
    stream = io.StringIO()
    head, name = a_run(after, outcome="failed"), before[0].id
    again = RepeatedOutcomes(base=({name: TestOutcome.PASSED},), head=({name: TestOutcome.PASSED},))
    comparison = compare_runs(a_run(before), before, head, after, remeasured=Remeasured(again=again))
    render_terminal(head, after, terminal_console(stream), comparison)
    assert f"  Run again on both sides:\n    {name}: unconfirmed (head 0/1, base 0/1)\n" in stream.getvalue()
    assert ": no regression\n" in stream.getvalue()


def test_what_fails_on_the_base_too_is_said_to() -> None:
    tests = [a_test("a", TestOutcome.FAILED)]
    run, stream = a_run(tests, outcome="failed"), io.StringIO()
    render_terminal(run, tests, terminal_console(stream), compare_runs(run, tests, run, tests))
    assert "FAILED tests/kvcache/test_pool.py::a (also on the base)\n" in stream.getvalue()


@pytest.mark.parametrize(
    ("color", "kind", "style"), [("auto", Log, ""), ("never", Log, ""), ("always", Console, "\x1b[1;32m")]
)
def test_a_log_has_colours_only_where_they_are_asked_for(color: str, kind: type[object], style: str) -> None:
    stream = io.StringIO()
    console = terminal_console(stream, color)
    render_terminal(a_run(), [], console)
    assert isinstance(console, kind)
    assert f"{style}PASS:" in stream.getvalue()


def test_a_terminal_has_no_colours_where_they_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: True)
    render_terminal(a_run(), [], terminal_console(stream, "never"))
    assert "\x1b" not in stream.getvalue()
