"""Base and head of a comparison: how much slower or faster each re-timed test became, with its interval; and the gates."""

from __future__ import annotations

import math
from collections.abc import Sequence

from gates.compare.values import Comparison, GateTimes, Timing, TimingChange
from gates.render.plots.scales import Scale, ratios, seconds_up_to, tick_words
from gates.render.plots.shapes import (
    BOLD,
    CELL,
    LINE,
    MARGIN,
    WIDTH,
    Drawing,
    Shape,
    box,
    cells,
    grid,
    heading,
    legend,
    line,
    mark,
    nothing,
    number,
    paragraph,
    path,
    text,
    words,
    wrapped,
)
from gates.render.text import duration, plural
from gates.render.times import VERDICTS, percent, precise

_NAME = int((WIDTH - 2 * MARGIN) / CELL)
_MARKS = {"slower": "slower", "faster": "faster", "same": "same", "inconclusive": "other"}


def draw_before_after(comparison: Comparison) -> Drawing:
    """A row for each test that was re-timed, with the interval of its change; below it both times of each gate."""
    title = f"Times: {words(comparison.base)} and {words(comparison.head)}"
    changes = [one for one in (comparison.timing.changes if comparison.timing else ()) if one.ratio is not None]
    gates = [one for one in comparison.gate_times if one.base_seconds is not None and one.head_seconds is not None]
    if not changes and not gates:
        return nothing(title, "Nothing was timed on both sides.")
    told = []
    if comparison.timing and changes:
        counts = [f"{sum(one.verdict == verdict for one in changes)} {verdict}" for verdict in VERDICTS]
        told.append(
            f"{plural(len(changes), 'test')} re-timed in turns on both sides, in up to {plural(comparison.timing.rounds, 'pair')}: {', '.join(counts)}."
        )
    told += ["Gates were timed once on each side, which proves nothing."] if gates else []
    shapes, y = heading(title, told)
    if comparison.timing and changes:
        drawn, y = _tests(comparison.timing, changes, y)
        shapes += drawn
    if gates:
        drawn, y = _gates(gates, y + 8)
        shapes += drawn
    about = f"{' '.join(told)} " + "; ".join(f"{one.test}: {one.verdict}, {_change(one)}" for one in changes[:20])
    return Drawing(title=title, about=about.strip(), height=y + MARGIN, shapes=tuple(shapes))


def _tests(timing: Timing, changes: Sequence[TimingChange], y: float) -> tuple[list[Shape], float]:
    marks = [(mark(0, 0, _MARKS[verdict]), verdict) for verdict in VERDICTS]
    band = (box(-8, -5, 16, 10, "faint"), f"changes up to {timing.threshold:.0%} do not matter")
    shapes = legend(y + 4, [*marks, (path("M-8 0H8", "whisker"), f"{_confidence(changes)} interval"), band])
    y += 42
    label = max(cells(_label(one)) for one in changes) * BOLD
    begin, end = MARGIN + 6.0, WIDTH - MARGIN - 16 - label
    known = [value for one in changes for value in (one.low, one.high, one.ratio) if value is not None]
    ticks, low, high = ratios(known, end - begin)
    across = Scale(low, high, begin, end)
    near, far = across.at(math.log(1 - timing.threshold)), across.at(math.log(1 + timing.threshold))
    for tick in ticks:
        shapes.append(text(across.at(math.log(tick)), y - 8, "base" if tick == 1 else f"{tick:g} x", "tick", "middle"))
    places = [across.at(math.log(tick)) for tick in ticks]
    order = sorted(changes, key=lambda one: (VERDICTS.index(one.verdict), -abs(math.log(one.ratio or 1))))
    for one in order:
        top = y + _height(one) - 24
        shapes += [box(near, top, far - near, 18, "faint"), grid(places, top, 18)]
        shapes += [line(across.at(0), top, across.at(0), top + 18, "axis"), *_row(one, across, y)]
        y += _height(one)
    return shapes, y


def _height(change: TimingChange) -> float:
    return LINE * len(wrapped(change.test, _NAME)) + 24


def _row(one: TimingChange, across: Scale, y: float) -> list[Shape]:
    name = wrapped(one.test, _NAME)
    shapes = paragraph(MARGIN, y + 14, name, "name")
    middle = y + LINE * len(name) + 9
    about = f"{one.test}: {one.verdict}, {_change(one)}"
    low, middle_x, high = (across.at(math.log(max(value or 1.0, 1e-9))) for value in (one.low, one.ratio, one.high))
    shapes.append(
        path(
            f"M{number(low)} {number(middle)}H{number(high)}M{number(low)} {number(middle - 4)}v8M{number(high)} {number(middle - 4)}v8",
            "whisker",
        )
    )
    shapes.append(mark(middle_x, middle, _MARKS[one.verdict], about))
    kind = "alarm" if one.verdict == "slower" else ""
    return [*shapes, text(across.end + 16, middle + 4, _label(one), kind)]


def _gates(gates: Sequence[GateTimes], y: float) -> tuple[list[Shape], float]:
    shapes = [text(MARGIN, y + 12, "Gates", "head")]
    shapes += legend(
        y + 34, [(mark(0, 0, "other"), "base"), (mark(0, 0, "passed"), "head"), (mark(0, 0, "failed"), "head failed")]
    )
    y += 66
    names = [wrapped(one.gate, 34) for one in gates]
    left = MARGIN + 16 + CELL * max(cells(part) for name in names for part in name)
    ticks, top = seconds_up_to(max(max(one.base_seconds or 0, one.head_seconds or 0) for one in gates))
    across = Scale(0, top, left, WIDTH - MARGIN - 190)
    end = y + sum(LINE * len(name) + 8 for name in names)
    for tick in ticks:
        x = across.at(tick)
        shapes += [line(x, y - 2, x, end, "rule"), text(x, y - 8, tick_words(tick, top), "tick", "middle")]
    for one, name in zip(gates, names, strict=True):
        base, head = across.at(one.base_seconds or 0), across.at(one.head_seconds or 0)
        middle = y + (LINE * len(name) + 8) / 2
        failed = one.head_outcome not in ("", "passed")
        shapes += paragraph(MARGIN, middle + 4 - LINE * (len(name) - 1) / 2, name, "name")
        shapes += [
            line(base, middle, head, middle, "link"),
            mark(base, middle, "other"),
            mark(head, middle, "failed" if failed else "passed"),
            text(
                max(base, head) + 10,
                middle + 4,
                f"{duration(one.base_seconds or 0)} → {duration(one.head_seconds or 0)}",
            ),
        ]
        y += LINE * len(name) + 8
    return shapes, y


def _change(one: TimingChange) -> str:
    if one.ratio is None:
        return "never timed on both sides"
    interval = f" ({percent(one.low)} to {percent(one.high)})" if one.low is not None and one.high is not None else ""
    return f"{percent(one.ratio)}{interval}"


def _label(one: TimingChange) -> str:
    return f"{_change(one)}, {precise(one.base_seconds)} → {precise(one.head_seconds)}"


def _confidence(changes: Sequence[TimingChange]) -> str:
    return f"{min(one.confidence for one in changes):.0%}"
