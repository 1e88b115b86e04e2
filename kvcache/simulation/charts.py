"""Draw lines into a picture (SVG) that any browser shows; with the standard library alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 34, 46
_COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
"""Colours that people with colour blindness can tell apart (Okabe and Ito); with more lines, they are dashed."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart: its name, and its points from left to right."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over one axis.

    Attributes:
        title: above it.
        x: what goes to the right.
        y: what goes up.
        lines: which lines.
        share: whether the numbers are parts of a whole, from 0 to 1.
    """

    title: str
    x: str
    y: str
    lines: Sequence[Line]
    share: bool = False


def picture(charts: Sequence[Chart]) -> str:
    """A whole file, with two charts in a row."""
    rows = -(-len(charts) // 2)
    names = list(dict.fromkeys(line.name for chart in charts for line in chart.lines))
    legend = 22 * len(names) + 16
    box = f"0 0 {2 * WIDTH} {rows * HEIGHT + legend}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for number, chart in enumerate(charts):
        parts += [
            f'<g transform="translate({number % 2 * WIDTH} {number // 2 * HEIGHT})">',
            *_chart(chart, names),
            "</g>",
        ]
    for number, name in enumerate(names):
        y = rows * HEIGHT + 16 + 22 * number
        parts.append(
            f'<path d="M{_LEFT} {y}h28" {_stroke(number)}/><text x="{_LEFT + 36}" y="{y + 4}">{escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


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

    parts = [f'<text x="{_LEFT}" y="20" font-weight="bold">{escape(chart.title)}</text>']
    for tick in ticks:
        text = f"{tick:.0%}" if chart.share else f"{tick:g}"
        parts.append(f'<path d="M{_LEFT} {up(tick)}H{WIDTH - _RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{up(tick) + 4}" text-anchor="end">{text}</text>')
    below = HEIGHT - _BOTTOM + 16
    parts += [f'<text x="{right(x)}" y="{below}" text-anchor="middle">{x:g}</text>' for x in sorted(set(across))]
    parts.append(f'<text x="{(WIDTH + _LEFT) // 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(chart.x)}</text>')
    middle = (HEIGHT - _BOTTOM + _TOP) // 2
    parts.append(f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{escape(chart.y)}</text>')
    for line in chart.lines:
        number = names.index(line.name)
        way = " ".join(f"{'L' if at else 'M'}{right(x)} {up(y)}" for at, (x, y) in enumerate(line.points))
        parts.append(f'<path d="{way}" fill="none" {_stroke(number)}><title>{escape(line.name)}</title></path>')
        colour = _COLOURS[number % len(_COLOURS)]
        parts += [f'<circle cx="{right(x)}" cy="{up(y)}" r="3" fill="{colour}"/>' for x, y in line.points]
    return parts


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
    return f'stroke="{_COLOURS[number % len(_COLOURS)]}" stroke-width="2"{dashes}'
