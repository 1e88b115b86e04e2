"""The slowest tests of a run, and how long they usually take."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence

from gates.portable.values import BAD_TESTS
from gates.render.plots.scales import Scale, seconds_up_to, tick_words
from gates.render.plots.shapes import (
    CELL,
    LINE,
    MARGIN,
    WIDTH,
    Drawing,
    Shape,
    box,
    grid,
    heading,
    legend,
    nothing,
    paragraph,
    path,
    text,
    wrapped,
)
from gates.render.text import duration, plural
from gates.render.trends import usual
from gates.results import Run, TestResult

SHOWN = 20
_LABEL = 150
_NAME = int((WIDTH - 2 * MARGIN) / CELL)

Usual = Mapping[tuple[str, str], tuple[float, float]]
"""Gate and test → the median of its seconds in earlier runs, and half of the middle half."""


def draw_slowest(run: Run, tests: Sequence[TestResult], known: Usual | None = None, shown: int = SHOWN) -> Drawing:
    """A bar for each of the slowest tests, with its usual time, if that is known."""
    title = f"Slowest tests of {run.project or 'a run'}"
    slow = heapq.nlargest(shown, (one for one in tests if one.duration > 0), key=lambda one: one.duration)
    if not slow:
        return nothing(title, "No test of this run took any time.")
    before = known or {}
    whole = sum(one.duration for one in tests)
    part = sum(one.duration for one in slow) / whole
    told = f"{plural(len(slow), 'test')} of {len(tests):,}: {part:.0%} of the {duration(whole)} that all of them take together."
    shapes, y = heading(title, [told])
    if any((one.gate, one.id) in before for one in slow):
        shapes += legend(y + 4, [(_usual(-6, 6, 0, 0)[1], "usually, in earlier runs: the median, and the middle half")])
        y += LINE + 4
    y += 16
    most = max([one.duration for one in slow] + [sum(before.get((one.gate, one.id), (0.0, 0.0))) for one in slow])
    ticks, top = seconds_up_to(most)
    across = Scale(0, top, MARGIN, WIDTH - MARGIN - _LABEL)
    end = y + sum(_height(one) for one in slow)
    for tick in ticks:
        x = across.at(tick)
        anchor = "middle" if tick else "start"
        shapes.append(text(x, y - 8, tick_words(tick, top), "tick", anchor))
    places = [across.at(tick) for tick in ticks]
    for one in slow:
        shapes.append(grid(places, y + _height(one) - 22, 15))
        shapes += _row(one, across, y, before.get((one.gate, one.id)))
        y += _height(one)
    about = f"{told} " + "; ".join(f"{one.id}: {duration(one.duration)}" for one in slow[:10])
    return Drawing(title=title, about=about, height=end + MARGIN, shapes=tuple(shapes))


def _height(test: TestResult) -> float:
    return LINE * len(wrapped(test.id, _NAME)) + 24


def _row(test: TestResult, across: Scale, y: float, known: tuple[float, float] | None) -> list[Shape]:
    name = wrapped(test.id, _NAME)
    shapes = paragraph(MARGIN, y + 14, name, "name")
    top = y + LINE * len(name) + 3
    failed = test.outcome in BAD_TESTS
    end = across.at(test.duration)
    said = f"{duration(test.duration)}{f' ✗ {test.outcome}' if failed else ''}"
    about = f"{test.id}: {said}{f', usually {usual(*known)}' if known else ''}"
    shapes.append(box(across.begin, top, end - across.begin, 11, "failed" if failed else "passed", about))
    last = end
    if known:
        low, high = across.at(known[0] - known[1]), across.at(known[0] + known[1])
        shapes += _usual(low, high, across.at(known[0]), top + 5.5)
        last = max(end, high)
    shapes.append(text(last + 7, top + 10, said, "alarm" if failed else ""))
    return shapes


def _usual(low: float, high: float, middle: float, y: float) -> list[Shape]:
    way = f"M{low:.1f} {y:.1f}H{high:.1f}M{low:.1f} {y - 3:.1f}v6M{high:.1f} {y - 3:.1f}v6M{middle:.1f} {y - 7:.1f}v14"
    return [path(way, "halo"), path(way, "whisker")]
