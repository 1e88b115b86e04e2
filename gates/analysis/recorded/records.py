"""Add up what one side recorded about each test, over its parameters and gates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from gates.analysis.recorded.sites import Site
from gates.portable.counted_code import NOT_FOUND
from gates.portable.values import RAN_TESTS, TestOutcome, plural
from gates.results import TestResult

_GREEN = frozenset({TestOutcome.PASSED, TestOutcome.FLAKY})


@dataclass
class Record:
    """What one side recorded about a test, over all of its parameters and gates.

    Attributes:
        ran: assertion → how often it ran, and how often it raised.
        green: every one that ran passed.
        unknown: as in `AssertionRecord`.
        results: how many ran.
    """

    ran: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)
    green: bool = True
    unknown: dict[str, str] = field(default_factory=dict)
    results: int = 0

    def add(self, result: TestResult) -> None:
        """Add one result."""
        if result.checks is None:
            return
        if result.outcome in RAN_TESTS:
            self.results += 1
            self.green = self.green and result.outcome in _GREEN
        self.unknown |= result.checks.unknown
        for file, counts in result.checks.ran.items():
            for one in counts:
                ran, raised = self.ran.get((file, one.line), (0, 0))
                self.ran[file, one.line] = (ran + one.ran, raised + one.raised)

    def knows(self, site: Site) -> bool:
        """Whether an assertion would have been counted."""
        return f"{site.path}:{site.line}" not in self.unknown

    def times(self, site: Site) -> tuple[int, int]:
        """How often an assertion ran, and how often it passed."""
        ran, raised = self.ran.get((site.path, site.line), (0, 0))
        return ran, ran - raised


def passed_places(results: Iterable[TestResult]) -> frozenset[tuple[str, int]]:
    """File and line of each assertion that ran and passed."""
    checks = [result.checks for result in results if result.checks is not None]
    return frozenset(
        (file, one.line)
        for record in checks
        for file, counts in record.ran.items()
        for one in counts
        if one.ran > one.raised
    )


def why_unknown(results: Iterable[TestResult]) -> tuple[str, ...]:
    """Why some assertions were not recorded, a sentence for each reason."""
    tests: dict[str, set[str]] = defaultdict(set)
    files: dict[str, set[str]] = defaultdict(set)
    for result in results:
        for file, why in () if result.checks is None else result.checks.unknown.items():
            if why != NOT_FOUND:
                tests[why].add(without_parameters(result.id))
                files[why].update([file] if file else [])
    return tuple(
        f"it is unknown which assertions of {plural(len(names), 'changed test')} ran, such as {min(names)}: "
        + (f"{min(files[why])}: {why}" if files[why] else why)
        for why, names in sorted(tests.items())
    )


def without_parameters(test: str) -> str:
    """The id of a test without its parameters and without the number of a copy."""
    path, colons, rest = test.partition("::")
    return f"{path}{colons}{rest.partition('[')[0].partition('#')[0]}"


def records_of(results: Iterable[TestResult]) -> dict[str, Record]:
    """The records of the tests that have any, by id without parameters."""
    found: dict[str, Record] = defaultdict(Record)
    for result in results:
        if result.checks is not None:
            found[without_parameters(result.id)].add(result)
    return dict(found)


def is_comparable(before: Record, after: Record) -> bool:
    """Whether what did not run on the head can only be the doing of the test's code."""
    started = "" in after.unknown and "" not in before.unknown
    # What a failed test did not reach, or a skipped case would have run, was not taken away.
    files = any(file and not _is_place(file) for file in after.unknown)
    return after.green and after.results >= before.results and not started and not files


def _is_place(file: str) -> bool:
    return file.rpartition(":")[2].isdigit()
