"""What became of one test: its final outcome, its phases, its earlier attempts and its subtests; and counts of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

from gates.portable.values import BAD_TESTS, RAN_TESTS, TestOutcome, plural


class PhaseResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one phase of a test ended, in pytest's words: an expected failure is `skipped` here."""

    name: Literal["setup", "call", "teardown"]
    outcome: Literal["passed", "failed", "skipped"] = "passed"
    duration: float = 0.0


class AttemptResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt that failed and after which the test was tried again.

    Attributes:
        outcome: `failed`, or `error` where setup or teardown failed; `timeout` and `crashed` as of a test.
        phase: the phase that failed.
        duration: seconds of this attempt alone.
        started: seconds since the epoch; 0 where unknown.
        message: the failure in one line.
        details: its traceback, capped.
        signature: as of a `TestResult`.
        place: as of a `TestResult`.
        stdout: what this attempt printed, capped.
        stderr: as `stdout`.
        worker: xdist's name of the worker.
    """

    outcome: TestOutcome
    phase: str = "call"
    duration: float = 0.0
    started: float = 0.0
    message: str = ""
    details: str = ""
    signature: str = ""
    place: str = ""
    stdout: str = ""
    stderr: str = ""
    worker: str = ""


class SubtestResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A subtest that failed.

    Attributes:
        name: its message and its values, `[parity] (number=1)`.
        message: the failure in one line.
        details: its traceback, capped.
        signature: as of a `TestResult`.
        place: as of a `TestResult`.
        duration: seconds.
        stdout: what it printed, capped; pytest keeps this apart from the output of the test.
        stderr: as `stdout`.
    """

    name: str
    message: str = ""
    details: str = ""
    signature: str = ""
    place: str = ""
    duration: float = 0.0
    stdout: str = ""
    stderr: str = ""


class TestResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One test's final outcome.

    Attributes:
        gate: the gate that ran it.
        process: which pytest process of the gate, counted from 0.
        id: pytest's node id, `path::Class::name[param]`; duplicates carry `#2`, `#3`, …
        outcome: exactly one for every collected test.
        duration: seconds of setup, call and teardown together; of the last attempt where there are several.
        phase: the phase that decided: `collect`, `setup`, `call` or `teardown`.
        worker: xdist's name of the worker; empty without xdist.
        file: path relative to the root of the tests, `/` as separator.
        line: counted from 1; 0 where unknown.
        started: seconds since the epoch, of the last attempt; 0 where it never started.
        reason: why it was skipped, excluded, expected to fail, or lost.
        exclusion: name of the ledger entry that excludes it, whether or not that was heeded.
        quarantine: name of the entry of the quarantine that names it.
        message: the failure in one line; the first one of a flaky test, the first subtest's where only subtests failed.
        details: traceback or stack dump of the test itself; those of `attempts` and `subtests` are there.
        stdout: captured output, capped; what was cut is said in the text.
        stderr: as `stdout`.
        signature: the failure in one line that stays the same from run to run and from machine to machine,
            `Type: message @ file:function`, see `gates.portable.failure_signature`; of a flaky test, its first failure.
        place: the line that failed, `path:line`: the innermost one in the project's own code; empty where unknown.
        phases: of the last attempt; empty where setup and teardown passed within a millisecond each, for then
            `duration` and `outcome` are those of the call.
        attempts: every attempt before the last one, in order. A test that passed after these is `flaky`.
        subtests: those of the last attempt that failed, in order. They are no tests of their own in any count.
        subtests_passed: how many passed; their output is not kept.
        subtests_skipped: how many were skipped.
        subtests_xfailed: how many failed as expected.
        leaks: what it left behind in its process, where its rules ask for that (`leak`).
        tries: attempts that its rules allow, of a test that had more than one; 0 where unknown.
        slow: it took longer than the period of its `slow-timeout`.
    """

    __test__ = False

    gate: str
    id: str
    outcome: TestOutcome
    process: int = 0
    duration: float = 0.0
    phase: str = "call"
    worker: str = ""
    file: str = ""
    line: int = 0
    started: float = 0.0
    reason: str = ""
    exclusion: str = ""
    quarantine: str = ""
    message: str = ""
    details: str = ""
    stdout: str = ""
    stderr: str = ""
    signature: str = ""
    place: str = ""
    phases: tuple[PhaseResult, ...] = ()
    attempts: tuple[AttemptResult, ...] = ()
    subtests: tuple[SubtestResult, ...] = ()
    subtests_passed: int = 0
    subtests_skipped: int = 0
    subtests_xfailed: int = 0
    leaks: tuple[str, ...] = ()
    tries: int = 0
    slow: bool = False

    @property
    def attempt(self) -> str:
        """Which attempt was the last one, of how many that it may have: `2/3`."""
        number = len(self.attempts) + 1
        return f"{number}/{max(number, self.tries)}"


class TestCounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How many tests ended how. `run` counts the ones that ran to an end (see `values.RAN_TESTS`)."""

    __test__ = False

    collected: int = 0
    run: int = 0
    passed: int = 0
    failed: int = 0
    error: int = 0
    skipped: int = 0
    xfailed: int = 0
    xpassed: int = 0
    timeout: int = 0
    crashed: int = 0
    flaky: int = 0
    quarantined: int = 0
    excluded: int = 0
    interrupted: int = 0
    not_run: int = 0

    @property
    def bad(self) -> int:
        """Tests that ran and failed."""
        return sum(getattr(self, outcome.value) for outcome in BAD_TESTS)

    @property
    def lost(self) -> int:
        """Tests of which nothing is known."""
        return self.interrupted + self.not_run


def count_tests(results: Iterable[TestResult]) -> TestCounts:
    """Count outcomes; every result counts once."""
    found = Counter(result.outcome for result in results)
    by_name = {outcome.value.replace("-", "_"): number for outcome, number in found.items()}
    return TestCounts(collected=sum(found.values()), run=sum(found[outcome] for outcome in RAN_TESTS), **by_name)


LINE_ORDER = (
    TestOutcome.PASSED,
    TestOutcome.FAILED,
    TestOutcome.ERROR,
    TestOutcome.TIMEOUT,
    TestOutcome.CRASHED,
    TestOutcome.FLAKY,
    TestOutcome.XFAILED,
    TestOutcome.XPASSED,
    TestOutcome.SKIPPED,
    TestOutcome.QUARANTINED,
    TestOutcome.EXCLUDED,
    TestOutcome.INTERRUPTED,
    TestOutcome.NOT_RUN,
)
"""Order of the counts in the summary line; a reader of it may rely on this."""

NOUNS = frozenset({TestOutcome.ERROR, TestOutcome.TIMEOUT})
"""Outcomes that are nouns."""


def counts_line(counts: TestCounts) -> str:
    """The summary line; outcomes that no test had are left out, but `passed` is always there."""
    parts = [
        counted(number, outcome)
        for outcome in LINE_ORDER
        if (number := count_of(counts, outcome)) or outcome is TestOutcome.PASSED
    ]
    return f"{plural(counts.run, 'test')} run: {', '.join(parts)}"


def counted(number: int, outcome: TestOutcome) -> str:
    """`2 passed`, `2 errors`: an outcome that is a noun is counted as one."""
    if outcome in NOUNS:
        return plural(number, outcome.value)
    return f"{number} {outcome.value.replace('-', ' ')}"


def count_of(counts: TestCounts, outcome: TestOutcome) -> int:
    """The count of one outcome."""
    number: int = getattr(counts, outcome.value.replace("-", "_"))
    return number


class TestLine(msgspec.Struct, frozen=True):
    """A line about a test as it ends, and what is shown below it.

    Attributes:
        word: its outcome, shortly.
        text: the rest of the line.
        style: the colour of the word.
        below: further lines.
    """

    __test__ = False

    word: str
    text: str
    style: str = "red"
    below: tuple[str, ...] = ()
