"""Read pictures back: their texts, their bars, and whether anything lies outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from gates.render.plots.shapes import BOLD, CELL, LETTER, TITLE, WIDTH, Drawing, cells, svg_file

SVG = "{http://www.w3.org/2000/svg}"
_MOVED = re.compile(r"translate\(([-\d.]+) ([-\d.]+)\)")
_WIDE = {"name": CELL, "title": TITLE, "alarm": BOLD, "head": 8.0}


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
    """Texts and rectangles of which a part would be cut off."""
    return list(_outside(parsed(drawing), 0.0, 0.0, drawing.height))


def _outside(element: ET.Element, x: float, y: float, height: float) -> Iterator[str]:
    moved = _MOVED.fullmatch(element.get("transform", ""))
    if moved:
        x, y = x + float(moved[1]), y + float(moved[2])
    if element.tag == f"{SVG}text":
        wide = _WIDE.get(element.get("class", ""), LETTER) * cells(element.text or "")
        share = {"end": 1.0, "middle": 0.5}.get(element.get("text-anchor", ""), 0.0)
        left, below = x + float(element.attrib["x"]) - share * wide, y + float(element.attrib["y"])
        if left < 0 or left + wide > WIDTH or not 8 <= below <= height - 3:
            yield f"{left:.0f} to {left + wide:.0f} at {below:.0f}: {element.text}"
    elif element.tag == f"{SVG}rect" and element.get("width") != "100%":
        left, wide = x + float(element.attrib["x"]), float(element.attrib["width"])
        if left < 0 or left + wide > WIDTH:
            yield f"a rectangle from {left} to {left + wide}"
    for inside in element:
        yield from _outside(inside, x, y, height)
