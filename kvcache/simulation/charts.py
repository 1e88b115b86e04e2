"""Draw lines into a picture (SVG) that any browser shows, in light and dark; with the standard library alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 40, 46
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#5a5a5a")
_ON_DARK: Final = ("#56b4e9", "#ff8a4c", "#2fc79a", "#e59cc2", "#8fd0f5", "#f0b93a", "#b8b8b8")
"""Colours that people with colour blindness can tell apart (Okabe and Ito); with more lines, they are dashed."""

_MARKED = 30
"""A line of more points is drawn without a mark for each."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart.

    Attributes:
        name: of the line.
        points: from left to right.
        band: what is around it: places, the lower end and the upper.
    """

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over one axis.

    Attributes:
        title: above it.
        x: what goes to the right.
        y: what goes up.
        lines: which lines.
        share: whether the numbers are parts of a whole, from 0 to 1.
        steps: whether a value stays until the next point.
    """

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    share: bool = False
    steps: bool = False


def picture(charts: Sequence[Chart], title: str = "Charts") -> str:
    """A whole file, with two charts in a row, and what each line means below them."""
    rows = -(-len(charts) // 2)
    names = list(dict.fromkeys(line.name for chart in charts for line in chart.lines))
    height = rows * HEIGHT + 22 * len(names) + 16
    about = "; ".join(chart.title for chart in charts)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * WIDTH} {height}" role="img" aria-labelledby="title about">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="about">{escape(about)}</desc>',
        f"<style>{_style()}</style>",
        '<rect class="paper" width="100%" height="100%" rx="8"/>',
    ]
    for number, chart in enumerate(charts):
        place = f"translate({number % 2 * WIDTH} {number // 2 * HEIGHT})"
        parts += [f'<g transform="{place}">', *_chart(chart, names), "</g>"]
    for number, name in enumerate(names):
        y = rows * HEIGHT + 16 + 22 * number
        parts.append(
            f'<path d="M{_LEFT} {y}h28" {_stroke(number)}/><text x="{_LEFT + 36}" y="{y + 4}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def _style() -> str:
    """Fonts and colours; those for a dark theme come last."""
    fonts = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
    rules = f"text {{ font: 12px {fonts}; }} .title {{ font-size: 14px; font-weight: 600; }} path.line, path.rule {{ fill: none; }} .band {{ fill-opacity: 0.22; }}"
    dark = _colours("#12161d", "#d7dce5", "#2b3340", _ON_DARK)
    return f"{rules} {_colours('#ffffff', '#3b4456', '#dde1e8', _COLOURS)} @media (prefers-color-scheme: dark) {{ {dark} }}"


def _colours(paper: str, text: str, rule: str, lines: Sequence[str]) -> str:
    rules = [f".paper {{ fill: {paper}; }} text {{ fill: {text}; }} .rule {{ stroke: {rule}; }}"]
    rules += [f".l{number} {{ stroke: {one}; }} .p{number} {{ fill: {one}; }}" for number, one in enumerate(lines)]
    return " ".join(rules)


def _chart(chart: Chart, names: Sequence[str]) -> list[str]:
    points = [point for line in chart.lines for point in line.points]
    across = [x for x, _ in points] or [0.0, 1.0]
    low, high = min(across), max(across)
    wide = high - low or 1.0
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0] if chart.share else ticks_to(max((y for _, y in points), default=1.0))
    top = ticks[-1]

    def right(x: float) -> float:
        return round(_LEFT + (x - low) / wide * (WIDTH - _LEFT - _RIGHT), 1)

    def up(y: float) -> float:
        return round(HEIGHT - _BOTTOM - y / top * (HEIGHT - _TOP - _BOTTOM), 1)

    parts = [f'<text class="title" x="{_LEFT}" y="22">{escape(chart.title)}</text>']
    for tick in ticks:
        text = f"{tick:.0%}" if chart.share else f"{tick:g}"
        parts.append(f'<path class="rule" d="M{_LEFT} {up(tick)}H{WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{up(tick) + 4}" text-anchor="end">{text}</text>')
    below = HEIGHT - _BOTTOM + 16
    parts += [f'<text x="{right(x)}" y="{below}" text-anchor="middle">{x:g}</text>' for x in _places(across)]
    parts.append(f'<text x="{(WIDTH + _LEFT) // 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(chart.x)}</text>')
    middle = (HEIGHT - _BOTTOM + _TOP) // 2
    parts.append(f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{escape(chart.y)}</text>')
    for line in chart.lines:
        number = names.index(line.name)
        places = [(right(x), up(y)) for x, y in line.points]
        if line.band:
            ends = [(right(x), up(high)) for x, _, high in line.band]
            ends += [(right(x), up(low)) for x, low, _ in reversed(line.band)]
            parts.append(f'<path class="p{number % len(_COLOURS)} band" d="{_way(ends, steps=False)}Z"/>')
        way = _way(places, steps=chart.steps)
        parts.append(f'<path d="{way}" {_stroke(number)}><title>{escape(line.name)}</title></path>')
        marked = places if len(places) <= _MARKED else []
        parts += [f'<circle class="p{number % len(_COLOURS)}" cx="{x}" cy="{y}" r="3"/>' for x, y in marked]
    return parts


def _way(places: Sequence[tuple[float, float]], *, steps: bool) -> str:
    if not steps:
        return " ".join(f"{'L' if at else 'M'}{x} {y}" for at, (x, y) in enumerate(places))
    return "".join(f"H{x}V{y}" if at else f"M{x} {y}" for at, (x, y) in enumerate(places))


def _places(across: Sequence[float]) -> list[float]:
    """What is written below the axis: every value if they are few, else round ones between the ends."""
    known = sorted(set(across))
    if len(known) <= 8:
        return known
    low, high = known[0], known[-1]
    step = ticks_to(high - low)[1]
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 12) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def ticks_to(largest: float) -> list[float]:
    """Round numbers from 0 to one that is not below `largest`: three to six of them."""
    if not largest > 0 or not math.isfinite(largest):
        return [0.0, 1.0]
    step = 10.0 ** math.floor(math.log10(largest))
    step = next(step * part for part in (0.2, 0.5, 1.0, 2.0) if largest <= 5 * step * part * (1 + 1e-9))
    count = math.ceil(largest / step * (1 - 1e-9))
    return [round(number * step, 12) for number in range(count + 1)]


def _stroke(number: int) -> str:
    dash = number // len(_COLOURS)
    dashes = f' stroke-dasharray="{2 + 4 * dash} 3"' if dash else ""
    return f'class="line l{number % len(_COLOURS)}" stroke-width="1.6"{dashes}'
