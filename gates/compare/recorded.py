"""Compare what excluded tests do now with what the ledger records."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from gates.portable.exclusions import Exclusion
from gates.portable.values import LOST_TESTS, RAN_TESTS, TestOutcome
from gates.results import TestResult

Finding = Literal["as recorded", "passes", "differs", "unknown"]

_WRONG = (TestOutcome.FAILED, TestOutcome.ERROR, TestOutcome.XFAILED)
EXPECTED = {
    "unimplemented": _WRONG,
    "todo": (*_WRONG, TestOutcome.SKIPPED),
    "hang": (TestOutcome.TIMEOUT,),
    "flaky": (*_WRONG, TestOutcome.TIMEOUT, TestOutcome.CRASHED),
    "environment": (*_WRONG, TestOutcome.SKIPPED, TestOutcome.CRASHED),
}
"""Category of an exclusion → outcomes that fit it."""

UNWRITTEN = re.compile(r"NotImplemented|not (yet )?implemented|unimplemented|TODO|not written", re.IGNORECASE)
"""Words in the failure of an unimplemented test."""

PASSING = (TestOutcome.PASSED, TestOutcome.XPASSED, TestOutcome.FLAKY)


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """An excluded test that was run.

    Attributes:
        test: its id.
        finding: `passes` makes the exclusion stale; `differs`: it fails, but not as recorded.
        said: a description of what it did.
    """

    test: str
    finding: Finding
    said: str


class CheckedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the ledger with its tests; an entry without a test is stale, too."""

    entry: Exclusion
    tests: tuple[Checked, ...]

    @property
    def holds(self) -> bool:
        """Whether every test of it does what is recorded."""
        return bool(self.tests) and all(test.finding == "as recorded" for test in self.tests)


def check_entries(entries: Iterable[Exclusion], results: Iterable[TestResult]) -> tuple[CheckedEntry, ...]:
    """Judge each entry by what its tests did when they were run."""
    by_entry: dict[str, dict[str, TestResult]] = {}
    for result in results:
        if result.exclusion:
            # A test of two gates is shown once: the gate where it failed.
            known = by_entry.setdefault(result.exclusion, {})
            if result.id not in known or result.outcome not in PASSING:
                known[result.id] = result
    return tuple(
        CheckedEntry(
            entry=entry, tests=tuple(_check(entry, result) for result in by_entry.get(entry.name, {}).values())
        )
        for entry in entries
    )


def _check(entry: Exclusion, result: TestResult) -> Checked:
    said = ": ".join(
        part for part in (str(result.outcome), result.signature or result.message or result.reason) if part
    )
    return Checked(test=result.id, finding=_finding(entry, result), said=said)


def _finding(entry: Exclusion, result: TestResult) -> Finding:
    outcome = result.outcome
    if outcome in LOST_TESTS or (outcome not in RAN_TESTS and outcome is not TestOutcome.SKIPPED):
        return "unknown"
    if outcome in PASSING:
        # One pass of a flaky test proves nothing.
        return "as recorded" if entry.category == "flaky" else "passes"
    if entry.signature:
        return "as recorded" if result.signature == entry.signature else "differs"
    if outcome not in EXPECTED[entry.category]:
        return "differs"
    if entry.category == "unimplemented" and not UNWRITTEN.search(
        f"{result.signature} {result.message} {result.details}"
    ):
        return "differs"
    return "as recorded"
