"""Show the progress of a run: live lines on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, Self, TextIO

from gates.planning.plan import Plan
from gates.portable.escapes import clean
from gates.portable.values import BAD_TESTS, LEVELS, GateOutcome, TestOutcome, format_duration, plural
from gates.results import GateResult, TestResult, count_tests, counts_line
from gates.results.event_schema import GateEnded, GateStarted, TestSlow
from gates.results.tests import TestLine
from gates.run.echo import Echo
from gates.run.estimate import Outlook
from gates.run.events import EngineEvent, TestsLanded

COLOURS = {GateOutcome.PASSED: "green", GateOutcome.COULD_NOT_RUN: "yellow", GateOutcome.SKIPPED: "yellow"}
"""Other outcomes are red."""

PLAIN_EVERY = 15.0
"""Seconds between two plain lines about the tests of one gate: enough to see progress, without flooding a log."""


def _so_far(done: int, expected: int) -> str:
    """How many tests ended, of how many; that is unknown while they are collected, when some may be skipped already."""
    return f"{done} of {plural(expected, 'test')}" if expected >= done else plural(done, "test")


class Progress(Protocol):
    """Receives events; a context manager, to show something while nothing happens."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def take(self, event: EngineEvent) -> None:
        """Show one event."""


LineFormatter = Callable[[TestResult], TestLine | None]
"""Returns what is shown of a test that ends; None for nothing."""


def make_progress(plan: Plan, stream: TextIO | Echo | None = None, tell: LineFormatter | None = None) -> Progress:
    """Live lines if `stream` is a terminal; plain lines otherwise, and if gates print between them."""
    stream = stream or sys.stderr
    if not isinstance(stream, Echo) and stream.isatty():
        return LiveProgress(plan, stream, tell or only_failures)
    return PlainProgress(plan, stream, tell=tell or only_failures)


def only_failures(test: TestResult) -> TestLine | None:
    """Shows only failed tests."""
    if test.outcome not in BAD_TESTS:
        return None
    return TestLine(test.outcome.value.upper(), f"{test.id}  {test.message}".rstrip())


def end_line(result: GateResult) -> str:
    """What is shown of a gate's end, without its outcome."""
    tests = f"  {counts_line(result.tests)}" if result.tests is not None else ""
    reason = f"  {result.reason}" if result.reason else ""
    accepted = " (accepted by the config)" if result.accepted else ""
    inconsistent = "  inconsistent:" if result.inconsistent else ""
    return f"{format_duration(result.duration):>8}{tests}{inconsistent}{reason}{accepted}"


def start_line(event: GateStarted) -> str:
    """What is shown of a gate's start."""
    return f"{event.command_line}  (-n auto: {event.workers})" if event.workers else event.command_line


def speaks_of_slow(plan: Plan) -> bool:
    """Whether slow running tests are shown."""
    return LEVELS.index(plan.settings.status_level) >= LEVELS.index("slow")


def slow_line(event: TestSlow) -> str:
    """What is shown of a running test."""
    return f"> {format_duration(event.seconds)}  {event.test}"


class PlainProgress:
    """One line per event, for logs; tests are summarised now and then, failures shown at once."""

    def __init__(
        self,
        plan: Plan,
        stream: TextIO | Echo,
        clock: Callable[[], float] = time.monotonic,
        tell: LineFormatter = only_failures,
    ) -> None:
        self._stream, self._clock, self._tell = stream, clock, tell
        self._slow = speaks_of_slow(plan)
        self._width = max((len(item.gate.name) for item in plan.gates), default=0)
        self._outlook = Outlook(plan, clock)
        self._tests: dict[str, int] = {}
        self._bad: dict[str, int] = {}
        self._said: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.flush()

    def take(self, event: EngineEvent) -> None:
        """Print a line, if the event is worth one."""
        if isinstance(event, GateStarted):
            self._said[event.gate] = self._clock()
            self._outlook.begin(event.gate)
            usual = self._outlook.usual.get(event.gate)
            self._print(
                "START", event.gate, start_line(event) + (f"  (usually {format_duration(usual)})" if usual else "")
            )
        elif isinstance(event, TestsLanded):
            self._tests_landed(event)
        elif isinstance(event, TestSlow) and self._slow:
            self._print("SLOW", event.gate, slow_line(event))
        elif isinstance(event, GateEnded):
            self._outlook.end(event.result.name)
            self._print(event.result.outcome.word, event.result.name, end_line(event.result))

    def _tests_landed(self, event: TestsLanded) -> None:
        name = event.gate
        counts = count_tests(event.results)
        self._tests[name] = self._tests.get(name, 0) + counts.collected - counts.excluded
        self._bad[name] = self._bad.get(name, 0) + counts.bad
        for told in filter(None, map(self._tell, event.results)):
            self._print(told.word, name, told.text)
            for line in told.below:
                self._write(line)
        now = self._clock()
        if now - self._said.get(name, now) >= PLAIN_EVERY:
            self._said[name] = now
            left = self._outlook.left()
            rest = f"; all in about {format_duration(left)}" if left else ""
            self._print("", name, f"{_so_far(self._tests[name], event.expected)}, {self._bad[name]} failed{rest}")

    def _print(self, word: str, gate: str, text: str) -> None:
        self._write(f"{word:>13}  {gate:<{self._width}}  {text}".rstrip())

    def _write(self, line: str) -> None:
        self._stream.write(_fitting(line, self._stream.encoding) + "\n")
        self._stream.flush()


class StartsOnly(PlainProgress):
    """Shows only which gate starts: used where failures are expected."""

    def take(self, event: EngineEvent) -> None:
        """Print a line for a start."""
        if isinstance(event, GateStarted):
            super().take(event)


class LiveProgress:
    """A line for each running gate and one for the run, on a terminal; ended gates scroll away above."""

    def __init__(
        self,
        plan: Plan,
        stream: TextIO,
        tell: LineFormatter = only_failures,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        from gates.run.live_lines import live_lines

        self._tell, self._slow = tell, speaks_of_slow(plan)
        self._bars: Any = live_lines(stream, clock, plan.settings.color)
        self._console = self._bars.console
        self._width = max((len(item.gate.name) for item in plan.gates), default=0)
        self._outlook = Outlook(plan, clock)
        self._tasks: dict[str, Any] = {}
        self._counts: dict[str, dict[TestOutcome, int]] = {}
        self._run = self._bars.add_task("", gate="", about="", usual=None, visible=False, total=max(1, len(plan.gates)))

    def __enter__(self) -> Self:
        self._bars.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._bars.__exit__(*details)

    def take(self, event: EngineEvent) -> None:
        """Update the lines."""
        if isinstance(event, GateStarted):
            self._outlook.begin(event.gate)
            self._tasks[event.gate] = self._bars.add_task(
                event.gate,
                total=None,
                usual=self._outlook.usual.get(event.gate),
                gate=self._fitting(f"{event.gate:<{self._width}}"),
                about=self._fitting(start_line(event)),
            )
        elif isinstance(event, TestsLanded):
            self._tests_landed(event)
        elif isinstance(event, TestSlow) and self._slow:
            self._say("SLOW", "yellow", event.gate, slow_line(event))
        elif isinstance(event, GateEnded):
            self._outlook.end(event.result.name)
            task = self._tasks.pop(event.result.name, None)
            if task is not None:
                self._bars.remove_task(task)
            outcome = event.result.outcome
            self._say(outcome.word, COLOURS.get(outcome, "bold red"), event.result.name, end_line(event.result))
        self._foretell()

    def _foretell(self) -> None:
        """Show, on the first line, how many gates ended and when the run probably does."""
        number = len(self._outlook.usual)
        self._bars.update(
            self._run,
            about=f"{self._outlook.ended} of {plural(number, 'gate')} ended",
            usual=self._outlook.whole(),
            completed=self._outlook.ended,
            visible=number > 1 and bool(self._tasks),
        )

    def _tests_landed(self, event: TestsLanded) -> None:
        counts = self._counts.setdefault(event.gate, {})
        for result in event.results:
            counts[result.outcome] = counts.get(result.outcome, 0) + 1
            told = self._tell(result)
            if told is not None:
                self._say(told.word, told.style, event.gate, told.text)
                for line in told.below:
                    self._bars.console.print(self._fitting(line), soft_wrap=True, markup=False, highlight=False)
        done = sum(counts.values())
        bad = sum(counts.get(outcome, 0) for outcome in BAD_TESTS)
        task = self._tasks.get(event.gate)
        if task is not None:
            about = _so_far(done, event.expected) + (f", {bad} failed" if bad else "")
            self._bars.update(task, total=max(event.expected, 1), completed=done, about=about)

    def _say(self, word: str, style: str, gate: str, text: str) -> None:
        from rich.text import Text

        line = self._fitting(f"  {gate:<{self._width}}  {text}")
        self._bars.console.print(Text.assemble((f"{word:>13}", style), line), soft_wrap=True)

    def _fitting(self, text: str) -> str:
        return _fitting(text, self._console.encoding)


def _fitting(text: str, encoding: str | None) -> str:
    """`text` as one harmless line that a stream with this encoding can show: the name of a test may contain anything."""
    encoding = encoding or "utf-8"
    return clean(text).replace("\n", " ").encode(encoding, "backslashreplace").decode(encoding)
