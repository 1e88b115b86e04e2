"""What the history adds to the reports of a run: how tests ended before, and pictures."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import msgspec

from gates.analysis.trends import grouped, trend_of
from gates.compare.values import Comparison
from gates.render.plots.before_after import draw_before_after
from gates.render.plots.flakes import draw_flakes
from gates.render.plots.shapes import Drawing
from gates.render.plots.slowest import SHOWN, Usual, draw_slowest
from gates.render.plots.trend import Group, draw_trend
from gates.render.trends import letters
from gates.results import Run, TestResult
from gates.results.past import PastResult
from gates.storage.history import History, name_of

RUNS = 40
"""How many runs a picture shows if the user does not say."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What the history knows that a page shows.

    Attributes:
        recent: gate and test → how it ended in the last runs, a letter for each, the oldest first.
        pictures: the drawings of a page.
    """

    recent: dict[tuple[str, str], str] = {}
    pictures: tuple[Drawing, ...] = ()


def past_of(store: Path | None, run: Run, tests: Sequence[TestResult], comparison: Comparison | None) -> Past:
    """What a page shows of earlier runs; without a readable history only what the run itself shows.

    Args:
        store: folder of the project's store; None for no history.
        run: the run of the page.
        tests: its tests.
        comparison: with its base.
    """
    recent: dict[tuple[str, str], str] = {}
    gates: list[Group] = []
    troubled: list[Group] = []
    usual: Usual = {}
    if store is not None:
        kept = History(store)
        told = lru_cache(letters)  # nearly all tests have the same
        with suppress(sqlite3.Error, OSError):
            recent = {name: told(outcomes) for name, outcomes in kept.recent().items()}
            gates, troubled = groups_of(kept.of_gates(RUNS)), groups_of(kept.of_troubled(RUNS))
            usual = usual_of(kept, run, tests)
    pictures = [draw_trend(gates)] if max((trend.runs for trend, _ in gates), default=0) > 1 else []
    pictures += [draw_slowest(run, tests, usual)] if tests else []
    pictures += [draw_flakes(troubled)] if troubled else []
    pictures += [draw_before_after(comparison)] if comparison is not None and comparison.timing is not None else []
    return Past(recent=recent, pictures=tuple(pictures))


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
