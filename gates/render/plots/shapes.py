"""The shapes of which pictures are made, their texts, and the SVG file of a picture (SVG 1.1, for browsers and other programs).

A drawing is data: the HTML page makes its elements itself, and `svg_file` writes them. Every foreign text goes through
`words`, so that no file and no page gets a character that XML does not allow, or an invisible one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import msgspec

from gates.render.plots.style import file_style
from gates.render.text import one_line

WIDTH = 900
"""Of every picture, in pixels; it becomes smaller and larger without loss."""

MARGIN = 20
CELL = 6.95
"""Width of a character of a name, in pixels: all fonts of the style's list are at most so wide."""

LETTER = 6.6
"""Mean width of a character of other texts."""

BOLD = 7.4
"""The same for bold ones."""

TITLE = 10.5
"""The same for titles."""

LINE = 16
"""Height of a line of text."""


class Shape(msgspec.Struct, frozen=True, array_like=True):
    """An element of SVG.

    Attributes:
        name: `rect`, `path`, `text`, …
        attributes: numbers are rounded to tenths.
        inside: other elements, or a text.
    """

    name: str
    attributes: dict[str, str | float]
    inside: tuple[Any, ...] = ()


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """A picture.

    Attributes:
        title: what it is.
        about: what it shows, in words, for those who cannot see it.
        height: in pixels.
        shapes: what is drawn, the lowest first.
    """

    title: str
    about: str
    height: float
    shapes: tuple[Shape, ...]


def words(text: str) -> str:
    """A foreign text, harmless."""
    return one_line(text)


def box(x: float, y: float, width: float, height: float, kind: str, about: str = "") -> Shape:
    """A rectangle with slightly round corners; `about` is shown when the pointer rests on it."""
    attributes: dict[str, str | float] = {"x": x, "y": y, "width": max(width, 0.5), "height": height, "rx": 2}
    return Shape("rect", attributes | {"class": kind}, _about(about))


def path(way: str, kind: str, about: str = "") -> Shape:
    """Lines and curves."""
    return Shape("path", {"d": way, "class": kind}, _about(about))


def line(x: float, y: float, to_x: float, to_y: float, kind: str) -> Shape:
    """A straight line."""
    return path(f"M{number(x)} {number(y)}L{number(to_x)} {number(to_y)}", kind)


def text(x: float, y: float, said: str, kind: str = "", anchor: str = "") -> Shape:
    """A line of text; `anchor` is `middle` or `end` if `x` is not where it begins."""
    attributes: dict[str, str | float] = {"x": x, "y": y}
    attributes |= {"class": kind} if kind else {}
    attributes |= {"text-anchor": anchor} if anchor else {}
    return Shape("text", attributes, (words(said),))


def paragraph(x: float, y: float, lines: Iterable[str], kind: str) -> list[Shape]:
    """Lines of text, one below the other."""
    return [text(x, y + LINE * place, said, kind) for place, said in enumerate(lines)]


def mark(x: float, y: float, kind: str, about: str = "") -> Shape:
    """A point: the shape alone says which kind it is."""
    a, b, p, q = number(x), number(y), 3.4, 4.2
    ways = {
        "passed": f"M{number(x - p)} {b}a{p} {p} 0 1 0 {2 * p} 0a{p} {p} 0 1 0 {-2 * p} 0Z",
        "failed": f"M{number(x - p)} {number(y - p)}l{2 * p} {2 * p}m0 {-2 * p}l{-2 * p} {2 * p}",
        "faster": f"M{a} {number(y - q)}l{q} {q}l{-q} {q}l{-q} {-q}Z",
        "slower": f"M{a} {number(y - q)}l{q} {1.8 * q:.1f}h{-2 * q}Z",
    }
    ways["other"] = ways["same"] = ways["passed"]
    return path(ways[kind], f"mark {kind}", about)


def grid(places: Iterable[float], y: float, height: float) -> Shape:
    """Lines down, behind one row: none of them crosses a name."""
    return path("".join(f"M{number(x)} {number(y)}v{number(height)}" for x in places), "rule")


def heading(title: str, lines: Iterable[str]) -> tuple[list[Shape], float]:
    """Title and the lines below it, and where what follows may begin."""
    shapes, y = list[Shape](), MARGIN + 10.0
    for part in wrapped(title, int((WIDTH - 2 * MARGIN) / TITLE)):
        shapes.append(text(MARGIN, y, part, "title"))
        y += LINE + 6
    for part in (part for one in lines for part in wrapped(one, int((WIDTH - 2 * MARGIN) / LETTER))):
        shapes.append(text(MARGIN, y, part, "soft"))
        y += LINE
    return shapes, y + 6


def legend(y: float, entries: Iterable[tuple[Shape, str]]) -> list[Shape]:
    """What marks mean, in a line; each mark is drawn at 0, 0."""
    shapes: list[Shape] = []
    x = float(MARGIN) + 5
    for shape, said in entries:
        wide = 18 + LETTER * cells(said) + 18
        if x + wide > WIDTH - MARGIN + 18:
            x, y = float(MARGIN) + 5, y + LINE
        place = f"translate({number(x)} {number(y - 4)})"
        shapes += [Shape("g", {"transform": place}, (shape,)), text(x + 12, y, said, "soft")]
        x += wide
    return shapes


def nothing(title: str, why: str) -> Drawing:
    """A picture that says why there is nothing to draw."""
    shapes, end = heading(title, [why])
    return Drawing(title=title, about=why, height=end + MARGIN - 6, shapes=tuple(shapes))


def cells(said: str) -> int:
    """How many columns of a terminal a text takes: letters of East Asia are two wide."""
    if said.isascii():
        return len(said)
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in said
    )


def wrapped(said: str, most: int) -> list[str]:
    """A text in lines of at most so many columns, broken where a name has a joint, if it has one."""
    rest, lines = words(said), []
    while cells(rest) > most and len(rest) > 1:
        end = _fitting(rest, most)
        joints = [at + 1 for at in range(end // 2, end) if rest[at] in " /:[_-.,("]
        end = joints[-1] if joints else end
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [*lines, rest]


def _fitting(said: str, most: int) -> int:
    """How many characters fit; at least one."""
    taken = 0
    for place, one in enumerate(said):
        taken += cells(one)
        if taken > most:
            return max(place, 1)
    return len(said)


def number(value: float) -> str:
    """A coordinate, short."""
    return f"{value:.1f}".removesuffix(".0")


def _about(about: str) -> tuple[Shape, ...]:
    return (Shape("title", {}, (words(about),)),) if about else ()


def drawing_data(drawing: Drawing) -> dict[str, Any]:
    """A picture for the HTML page, as values of JSON."""
    return {
        "title": words(drawing.title),
        "about": words(drawing.about),
        "width": WIDTH,
        "height": drawing.height,
        "shapes": [_data(shape) for shape in drawing.shapes],
    }


def _data(shape: Shape | str) -> Any:
    return shape if isinstance(shape, str) else [shape.name, _values(shape), [_data(one) for one in shape.inside]]


def _values(shape: Shape) -> dict[str, str]:
    return {
        name: number(value) if isinstance(value, float | int) else value for name, value in shape.attributes.items()
    }


def svg_file(drawing: Drawing) -> str:
    """The file of a picture: it needs nothing else, and follows the reader's light or dark theme."""
    height = number(drawing.height)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-labelledby="title about">'
    )
    parts = [
        head,
        f'<title id="title">{escape(words(drawing.title))}</title>',
        f'<desc id="about">{escape(words(drawing.about))}</desc>',
        f"<style>{escape(file_style())}</style>",
        '<rect class="paper" width="100%" height="100%" rx="8"/>',
        *map(_element, drawing.shapes),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _element(shape: Shape) -> str:
    start = " ".join([shape.name, *(f"{name}={quoteattr(value)}" for name, value in _values(shape).items())])
    inside = "".join(escape(one) if isinstance(one, str) else _element(one) for one in shape.inside)
    return f"<{start}>{inside}</{shape.name}>" if inside else f"<{start}/>"
