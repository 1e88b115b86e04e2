"""Tests that failed or flaked, against runs; and the rate at which each flakes, with its interval."""

from __future__ import annotations

from collections.abc import Sequence

from gates.analysis.trends import fails, passes
from gates.render.plots.scales import Scale
from gates.render.plots.shapes import (
    CELL,
    LETTER,
    LINE,
    MARGIN,
    WIDTH,
    Drawing,
    Shape,
    box,
    cells,
    heading,
    legend,
    line,
    mark,
    nothing,
    number,
    paragraph,
    path,
    text,
    wrapped,
)
from gates.render.plots.trend import Group, dates
from gates.render.text import plural
from gates.render.trends import day, rate
from gates.results.past import PastResult

SHOWN = 80
_SIDE, _STEP = 8, 9
_JOINED = "same tree joined"
_RATE = 90
"""Width of the axis of rates."""


def draw_flakes(groups: Sequence[Group], shown: int = SHOWN) -> Drawing:
    """A row for each test, the flakiest first; a column for each run, the latest at the right."""
    title = "Tests that failed or flaked, run by run"
    rows = sorted(groups, key=lambda group: (-group[0].flaked, -group[0].failed, group[0].test))
    runs = sorted({(one.started, one.run, one.tree) for _, members in rows for one in members})
    if not rows:
        return nothing(title, "No test failed or flaked in the recorded runs.")
    flaky = sum(1 for trend, _ in rows if trend.flaked)
    told = [
        f"{plural(len(rows), 'test')} in {plural(len(runs), 'run')}, {dates(runs[0][0], runs[-1][0])}, the latest at the right.",
        f"{flaky} flaky: they ended differently on the same tree, or passed only on a retry.",
    ]
    told += [f"The {shown} flakiest are shown."] if len(rows) > shown else []
    rows = rows[:shown]
    shapes, y = heading(title, told)
    shapes += legend(y + 4, [(_cell("", -4, -4, kind), said) for kind, said in _KINDS.items()])
    y += 40
    left, step = MARGIN, min(_STEP, 400 / len(runs))
    columns = max(left + step * len(runs) + 16, left + LETTER * cells(_JOINED) + 8)
    rates = Scale(0, 1, columns, columns + _RATE)
    names = rates.end + 16
    most = int((WIDTH - MARGIN - names) / CELL)
    folded = [wrapped(trend.test, most) for trend, _ in rows]
    end = y + sum(_height(name) for name in folded)
    shapes += _axes(runs, rates, (left, step), y, end)
    places = {run: place for place, (_, run, _) in enumerate(runs)}
    for (trend, members), name in zip(rows, folded, strict=True):
        middle = y + _height(name) / 2
        shapes += _cells([(left + step * places[one.run], one) for one in members], middle - 4, min(_SIDE, step - 1))
        low, high = rates.at(trend.flake_low), rates.at(trend.flake_high)
        said = f"flaky in {trend.flaked} of {plural(trend.runs, 'run')}: {rate(trend.flaked, trend.runs)}"
        shapes.append(path(f"M{number(low)} {number(middle)}H{number(high)}", "whisker", said))
        share = trend.flaked / trend.runs if trend.runs else 0.0
        shapes.append(mark(rates.at(share), middle, "slower" if trend.flaked else "same", said))
        shapes += paragraph(names, middle + 4 - LINE * (len(name) - 1) / 2, name, "name")
        y += _height(name)
    about = f"{' '.join(told)} " + "; ".join(
        f"{trend.test}: flaky in {trend.flaked}, failed in {trend.failed} of {trend.runs}" for trend, _ in rows[:20]
    )
    return Drawing(title=title, about=about, height=end + MARGIN, shapes=tuple(shapes))


def _height(name: list[str]) -> float:
    return LINE * len(name) + 2


def _axes(
    runs: Sequence[tuple[float, str, str]], rates: Scale, columns: tuple[float, float], y: float, end: float
) -> list[Shape]:
    left, step = columns
    shapes = [text(rates.begin, y - 20, "flakes in", "tick")]
    for share in (0.0, 0.5, 1.0):
        x = rates.at(share)
        shapes += [line(x, y - 2, x, end, "rule"), text(x, y - 6, f"{share:.0%}", "tick", "middle")]
    shapes.append(text(left, y - 20, _JOINED, "tick"))
    place = 0
    while place < len(runs):
        after = place + 1
        while after < len(runs) and runs[after][2] and runs[after][2] == runs[place][2]:
            after += 1
        shapes.append(
            box(
                left + step * place,
                y - 10,
                step * (after - place) - 1.5,
                3,
                "shade",
                f"{plural(after - place, 'run')} on the same tree",
            )
        )
        place = after
    return shapes


_KINDS = {
    "calm": "passed",
    "half": "flaky: passed on a retry",
    "failed": "failed",
    "forgiven": "failed, quarantined",
    "dot": "left out",
}


def _kind(outcome: str) -> str:
    if passes(outcome):
        return "calm"
    if outcome in ("flaky", "quarantined"):
        return {"flaky": "half", "quarantined": "forgiven"}[outcome]
    return "failed" if fails(outcome) else "dot"


def _cells(found: Sequence[tuple[float, PastResult]], y: float, side: float) -> list[Shape]:
    """The outcomes of a test; those that passed are one shape, because there are many, and there is nothing to say about them."""
    calm = "".join(
        f"M{number(x)} {number(y)}h{number(side)}v{number(side)}h-{number(side)}z"
        for x, one in found
        if passes(one.outcome)
    )
    rest = [_cell(_about(one), x, y, _kind(one.outcome), side) for x, one in found if not passes(one.outcome)]
    return [*([path(calm, "calm")] if calm else []), *rest]


def _cell(about: str, x: float, y: float, kind: str, side: float = _SIDE) -> Shape:
    """One outcome; each kind has a form of its own."""
    if kind == "dot":
        return box(x + side / 2 - 1, y + side / 2 - 1, 2, 2, "shade", about)
    if kind == "forgiven":
        return box(x + 0.8, y + 0.8, side - 1.6, side - 1.6, "forgiven", about)
    square = box(x, y, side, side, "failed" if kind == "failed" else "calm", about)
    if kind == "failed":
        part, rest = 0.25 * side, 0.5 * side
        cross = path(f"M{number(x + part)} {number(y + part)}l{rest} {rest}m0 {-rest}l{-rest} {rest}", "cross")
        return Shape("g", {}, (square, cross))
    if kind == "half":
        return Shape(
            "g", {}, (square, path(f"M{number(x)} {number(y + side)}V{number(y)}H{number(x + side)}Z", "half", about))
        )
    return square


def _about(one: PastResult) -> str:
    branch = f" on {one.branch}" if one.branch else ""
    why = f": {one.signature}" if one.signature else ""
    return f"{one.outcome}, {day(one.started)}{branch}, run {one.run}{why}"
