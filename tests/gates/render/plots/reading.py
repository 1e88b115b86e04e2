"""Read pictures back: their texts, their bars, and whether anything lies outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from xml.etree import ElementTree as ET

from gates.render.plots.shapes import BOLD, CELL, LETTER, TITLE, WIDTH, Drawing, cells, svg_file

SVG = "{http://www.w3.org/2000/svg}"
_MOVED = re.compile(r"translate\(([-\d.]+) ([-\d.]+)\)")
_WIDE = {"name": CELL, "title": TITLE, "alarm": BOLD, "head": 8.0, "tick": 6.1}


def parsed(drawing: Drawing) -> ET.Element:
    """The file, as a strict reader sees it."""
    return ET.fromstring(svg_file(drawing))


def texts(drawing: Drawing, kind: str | None = None) -> list[str]:
    return [one.text or "" for one in parsed(drawing).iter(f"{SVG}text") if kind is None or one.get("class") == kind]


def rects(drawing: Drawing, kind: str) -> list[dict[str, float]]:
    return [
        {name: float(one.attrib[name]) for name in ("x", "y", "width", "height")}
        for one in parsed(drawing).iter(f"{SVG}rect")
        if one.get("class") == kind
    ]


def paths(drawing: Drawing, kind: str) -> list[str]:
    return [one.attrib["d"] for one in parsed(drawing).iter(f"{SVG}path") if one.get("class") == kind]


def tips(drawing: Drawing) -> list[str]:
    """What is shown when the pointer rests on a shape."""
    return [one.text or "" for one in parsed(drawing).iter(f"{SVG}title") if one.get("id") is None]


def outside(drawing: Drawing) -> list[str]:
    """Texts and rectangles of which a part would be cut off, and texts that lie on others."""
    found = list(_boxes(parsed(drawing), 0.0, 0.0))
    told = [
        f"{left:.0f} to {right:.0f} at {below:.0f}: {said}"
        for left, right, below, said in found
        if left < 0 or right > WIDTH or not 8 <= below <= drawing.height - 3
    ]
    texts_ = sorted((box for box in found if box[3] is not None), key=lambda box: (box[2], box[0]))
    for one, other in pairwise(texts_):
        if one[2] == other[2] and one[1] > other[0]:
            told.append(f"{one[3]!r} and {other[3]!r} at {one[2]:.0f}")
    return told


def _boxes(element: ET.Element, x: float, y: float) -> Iterator[tuple[float, float, float, str | None]]:
    """Left, right, lower end and text of each text; without a text, of a rectangle."""
    moved = _MOVED.fullmatch(element.get("transform", ""))
    if moved:
        x, y = x + float(moved[1]), y + float(moved[2])
    if element.tag == f"{SVG}text":
        said = element.text or ""
        wide = _WIDE.get(element.get("class", ""), LETTER) * cells(said)
        left = (
            x + float(element.attrib["x"]) - {"end": 1.0, "middle": 0.5}.get(element.get("text-anchor", ""), 0.0) * wide
        )
        yield left, left + wide, y + float(element.attrib["y"]), said
    elif element.tag == f"{SVG}rect" and element.get("width") != "100%":
        left = x + float(element.attrib["x"])
        yield left, left + float(element.attrib["width"]), 10.0, None
    for inside in element:
        yield from _boxes(inside, x, y)
