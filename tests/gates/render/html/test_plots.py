"""Pictures on the page: drawings arrive whole, and the page makes every element that they have."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

import pytest

from gates.render.html import render_html
from gates.render.plots.before_after import draw_before_after
from gates.render.plots.flakes import draw_flakes
from gates.render.plots.shapes import Drawing, drawing_data
from gates.render.plots.slowest import draw_slowest
from gates.render.plots.trend import draw_trend
from gates.render.plots.waterfall import draw_waterfall
from tests.gates.readers.junit.sample import NOON, a_gate, a_run, a_test
from tests.gates.render.html.reader import block
from tests.gates.render.plots.test_before_after import a_change, a_comparison
from tests.gates.render.plots.test_flakes import past
from tests.gates.render.plots.test_trend import groups

HOSTILE = "<script>alert(1)</script>"


def drawings() -> dict[str, Drawing]:
    results = groups(*past(HOSTILE, "passed", "failed", "flaky", "skipped", "quarantined"))
    one = a_test(HOSTILE, duration=1.0)
    return {
        "waterfall": draw_waterfall(a_run(gates=(a_gate(HOSTILE, started=NOON),))),
        "slowest": draw_slowest(a_run(), [one], {(one.gate, one.id): (1.0, 0.5)}),
        "trend": draw_trend(results),
        "flakes": draw_flakes(results),
        "before-after": draw_before_after(a_comparison(a_change(HOSTILE))),
    }


def names_in(shapes: list[Any]) -> tuple[set[str], set[str]]:
    """The names of all elements and attributes of a drawing."""
    elements, attributes = set(), set()
    for name, values, inside in (shape for shape in shapes if not isinstance(shape, str)):
        below = names_in(inside)
        elements |= {name} | below[0]
        attributes |= set(values) | below[1]
    return elements, attributes


def listed(name: str) -> set[str]:
    script = files("gates.render.html").joinpath("plots.js").read_text(encoding="utf-8")
    found = re.search(rf"const {name} = new Set\(\[(.*?)\]\)", script)
    assert found is not None
    return set(re.findall(r'"([^"]+)"', found[1]))


@pytest.mark.parametrize("name", list(drawings()))
def test_the_page_makes_every_element_that_a_drawing_has(name: str) -> None:
    elements, attributes = names_in(drawing_data(drawings()[name])["shapes"])
    assert elements <= listed("DRAWN")
    assert attributes <= listed("DRAWN_WITH")


def test_drawings_are_in_a_block_of_their_own_and_no_name_reaches_the_html() -> None:
    page = render_html(a_run(), [a_test()], pictures=list(drawings().values()))
    assert [one["title"] for one in block(page, "pictures")] == [one.title for one in drawings().values()]
    assert HOSTILE not in page
    assert block(render_html(a_run(), [a_test()]), "pictures") == []
