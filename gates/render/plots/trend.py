"""The time of each gate, run by run, with the median and the middle half of the runs around it; failures are marked."""

from __future__ import annotations

from collections.abc import Sequence

from gates.analysis.trends import Trend, fails, passes, rolling
from gates.render.plots.scales import Scale, seconds_up_to, tick_words
from gates.render.plots.shapes import (
    MARGIN,
    WIDTH,
    Drawing,
    Shape,
    box,
    heading,
    legend,
    line,
    mark,
    nothing,
    number,
    path,
    text,
    wrapped,
)
from gates.render.text import duration, plural
from gates.render.trends import day, rate, usual
from gates.results.past import PastResult

Group = tuple[Trend, Sequence[PastResult]]
_LEFT, _RIGHT = 76.0, WIDTH - MARGIN - 8.0
_PANEL = 74
"""Height of the axes of one gate."""

WINDOW = 9
"""Over how many passed runs median and middle half are taken."""


def draw_trend(groups: Sequence[Group], what: str = "gates") -> Drawing:
    """A panel for each gate (or test); they share the runs from left to right."""
    title = f"Times of {what}, run by run"
    runs = list(dict.fromkeys(sorted((one.started, one.run) for _, members in groups for one in members)))
    if not runs:
        return nothing(title, "No finished run is recorded yet.")
    told = f"{plural(len(runs), 'run')}, {dates(runs[0][0], runs[-1][0])}, the latest at the right."
    shapes, y = heading(title, [told])
    shapes += legend(
        y + 4,
        [
            (mark(0, 0, "passed"), "passed"),
            (mark(0, 0, "failed"), "failed"),
            (path("M-8 0H8", "median"), f"median of {WINDOW} runs that passed"),
            (box(-8, -5, 16, 10, "band"), "their middle half"),
        ],
    )
    y += 24
    places = {run: place for place, (_, run) in enumerate(runs)}
    across = Scale(0, len(runs) - 1, _LEFT + 8, _RIGHT - 8)
    for trend, members in groups:
        panel, height = _panel(trend, members, places, across, y)
        shapes += panel
        y += height
    shapes += [text(across.begin, y, day(runs[0][0]), "tick")]
    shapes += [text(across.end, y, day(runs[-1][0]), "tick", "end")] if day(runs[0][0]) != day(runs[-1][0]) else []
    about = f"{told} " + " ".join(f"{_name(trend)}: {_facts(trend)}." for trend, _ in groups)
    return Drawing(title=title, about=about, height=y + MARGIN, shapes=tuple(shapes))


def _panel(
    trend: Trend, members: Sequence[PastResult], places: dict[str, int], across: Scale, y: float
) -> tuple[list[Shape], float]:
    name = wrapped(_name(trend), 110)
    shapes = [text(MARGIN, y + 12 + 16 * place, said, "head") for place, said in enumerate(name)]
    y += 16 * len(name)
    shapes.append(text(MARGIN, y + 12, _facts(trend), "alarm" if fails(trend.last) else "soft"))
    ticks, top = seconds_up_to(max((one.seconds for one in members if _drawn(one)), default=0.0), 3)
    up = Scale(0, top, y + 24 + _PANEL, y + 24)
    for tick in ticks:
        at = up.at(tick)
        shapes += [
            line(_LEFT, at, _RIGHT, at, "rule" if tick else "axis"),
            text(_LEFT - 8, at + 4, tick_words(tick, top), "tick", "end"),
        ]
    passed = [one for one in members if passes(one.outcome)]
    shapes += _band([(across.at(places[one.run]), one.seconds) for one in passed], up)
    shapes += [
        mark(across.at(places[one.run]), up.at(one.seconds), "passed" if passes(one.outcome) else "failed", _point(one))
        for one in members
        if _drawn(one)
    ]
    return shapes, 16.0 * len(name) + 24 + _PANEL + 30


def _drawn(one: PastResult) -> bool:
    return passes(one.outcome) or fails(one.outcome) or one.outcome == "flaky"


def _band(points: Sequence[tuple[float, float]], up: Scale) -> list[Shape]:
    if len(points) < 3:
        return []
    found = rolling([seconds for _, seconds in points], WINDOW)
    above = [f"{number(x)} {number(up.at(high))}" for (x, _), (_, _, high) in zip(points, found, strict=True)]
    below = [f"{number(x)} {number(up.at(low))}" for (x, _), (low, _, _) in zip(points, found, strict=True)]
    middle = [f"{number(x)} {number(up.at(median))}" for (x, _), (_, median, _) in zip(points, found, strict=True)]
    return [path(f"M{'L'.join([*above, *reversed(below)])}Z", "band"), path(f"M{'L'.join(middle)}", "median")]


def _name(trend: Trend) -> str:
    return f"{trend.test} in {trend.gate}" if trend.test else trend.gate


def _facts(trend: Trend) -> str:
    told = [f"usually {usual(trend.median, trend.spread)}" if trend.median else ""]
    told.append(f"failed in {trend.failed} of {plural(trend.runs, 'run')}: {rate(trend.failed, trend.runs)}")
    told.append(f"flaky in {trend.flaked}: {rate(trend.flaked, trend.runs)}" if trend.flaked else "")
    return "; ".join(filter(None, told))


def _point(one: PastResult) -> str:
    branch = f" on {one.branch}" if one.branch else ""
    return f"{one.outcome} in {duration(one.seconds)}, {day(one.started)}{branch}, run {one.run}"


def dates(first: float, last: float) -> str:
    """The days of the first and the last run; one if they are the same."""
    return day(first) if day(first) == day(last) else f"{day(first)} to {day(last)}"
