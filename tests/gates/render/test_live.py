"""What is said of a test as it ends, and behind all tests."""

from __future__ import annotations

import pytest

from gates.config.values import Output
from gates.render.live import SHOWN_OUTPUT, final_lines, level_of, live_line
from gates.results import AttemptResult, TestResult
from gates.values import LEVELS, TestOutcome

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
LEAKY = TestResult(gate="test", id="a.py::l", outcome=TestOutcome.PASSED, leaks=("thread 'x' still runs",))
PASSED = TestResult(gate="test", id="a.py::p", outcome=TestOutcome.PASSED, duration=0.25, stdout="hello\n")
SKIPPED = TestResult(gate="test", id="a.py::s", outcome=TestOutcome.SKIPPED, reason="no disk")
LOST = TestResult(gate="test", id="a.py::n", outcome=TestOutcome.NOT_RUN, reason="stopped")
ALL = (FAILED, FLAKY, LEAKY, PASSED, SKIPPED, LOST)


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("none", []),
        ("fail", ["FAILED"]),
        ("flaky", ["FAILED", "FLAKY 2/2"]),
        ("slow", ["FAILED", "FLAKY 2/2"]),
        ("leak", ["FAILED", "FLAKY 2/2", "LEAK"]),
        ("pass", ["FAILED", "FLAKY 2/2", "LEAK", "PASSED"]),
        ("skip", ["FAILED", "FLAKY 2/2", "LEAK", "PASSED", "SKIPPED"]),
        ("all", ["FAILED", "FLAKY 2/2", "LEAK", "PASSED", "SKIPPED", "NOT-RUN"]),
    ],
)
def test_each_level_says_what_those_before_it_say(level: str, words: list[str]) -> None:
    output = Output(status_level=level)
    assert [line.word for line in (live_line(test, output) for test in ALL) if line is not None] == words
    final = [line.word for line in final_lines(ALL, Output(final_status_level=level))]
    assert final == words[3:], "failures, flaky and leaky tests have their own list"


def test_every_outcome_has_a_level() -> None:
    assert {level_of(TestResult(gate="g", id="a", outcome=outcome)) for outcome in TestOutcome} <= set(LEVELS)


@pytest.mark.parametrize(
    ("setting", "now", "later"),
    [("never", False, False), ("immediate", True, False), ("final", False, True), ("immediate-final", True, True)],
)
def test_output_is_shown_when_it_is_asked_for(setting: str, now: bool, later: bool) -> None:
    for test, output in (
        (FAILED, Output(status_level="fail", failure_output=setting)),
        (PASSED, Output(status_level="none", success_output=setting)),
    ):
        line = live_line(test, output)
        assert bool(line is not None and line.below) == now
        assert any(line.below for line in final_lines([test], output)) == later


def test_the_useful_part_of_a_failure_comes_first_and_what_is_cut_is_said() -> None:
    printed = "\n".join(f"line {number}" for number in range(SHOWN_OUTPUT + 7))
    test = TestResult(
        gate="test",
        id="a.py::f",
        outcome=TestOutcome.FAILED,
        file="a.py",
        line=3,
        details="frame\nE   assert 0",
        stdout=printed,
        stderr="\x1b[2Jwiped",
    )
    line = live_line(test, Output(failure_output="immediate"))
    assert line is not None
    below = [text.strip() for text in line.below]
    assert below[:5] == ["at a.py:3", "frame", "E   assert 0", "--- stdout ---", below[4]]
    assert below[4] == "… 7 lines cut, all that was kept is in tests.jsonl …"
    assert "line 0" not in below
    assert below[-1] == "\\x1b[2Jwiped", "a test cannot clear the terminal"
