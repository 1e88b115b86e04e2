"""The part of a summary about tests: the line of counts, passes by package, and failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import msgspec

from gates.compare.tests import WRONG_TESTS, names_of
from gates.portable.values import LOST_TESTS, TestOutcome
from gates.render.tally import PackageRow, tally
from gates.render.text import one_line, plural, useful_lines
from gates.results import Run, SubtestResult, TestCounts, TestResult, count_tests, counts_line

DETAILED = 200
"""So many failures have their message and details; beyond that, no format shows any."""

NAMED_SUBTESTS = 3
"""So many failed subtests are named in the line of a failure."""

NAMED_OTHERS = 3
"""So many of the tests that share a reason are named."""


class FailureRow(msgspec.Struct, frozen=True):
    """A test that failed or was lost; tests with the same external reason are merged.

    Attributes:
        on_base: it also does so on the base.
        number: how many tests, including itself.
        others: ids of the first others.
    """

    id: str
    gate: str
    outcome: TestOutcome
    place: str
    message: str
    lines: tuple[str, ...]
    duration: float
    on_base: bool = False
    number: int = 1
    others: tuple[str, ...] = ()

    @property
    def many(self) -> str:
        """`645 tests`, if tests did not run, because none of them is special. Else empty."""
        return plural(self.number, "test") if self.number > 1 and self.outcome is TestOutcome.NOT_RUN else ""

    @property
    def also(self) -> str:
        """The others on one line; empty for none."""
        if self.number == 1:
            return ""
        first = (self.id, *self.others)[:NAMED_OTHERS] if self.many else self.others[:NAMED_OTHERS]
        names = ", ".join(one_line(name, 200) for name in first)
        more = ", …" if self.number - (not self.many) > len(first) else ""
        lead = "" if self.many else f"and {plural(self.number - 1, 'more test')}, for the same reason: "
        return f"{lead}{names}{more}"


class NotedTest(msgspec.Struct, frozen=True):
    """A test that is flaky or leaky; `words` tell on which attempt it passed, or what it left behind in its process."""

    id: str
    gate: str
    words: str


class TestSection(msgspec.Struct, frozen=True):
    """The part of a summary about tests; `skipped` are reasons with their numbers, the most frequent first."""

    __test__ = False

    counts: TestCounts
    seconds: float
    packages: tuple[PackageRow, ...]
    failures: tuple[FailureRow, ...]
    by_gate: tuple[tuple[str, float, TestCounts], ...] = ()
    flaky: tuple[NotedTest, ...] = ()
    leaky: tuple[NotedTest, ...] = ()
    slow: tuple[tuple[str, float], ...] = ()
    skipped: tuple[tuple[str, int], ...] = ()

    @property
    def line(self) -> str:
        """`822 tests run: 822 passed, 48 skipped, 16 excluded`; one line per gate if several run tests.

        Two gates may run the same tests, on two interpreters for example: a sum of both would count them twice.
        """
        if len(self.by_gate) < 2:
            return counts_line(self.counts)
        return "\n".join(f"{name}: {counts_line(counts)}" for name, _, counts in self.by_gate)

    @property
    def timed_line(self) -> str:
        """The line after its time, in the form of nextest; one line per gate if several run tests."""
        if len(self.by_gate) < 2:
            return f"Summary [{self.seconds:>8.3f}s] {self.line}"
        return "\n".join(
            f"Summary [{seconds:>8.3f}s] {name}: {counts_line(counts)}" for name, seconds, counts in self.by_gate
        )


def test_section(  # no test
    run: Run,
    tests: Sequence[TestResult],
    known: Collection[str] = (),  # noqa: PT028
) -> TestSection | None:
    """The section of a run; None if the run has no test results at all.

    Args:
        run: the run.
        tests: its results.
        known: tests that also fail on the base, as named in a comparison.
    """
    if not tests and run.tests is None:
        return None
    found = tally(run, tests)
    told = _told(tests)
    return TestSection(
        counts=found.counts if tests else run.tests or found.counts,
        seconds=found.seconds,
        packages=found.packages,
        failures=failures(told, known),
        by_gate=found.by_gate,
        flaky=flaky_tests(told),
        leaky=tuple(
            NotedTest(id=test.id, gate=test.gate, words=one_line("; ".join(test.leaks), 300))
            for test in told
            if test.leaks
        ),
        skipped=_skipped(told),
        slow=tuple(sorted(((test.id, test.duration) for test in told if test.slow), key=lambda each: -each[1])),
    )


def test_counts(run: Run, tests: Sequence[TestResult]) -> TestSection | None:  # no test
    """The section without lists of tests and packages, except why tests were skipped."""
    counts = count_tests(tests) if tests else run.tests
    if counts is None:
        return None
    return TestSection(counts=counts, seconds=0.0, packages=(), failures=(), skipped=_skipped(_told(tests)))


def _told(tests: Sequence[TestResult]) -> list[TestResult]:
    """Those about which there is something to tell."""
    passed = TestOutcome.PASSED
    return [test for test in tests if test.outcome is not passed or test.leaks or test.slow]


def _skipped(tests: Iterable[TestResult]) -> tuple[tuple[str, int], ...]:
    skipped = (_reason(test) for test in tests if test.outcome is TestOutcome.SKIPPED)
    return tuple(Counter(skipped).most_common())


def _reason(test: TestResult) -> str:
    return one_line(test.reason or test.message, 200).removeprefix("Skipped: ") or "no reason given"


def failures(tests: Iterable[TestResult], known: Collection[str] = ()) -> tuple[FailureRow, ...]:
    """Modules that cannot be collected, then failures in the order of the run, then lost tests.

    Tests known to fail on the base come last. A reason that stops many tests from running is one failure.
    """
    names = frozenset(known)
    failed = [test for test in tests if test.outcome in WRONG_TESTS]
    on_base = {id(test) for test in failed if not names.isdisjoint(names_of(test))} if names else set()
    # Stable: keeps the order of the run.
    failed.sort(key=lambda test: (id(test) in on_base, test.outcome in LOST_TESTS, test.phase != "collect"))
    groups: dict[object, list[TestResult]] = {}
    for test in failed:
        groups.setdefault((id(test) in on_base, *_cause(test)), []).append(test)
    return tuple(
        _row(test, others, on_base=id(test) in on_base, detailed=number < DETAILED)
        for number, (test, *others) in enumerate(groups.values())
    )


def _row(test: TestResult, others: Sequence[TestResult], *, on_base: bool, detailed: bool) -> FailureRow:
    return FailureRow(
        id=test.id,
        gate=test.gate,
        outcome=test.outcome,
        place=place_of(test) if detailed else "",
        message=_message(test) if detailed else "",
        lines=_lines(test) if detailed else (),
        duration=test.duration,
        on_base=on_base,
        number=1 + len(others),
        others=tuple(other.id for other in others[:NAMED_OTHERS]),
    )


def _lines(test: TestResult) -> tuple[str, ...]:
    """Its details, without a first line that only repeats the message."""
    details = test.details or "\n\n".join(_subtest_text(each) for each in test.subtests)
    first, _, rest = details.partition("\n")
    return useful_lines(rest.lstrip("\n") if first and first == test.message else details, file=test.file)


def _cause(test: TestResult) -> tuple[object, ...]:
    """The key by which tests are merged: they did not run, or one cause broke their setup."""
    if test.outcome is TestOutcome.FAILED:  # nearly all of them
        return (id(test),)
    if test.outcome is TestOutcome.NOT_RUN and not test.attempts:
        return test.gate, test.outcome, test.reason
    if test.outcome is TestOutcome.ERROR and test.phase == "setup" and not test.attempts:
        return test.gate, test.outcome, test.place or test.signature or id(test), test.message
    return (id(test),)


def place_of(test: TestResult) -> str:
    """Where it failed: the line itself, in the test or below it; if unknown, where the test begins."""
    failed = test.place or next((each.place for each in test.subtests if each.place), "")
    return failed or (f"{test.file}:{test.line}" if test.file and test.line else test.file)


def flaky_tests(tests: Iterable[TestResult]) -> tuple[NotedTest, ...]:
    """Tests that passed only on a retry, in the order of the run."""
    return tuple(
        NotedTest(id=test.id, gate=test.gate, words=_flaky_words(test))
        for test in tests
        if test.outcome is TestOutcome.FLAKY
    )


def _flaky_words(test: TestResult) -> str:
    passed = f"passed on attempt {test.attempt.replace('/', ' of ')}" if test.attempts else "passed on a retry"
    first = one_line(test.signature or test.message, 300)
    return f"{passed}; first: {first}" if first else passed


def _message(test: TestResult) -> str:
    """The failure in one line, with what the message does not show: subtests, attempts, the place in the product."""
    message = one_line(test.message or test.reason, 300)
    if test.subtests:
        names = ", ".join(one_line(each.name, 80) for each in test.subtests[:NAMED_SUBTESTS])
        more = ", …" if len(test.subtests) > NAMED_SUBTESTS else ""
        message = f"{plural(len(test.subtests), 'subtest')} failed, {names}{more}: {message}"
    frame = test.signature.rpartition(" @ ")[2] if " @ " in test.signature else ""
    # A frame in the test's own file, or at the place, adds nothing to the place and the traceback.
    if frame and frame.rpartition(":")[0] not in (test.file, place_of(test).rpartition(":")[0]):
        message = f"{message} (in {one_line(frame, 200)})"
    return f"{message} (attempt {test.attempt.replace('/', ' of ')})" if test.attempts else message


def _subtest_text(subtest: SubtestResult) -> str:
    return f"--- subtest {subtest.name} ---\n{subtest.details or subtest.message}"
