"""The ratchet: find exclusions that leave out tests that they did not leave out on the base."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

from gates.compare.values import WiderExclusion
from gates.portable.values import TestOutcome
from gates.results import TestResult


def wider_exclusions(
    base: Sequence[TestResult], head: Sequence[TestResult], accepted: Collection[str] = ()
) -> tuple[WiderExclusion, ...]:
    """Entries of both ledgers that match tests which no entry matched on the base.

    Splitting or renaming an entry adds nothing new. A new test that is excluded at once is new to its entry.

    Args:
        base: results of the base.
        head: results of the head.
        accepted: names of entries that may grow.
    """
    found = []
    kinds: tuple[Literal["exclusion", "quarantine"], ...] = ("exclusion", "quarantine")
    for kind in kinds:
        after = _named(head, kind)
        before = _named(base, kind) if after else {}
        for name in dict.fromkeys(after.values()):
            tests = tuple(test for test, entry in after.items() if entry == name and test not in before)
            if tests:
                added = name not in before.values()
                found.append(WiderExclusion(kind=kind, name=name, added=added, tests=tests, accepted=name in accepted))
    return tuple(found)


def _named(results: Sequence[TestResult], kind: Literal["exclusion", "quarantine"]) -> dict[str, str]:
    """Test → the entry that matches it."""
    if kind == "quarantine":
        return {test.id: test.quarantine for test in results if test.quarantine}
    return {test.id: test.exclusion for test in results if test.outcome is TestOutcome.EXCLUDED}
