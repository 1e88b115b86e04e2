"""Lay a run out as one HTML page that works offline: the verdict first, then everything that a reader may ask.

The page is a shell with a style, a script and blocks of compressed data; the script makes the elements. Every text of
a run reaches the page as text, never as HTML, and a strict Content-Security-Policy allows this style and this script only.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from gates.compare.values import Comparison
from gates.portable.regular import read_text
from gates.render.html.lanes import lanes
from gates.render.html.table import LONGEST, columns, more_of, packed
from gates.render.plots.shapes import Drawing, drawing_data
from gates.render.plots.style import page_style
from gates.render.summary import Summary, summarise
from gates.render.text import clean
from gates.results import Run, TestResult

_SCRIPTS = ("filters.js", "elements.js", "sections.js", "tests.js", "browser.js", "plots.js", "page.js")
"""Parts of the script, in the order in which they need each other."""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{home}<main>
<header><h1>{title}</h1><p>{sentence}</p><noscript><p>The rest of this report needs JavaScript.</p></noscript></header>
</main>
<script type="text/plain" id="summary">{summary}</script>
<script>{script}</script>
{blocks}
</body>
</html>
"""


def render_html(
    run: Run,
    tests: Sequence[TestResult],
    comparison: Comparison | None = None,
    recent: Mapping[tuple[str, str], str] | None = None,
    pictures: Sequence[Drawing] = (),
    home: str = "",
) -> str:
    """The whole page; ends with a newline.

    Args:
        run: the run.
        tests: its tests.
        comparison: with its base.
        recent: gate and test → how it ended in the last runs, a letter for each, the oldest first.
        pictures: what is drawn.
        home: address of the list of runs, where there is one.
    """
    summary = summarise(run, tests, comparison, listed=False)
    table, parts = columns(tests, recent or {})
    blocks = {"base": packed(_base(comparison)), "tests": packed(table)}
    blocks |= {f"part-{number}": part for number, part in enumerate(parts)}
    blocks["pictures"] = packed(list(map(drawing_data, pictures)))
    return _PAGE.format(
        style=_style(),
        script=_script(),
        policy=page_policy(),
        home=f'<nav><a href="{html.escape(home)}">All runs</a></nav>\n' if home else "",
        title=html.escape(clean(f"{summary.verdict.word}: {summary.title}")),
        sentence=html.escape(clean(summary.verdict.sentence)),
        summary=packed(_summary(summary, run, tests)),
        blocks="\n".join(f'<script type="text/plain" id="{name}">{block}</script>' for name, block in blocks.items()),
    )


@cache
def page_policy() -> str:
    """What a page may do: only its own style and its own script."""
    own = f"style-src '{source_hash(_style())}'; script-src '{source_hash(_script())}'"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"


def _style() -> str:
    return f"{asset('page.css')}{page_style()}"


@cache
def _script() -> str:
    return "\n".join(map(asset, _SCRIPTS))


@cache
def asset(name: str) -> str:
    """The text of a file beside this module: a style or a script."""
    return read_text(Path(__file__).with_name(name))


def source_hash(text: str) -> str:
    """The source expression that allows exactly this text (CSP level 3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _base(comparison: Comparison | None) -> list[dict[str, Any]]:
    """What the base says about tests that changed."""
    return [
        {
            "test": one.test,
            "gate": one.result.gate,
            "outcome": str(one.result.outcome),
            "seconds": one.result.duration if 0 < one.result.duration < LONGEST else 0,
            **msgspec.to_builtins(more_of(one.result)),
        }
        for one in (comparison.before if comparison is not None else ())
    ]


def _summary(summary: Summary, run: Run, tests: Sequence[TestResult]) -> dict[str, Any]:
    """The sections, when each gate and worker ran, and which gates take filters; failures come from the tests."""
    told: dict[str, Any] = msgspec.to_builtins(summary)
    told["verdict"]["passed"] = summary.verdict.passed  # a property, which is in no data
    first = min((gate.started for gate in run.gates if gate.started > 0), default=0.0)
    told["spans"] = [[max(0.0, gate.started - first), gate.duration] for gate in run.gates]
    told["lanes"] = msgspec.to_builtins(lanes(run, tests, first))
    told["filtered"] = [gate.name for gate in run.gates if gate.injected]
    return told
