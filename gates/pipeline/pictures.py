"""What the history tells pictures."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from gates.analysis.trends import grouped, trend_of
from gates.render.plots.slowest import SHOWN, Usual
from gates.render.plots.trend import Group
from gates.results import Run, TestResult
from gates.results.past import PastResult
from gates.storage.history import History, name_of

RUNS = 40
"""How many runs a picture shows if the user does not say."""


def groups_of(results: Iterable[PastResult]) -> list[Group]:
    """The results of each gate or test, with what they show."""
    return [(trend_of(members), members) for members in grouped(results)]


def usual_of(kept: History, run: Run, tests: Sequence[TestResult]) -> Usual:
    """How long the slowest tests of a run took before it.

    Raises:
        sqlite3.Error: the history is damaged.
    """
    slow = heapq.nlargest(SHOWN, tests, key=lambda one: one.duration)
    names = {(one.gate, name_of(one)): (one.gate, one.id) for one in slow}
    found = {}
    for trend, _ in groups_of(kept.of_tests(slow, RUNS, run.started)):
        if trend.median and (trend.gate, trend.test) in names:
            found[names[trend.gate, trend.test]] = (trend.median, trend.spread)
    return found
