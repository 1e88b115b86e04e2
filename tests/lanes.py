"""Say which tests are in the wrong lane, and which begin: `slow` holds those that take more than a third of a second."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pytest

LONGEST = "tests/weakenings/"
"""The folder of a test that takes as long as a hundred others: at the end, the other workers would wait for it."""

SLOW = 0.35
"""Seconds from which on a test is slow, its fixtures included."""

SURELY_QUICK = 0.2
"""Seconds up to which it is not, on a machine that is slower by a third, either."""


def misplaced(reports: Iterable[pytest.TestReport]) -> Iterator[str]:
    """A line for each test whose mark does not fit its time, the longest first."""
    times: dict[str, float] = defaultdict(float)
    marked = set()
    for report in reports:
        times[report.nodeid] += report.duration
        if "slow" in report.keywords:
            marked.add(report.nodeid)
    for test, seconds in sorted(times.items(), key=lambda item: -item[1]):
        if seconds > SLOW and test not in marked:
            yield f"{seconds:.1f} s, mark it slow: {test}"
        elif seconds < SURELY_QUICK and test in marked:
            yield f"{seconds:.1f} s, not slow: {test}"


def longest_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The tests in the order in which they run."""
    return sorted(items, key=lambda item: not item.nodeid.startswith(LONGEST))
