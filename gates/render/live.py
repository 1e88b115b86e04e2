"""What is shown of a test as it ends, and after all tests. Pure: a result → lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gates.portable.settings.run import Settings
from gates.portable.values import BAD_TESTS, LEVELS, LOST_TESTS, TestOutcome
from gates.render.output import attempts_of, failure_of, printed_by
from gates.render.text import duration, one_line
from gates.results import TestResult
from gates.results.tests import TestLine

_EDGE = "  | "
"""Prefix of each line of a test: GitHub takes a line that begins with `::` for a command, even after spaces."""

_STYLES = {"fail": "red", "flaky": "yellow", "slow": "yellow", "leak": "yellow", "pass": "green", "skip": "yellow"}


def level_of(test: TestResult) -> str:
    """The first level at which a test is reported."""
    if test.outcome in BAD_TESTS:
        return "fail"
    if test.outcome in LOST_TESTS:
        return "all"  # they all have the same reason, which is shown with the gate
    if test.outcome is TestOutcome.FLAKY:
        return "flaky"
    if test.slow:
        return "slow"
    if test.leaks:
        return "leak"
    return "skip" if test.outcome in (TestOutcome.SKIPPED, TestOutcome.EXCLUDED) else "pass"


def live_line(test: TestResult, output: Settings) -> TestLine | None:
    """What is shown of a test as it ends; None for nothing."""
    shown = level_of(test)
    below = _below(test, output, "immediate")
    if not below and LEVELS.index(shown) > LEVELS.index(output.status_level):
        return None
    return _line(test, shown, below)


def final_lines(tests: Sequence[TestResult], output: Settings) -> Iterator[TestLine]:
    """What is shown after all tests, besides failures, flaky, slow and leaky tests, which have their own lists.

    Failures come here instead of their list if their details are to be shown after all tests.
    """
    most = LEVELS.index(output.final_status_level)
    for test in tests:
        shown = level_of(test)
        below = _below(test, output, "final")
        failed = shown == "fail" and shows(output.failure_output, "final")
        if below or failed or LEVELS.index("leak") < LEVELS.index(shown) <= most:
            yield _line(test, shown, below)


def _line(test: TestResult, shown: str, below: tuple[str, ...]) -> TestLine:
    leaky = bool(test.leaks) and shown in ("slow", "leak")
    word = "LEAK" if leaky else test.outcome.value.upper()
    if test.outcome is TestOutcome.FLAKY and test.attempts:
        word = f"FLAKY {test.attempt}"
    said = "; ".join(test.leaks) if leaky else test.message or test.reason
    seconds = f"{duration(test.duration):>8}  " if shown in ("pass", "slow", "leak") else ""
    text = f"{seconds}{one_line(test.id)}  {one_line(said, 300)}".rstrip()
    return TestLine(word, text, _STYLES.get(shown, ""), below)


def _below(test: TestResult, output: Settings, when: str) -> tuple[str, ...]:
    failure, success = shows(output.failure_output, when), shows(output.success_output, when)
    lines: list[str] = []
    if test.outcome in BAD_TESTS:
        lines += [*failure_of(test), *printed_by(test)] if failure else []
    else:
        lines += attempts_of(test) if failure else []
        lines += printed_by(test) if success else []
    return tuple(f"{_EDGE}{line}".rstrip() for line in lines)


def shows(setting: str, when: str) -> bool:
    """Whether `immediate`, `final`, `immediate-final` or `never` includes `when`."""
    return when in setting.split("-")
