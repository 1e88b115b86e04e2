"""Pictures of the page in a real browser. Skipped where none is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gates.render.html import render_html
from tests.gates.readers.junit.sample import a_run, a_test
from tests.gates.render.html.test_plots import HOSTILE, drawings
from tests.integration.test_page import BROWSER, shown

pytestmark = [pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="there is no browser")]


def test_pictures_are_drawn_and_run_nothing_that_a_test_named(tmp_path: Path) -> None:
    flakes, *others = sorted(drawings().values(), key=lambda one: one.title != drawings()["flakes"].title)
    page = tmp_path / "summary.html"
    page.write_text(render_html(a_run(), [a_test()], pictures=[flakes, *others]), encoding="utf-8")
    document = shown(page)
    assert 'data-ready="yes"' in document
    body = document.partition("<main>")[2].partition("</main>")[0]
    assert body.count('<svg class="plot"') == 1  # the others are folded
    assert f'aria-label="{flakes.title}.' in body
    assert "<script>" not in body
    assert HOSTILE.replace("<", "&lt;").replace(">", "&gt;") in body
