"""The gates of a run over time: what ran beside what, and what everything waited for."""

from __future__ import annotations

from gates.portable.values import GateOutcome
from gates.render.plots.scales import Scale, seconds_up_to, tick_words
from gates.render.plots.shapes import (
    CELL,
    LINE,
    MARGIN,
    WIDTH,
    Drawing,
    Shape,
    box,
    cells,
    heading,
    line,
    nothing,
    paragraph,
    text,
    words,
    wrapped,
)
from gates.render.text import duration, plural
from gates.results import GateResult, Run

_NAME = 34
"""Columns of a gate's name, before it is broken."""

_LABEL = 150
"""Pixels to the right of the last bar, for what is written beside it."""


def draw_waterfall(run: Run) -> Drawing:
    """A bar for each gate, from its start to its end."""
    title = f"Gates of {words(run.project) or 'a run'} over time"
    if not run.gates:
        return nothing(title, "No gate ended in this run.")
    bars = [gate for gate in run.gates if gate.started > 0]
    first = min((gate.started for gate in bars), default=0.0)
    most = max((gate.started - first + gate.duration for gate in bars), default=0.0)
    names = [wrapped(gate.name, _NAME) for gate in run.gates]
    left = MARGIN + 12 + CELL * max(cells(one) for name in names for one in name)
    ticks, top = seconds_up_to(most)
    across = Scale(0, top, left, WIDTH - MARGIN - _LABEL)
    bad = [gate.name for gate in run.gates if gate.outcome is not GateOutcome.PASSED]
    told = f"{plural(len(run.gates), 'gate')} in {duration(run.duration or most)}, up to {run.jobs} at once."
    shapes, y = heading(title, [told])
    y += 14
    end = y + sum(_height(name) for name in names)
    for tick in ticks:
        x = across.at(tick)
        shapes += [line(x, y - 2, x, end, "rule"), text(x, y - 8, tick_words(tick, top), "tick", "middle")]
    for gate, name in zip(run.gates, names, strict=True):
        shapes += _row(gate, name, across, y, first)
        y += _height(name)
    about = f"{told} {_list_of(run, first)}" + (f" Not passed: {', '.join(bad)}." if bad else " All passed.")
    return Drawing(title=title, about=about, height=end + MARGIN, shapes=tuple(shapes))


def _height(name: list[str]) -> float:
    return LINE * len(name) + 10


def _row(gate: GateResult, name: list[str], across: Scale, y: float, first: float) -> list[Shape]:
    middle = y + _height(name) / 2
    shapes = paragraph(MARGIN, middle + 4 - LINE * (len(name) - 1) / 2, name, "name")
    passed = gate.outcome is GateOutcome.PASSED
    failed = gate.outcome in (GateOutcome.FAILED, GateOutcome.TIMEOUT)
    word = "" if passed else f" {'✗ ' if failed else ''}{str(gate.outcome).replace('-', ' ')}"
    kind = "passed" if passed else "failed" if failed else "other"
    if gate.started <= 0:
        return [*shapes, text(across.begin + 4, middle + 4, f"did not start{word and ','}{word}", "soft")]
    start, end = across.at(gate.started - first), across.at(gate.started - first + gate.duration)
    said = f"{duration(gate.duration)}{word}"
    bar = box(start, middle - 7, end - start, 14, kind, f"{gate.name}: {said}, {gate.reason}".rstrip(", "))
    return [*shapes, bar, text(max(end, start + 2) + 6, middle + 4, said, "alarm" if failed else "")]


def _list_of(run: Run, first: float) -> str:
    parts = [
        f"{gate.name} from {duration(gate.started - first) if gate.started > first else '0s'} for {duration(gate.duration)}"
        for gate in run.gates
        if gate.started > 0
    ]
    return f"{'; '.join(parts)}." if parts else ""
