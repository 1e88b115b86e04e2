"""The result of one test: its final outcome, its phases, its earlier attempts and its subtests; and counts of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from operator import attrgetter
from typing import Literal

import msgspec

from gates.portable.values import BAD_TESTS, RAN_TESTS, TestOutcome, plural


class PhaseResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one phase of a test ended, in pytest's words: an expected failure is `skipped` here."""

    name: Literal["setup", "call", "teardown"]
    outcome: Literal["passed", "failed", "skipped"] = "passed"
    duration: float = 0.0


class AttemptResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A failed attempt, after which the test was retried.

    Attributes:
        outcome: `failed`, or `error` if setup or teardown failed; `timeout` and `crashed` as for a test.
        phase: the phase that failed.
        duration: seconds of only this attempt.
        started: seconds since the epoch; 0 if unknown.
        message: the failure in one line.
        details: its traceback, limited in length.
        signature: as in `TestResult`.
        place: as in `TestResult`.
        stdout: the output of this attempt, limited in length.
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
        details: its traceback, limited in length.
        signature: as in `TestResult`.
        place: as in `TestResult`.
        duration: seconds.
        stdout: its output, limited in length; pytest keeps it separate from the output of the test.
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


class AssertionCount(msgspec.Struct, frozen=True, array_like=True):
    """How often an assertion ran in one test; a number at the limit of the recorder may have been higher.

    Attributes:
        line: of the assertion.
        ran: how often it was reached.
        raised: how often an exception left it.
    """

    line: int
    ran: int
    raised: int = 0


class AssertionRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The assertions of the test tree that ran in the last attempt of a test.

    Attributes:
        ran: file, from the project's folder → those that ran.
        unknown: file, or file and line, → why its assertions were not recorded; under an empty name, why the test's were not.
    """

    ran: dict[str, tuple[AssertionCount, ...]] = {}
    unknown: dict[str, str] = {}


class TestResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One test's final outcome.

    Attributes:
        gate: the gate that ran it.
        process: index of the pytest process in the gate, from 0.
        id: pytest's node id, `path::Class::name[param]`; duplicates have `#2`, `#3`, …
        outcome: exactly one for every collected test.
        duration: seconds of setup, call and teardown together; of the last attempt if there are several.
        phase: the phase that decided: `collect`, `setup`, `call` or `teardown`.
        worker: xdist's name of the worker; empty without xdist.
        file: path relative to the root of the tests, `/` as separator.
        line: counted from 1; 0 if unknown.
        started: seconds since the epoch, of the last attempt; 0 if it never started.
        reason: why it was skipped, excluded, expected to fail, or lost.
        exclusion: name of the ledger entry that excludes it, whether or not the entry was applied.
        quarantine: name of the quarantine entry that matches it.
        message: the failure in one line; the first one of a flaky test, that of the first subtest if only subtests failed.
        details: traceback or stack dump of the test itself; `attempts` and `subtests` have their own.
        stdout: captured output, limited in length; the text shows what was cut.
        stderr: as `stdout`.
        signature: the failure in one line that stays the same from run to run and from machine to machine,
            `Type: message @ file:function`, see `gates.portable.failure_signature`; for a flaky test, of its first failure.
        place: the line that failed, `path:line`: the innermost one in the project's own code; empty if unknown.
        phases: of the last attempt; empty if setup and teardown each passed within a millisecond: then
            `duration` and `outcome` are those of the call.
        attempts: every attempt before the last one, in order. A test that passed after these is `flaky`.
        subtests: those of the last attempt that failed, in order. They never count as tests.
        subtests_passed: how many passed; their output is not kept.
        subtests_skipped: how many were skipped.
        subtests_xfailed: how many failed as expected.
        leaks: what it left behind in its process, if its rules check that (`leak`).
        tries: how many attempts its rules allow, for a test that had more than one; 0 if unknown.
        slow: it took longer than the period of its `slow-timeout`.
        checks: which of its assertions ran; None if that was not recorded.
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
    checks: AssertionRecord | None = None

    @property
    def attempt(self) -> str:
        """The number of the last attempt, and how many are allowed: `2/3`."""
        number = len(self.attempts) + 1
        return f"{number}/{max(number, self.tries)}"


class TestCounts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The number of tests by outcome. `run` counts those that finished (see `values.RAN_TESTS`)."""

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
        """Tests about which nothing is known."""
        return self.interrupted + self.not_run


def count_tests(results: Iterable[TestResult]) -> TestCounts:
    """Count outcomes; every result counts once."""
    return counts_of(Counter(map(attrgetter("outcome"), results)))


def counts_of(found: Mapping[TestOutcome, int]) -> TestCounts:
    """The counts of tests, from how many had each outcome."""
    by_name = {outcome.value.replace("-", "_"): number for outcome, number in found.items()}
    return TestCounts(collected=sum(found.values()), run=sum(found.get(outcome, 0) for outcome in RAN_TESTS), **by_name)


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
"""Order of the counts in the summary line; readers may rely on it."""

NOUNS = frozenset({TestOutcome.ERROR, TestOutcome.TIMEOUT})
"""Outcomes that are nouns."""


def counts_line(counts: TestCounts) -> str:
    """The summary line, without outcomes that no test had; `passed` is always included."""
    passed = counted(counts.passed, TestOutcome.PASSED)
    return f"{plural(counts.run, 'test')} run: {', '.join((passed, *other_outcomes(counts)))}"


def other_outcomes(counts: TestCounts) -> list[str]:
    """The counts of outcomes that tests had, without passed ones: `2 failed`, `1 skipped`."""
    others = ((outcome, count_of(counts, outcome)) for outcome in LINE_ORDER if outcome is not TestOutcome.PASSED)
    return [counted(number, outcome) for outcome, number in others if number]


def odd_outcomes(counts: TestCounts) -> list[str]:
    """The counts of tests that ran, and neither passed nor failed: `1 flaky`."""
    return other_outcomes(
        TestCounts(**{name: getattr(counts, name) for name in ("flaky", "xfailed", "xpassed", "quarantined")})
    )


def counted(number: int, outcome: TestOutcome) -> str:
    """`2 passed`, `2 errors`: an outcome that is a noun gets a plural."""
    if outcome in NOUNS:
        return plural(number, outcome.value)
    return f"{number:,} {outcome.value.replace('-', ' ')}"


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
