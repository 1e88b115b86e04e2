"""What is said of a test as it ends, and behind all tests: pure, a result → lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gates.render.text import clean, duration, one_line, useful_lines
from gates.values import BAD_TESTS, LEVELS, LOST_TESTS, TestOutcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gates.config.values import Output
    from gates.results import TestResult

SHOWN_OUTPUT = 40
"""Lines of a stream that are shown of a test."""

_STYLES = {"fail": "red", "flaky": "yellow", "leak": "yellow", "pass": "green", "skip": "yellow"}


class Line(msgspec.Struct, frozen=True):
    """A line about a test, and what is shown below it."""

    word: str
    style: str
    text: str
    below: tuple[str, ...] = ()


def level_of(test: TestResult) -> str:
    """The first level at which a test is spoken of."""
    if test.outcome in BAD_TESTS:
        return "fail"
    if test.outcome in LOST_TESTS:
        return "all"  # the reason is one for all of them, and said with the gate
    if test.outcome is TestOutcome.FLAKY:
        return "flaky"
    if test.leaks:
        return "leak"
    if test.outcome in (TestOutcome.SKIPPED, TestOutcome.EXCLUDED):
        return "skip"
    return "pass"


def live_line(test: TestResult, output: Output) -> Line | None:
    """What is said of a test as it ends; None for nothing."""
    shown = level_of(test)
    below = _below(test, output, "immediate")
    if not below and LEVELS.index(shown) > LEVELS.index(output.status_level):
        return None
    return _line(test, shown, below)


def final_lines(tests: Sequence[TestResult], output: Output) -> Iterator[Line]:
    """What is said of tests behind all of them, beyond failures, flaky and leaky tests, which have their own list."""
    most = LEVELS.index(output.final_status_level)
    for test in tests:
        shown = level_of(test)
        below = _below(test, output, "final")
        if below or LEVELS.index("leak") < LEVELS.index(shown) <= most:
            yield _line(test, shown, below)


def _line(test: TestResult, shown: str, below: tuple[str, ...]) -> Line:
    word = test.outcome.value.upper()
    if test.outcome is TestOutcome.FLAKY and test.attempts:
        word = f"FLAKY {len(test.attempts) + 1}/{len(test.attempts) + 1}"
    elif shown == "leak":
        word = "LEAK"
    said = "; ".join(test.leaks) if shown == "leak" else test.message or test.reason
    seconds = f"{duration(test.duration):>8}  " if shown in ("pass", "leak") else ""
    text = f"{seconds}{one_line(test.id)}  {one_line(said, 300)}".rstrip()
    return Line(word, _STYLES.get(shown, ""), text, below)


def _below(test: TestResult, output: Output, when: str) -> tuple[str, ...]:
    setting = output.failure_output if test.outcome in BAD_TESTS else output.success_output
    if when not in setting.split("-"):
        return ()
    return shown_output(test)


def shown_output(test: TestResult) -> tuple[str, ...]:
    """What a test left, the useful part first: the failure, then what it printed; what is cut is said."""
    lines: list[str] = []
    if test.outcome in BAD_TESTS:
        place = f"{test.file}:{test.line}" if test.line else test.file
        lines += [f"at {one_line(place)}"] if place else []
        lines += useful_lines(test.details or test.message, SHOWN_OUTPUT)
    for name in ("stdout", "stderr"):
        text = clean(getattr(test, name)).rstrip()
        if text:
            printed = text.splitlines()
            cut = len(printed) - SHOWN_OUTPUT
            lines.append(f"--- {name} ---")
            lines += [f"… {cut:,} lines cut, all that was kept is in tests.jsonl …"] if cut > 0 else []
            lines += printed[-SHOWN_OUTPUT:]
    return tuple(f"    {line}" for line in lines)
