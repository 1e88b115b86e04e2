"""What is said of a test as it ends, and behind all tests."""

from __future__ import annotations

import msgspec
import pytest

from gates.portable.settings.run import Settings
from gates.portable.values import LEVELS, TestOutcome
from gates.render.live import final_lines, level_of, live_line
from gates.results import AttemptResult, TestResult

FAILED = TestResult(
    gate="test", id="a.py::f", outcome=TestOutcome.FAILED, message="no", file="a.py", line=3, details="E   no"
)
FLAKY = TestResult(
    gate="test",
    id="a.py::k",
    outcome=TestOutcome.FLAKY,
    message="not yet",
    attempts=(AttemptResult(outcome=TestOutcome.FAILED, duration=0.1),),
)
SLOW = TestResult(gate="test", id="a.py::w", outcome=TestOutcome.PASSED, duration=61.0, slow=True)
LEAKY = TestResult(gate="test", id="a.py::l", outcome=TestOutcome.PASSED, leaks=("thread 'x' still runs",))
PASSED = TestResult(gate="test", id="a.py::p", outcome=TestOutcome.PASSED, duration=0.25, stdout="hello\n")
SKIPPED = TestResult(gate="test", id="a.py::s", outcome=TestOutcome.SKIPPED, reason="no disk")
LOST = TestResult(gate="test", id="a.py::n", outcome=TestOutcome.NOT_RUN, reason="stopped")
ALL = (FAILED, FLAKY, SLOW, LEAKY, PASSED, SKIPPED, LOST)


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("none", []),
        ("fail", ["FAILED"]),
        ("flaky", ["FAILED", "FLAKY 2/2"]),
        ("slow", ["FAILED", "FLAKY 2/2", "PASSED"]),
        ("leak", ["FAILED", "FLAKY 2/2", "PASSED", "LEAK"]),
        ("pass", ["FAILED", "FLAKY 2/2", "PASSED", "LEAK", "PASSED"]),
        ("skip", ["FAILED", "FLAKY 2/2", "PASSED", "LEAK", "PASSED", "SKIPPED"]),
        ("all", ["FAILED", "FLAKY 2/2", "PASSED", "LEAK", "PASSED", "SKIPPED", "NOT-RUN"]),
    ],
)
def test_each_level_says_what_those_before_it_say(level: str, words: list[str]) -> None:
    output = Settings(status_level=level)
    assert [line.word for line in (live_line(test, output) for test in ALL) if line is not None] == words
    final = [line.word for line in final_lines(ALL, Settings(final_status_level=level))]
    assert final == words[4:], "failures, flaky, slow and leaky tests have their own lists"


def test_every_outcome_has_a_level() -> None:
    assert {level_of(TestResult(gate="g", id="a", outcome=outcome)) for outcome in TestOutcome} <= set(LEVELS)


@pytest.mark.parametrize(
    ("setting", "now", "later"),
    [("never", False, False), ("immediate", True, False), ("final", False, True), ("immediate-final", True, True)],
)
def test_output_is_shown_when_it_is_asked_for(setting: str, now: bool, later: bool) -> None:
    for test, output in (
        (FAILED, Settings(status_level="fail", failure_output=setting)),
        (PASSED, Settings(status_level="none", success_output=setting)),
    ):
        line = live_line(test, output)
        assert bool(line is not None and line.below) == now
        assert any(line.below for line in final_lines([test], output)) == later


def test_output_behind_a_line_names_no_command_of_a_log_and_moves_no_cursor() -> None:
    test = TestResult(gate="test", id="a.py::p", outcome=TestOutcome.PASSED, stdout="::stop-commands::x\n\x1b[2Jwiped")
    line = live_line(test, Settings(success_output="immediate"))
    assert line is not None
    assert line.below == ("  | --- stdout ---", "  | ::stop-commands::x", "  | \\x1b[2Jwiped")


@pytest.mark.parametrize(("tries", "word"), [(3, "FLAKY 2/3"), (0, "FLAKY 2/2"), (1, "FLAKY 2/2")])
def test_a_flaky_test_says_which_attempt_passed_and_why_the_first_one_did_not(tries: int, word: str) -> None:
    line = live_line(msgspec.structs.replace(FLAKY, tries=tries), Settings())
    assert line is not None
    assert (line.word, line.text) == (word, "a.py::k  not yet")


def test_the_attempts_of_a_flaky_test_are_failures() -> None:
    attempt = AttemptResult(outcome=TestOutcome.FAILED, details="E   not yet", stdout="first\n")
    test = msgspec.structs.replace(FLAKY, attempts=(attempt,), stdout="second\n")
    shown = ("  | --- attempt 1: failed ---", "  | E   not yet", "  | --- stdout ---", "  | first")
    for output, below in (
        (Settings(failure_output="immediate"), shown),
        (Settings(success_output="immediate"), ("  | --- stdout ---", "  | second")),
    ):
        line = live_line(test, output)
        assert line is not None
        assert line.below == below


def test_a_failure_whose_output_comes_behind_all_tests_comes_there_even_when_it_left_none() -> None:
    bare = TestResult(gate="test", id="a.py::f", outcome=TestOutcome.FAILED)
    assert [line.word for line in final_lines([bare], Settings(failure_output="final"))] == ["FAILED"]
    assert not list(final_lines([bare], Settings()))
