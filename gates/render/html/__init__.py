"""Lay a run out as one HTML page that works offline: the verdict first, then everything that a reader may ask.

The page is a shell with a style, a script and two blocks of compressed data; the script makes the elements. Every text of
a run reaches the page as text, never as HTML, and a strict Content-Security-Policy allows this style and this script only.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from gates.compare.values import Comparison
from gates.portable.regular import read_text
from gates.portable.values import BAD_TESTS, LOST_TESTS
from gates.render.stacks import LEAD_IN_HEAD, folded
from gates.render.summary import Summary, summarise
from gates.render.text import clean
from gates.results import Run, TestResult

MORE = (
    *("message", "reason", "place", "signature", "details", "stdout", "stderr"),
    *("attempts", "subtests", "leaks"),
)
"""Fields of a test that few tests have; they are kept by number."""

_FEW = attrgetter(*MORE)

_LEVEL = 3
"""Of compression: the quickest with which a page of 100,000 tests stays below a quarter of their file."""

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
<main>
<header><h1>{title}</h1><p>{sentence}</p><noscript><p>The rest of this report needs JavaScript.</p></noscript></header>
</main>
<script type="text/plain" id="summary">{summary}</script>
<script type="text/plain" id="tests">{tests}</script>
<script>{script}</script>
</body>
</html>
"""


def render_html(
    run: Run,
    tests: Sequence[TestResult],
    comparison: Comparison | None = None,
    recent: Mapping[tuple[str, str], str] | None = None,
) -> str:
    """The whole page; ends with a newline.

    Args:
        run: the run.
        tests: its tests.
        comparison: with its base.
        recent: gate and test → how it ended in the last runs, a letter for each, the oldest first.
    """
    summary = summarise(run, tests, comparison)
    return _PAGE.format(
        style=_style(),
        script=_script(),
        policy=page_policy(),
        title=html.escape(clean(f"{summary.verdict.word}: {summary.title}")),
        sentence=html.escape(clean(summary.verdict.sentence)),
        summary=_packed(_summary(summary, run)),
        tests=_packed(_tests(tests, recent or {})),
    )


@cache
def page_policy() -> str:
    """What a page may do: only its own style and its own script."""
    own = f"style-src '{source_hash(_style())}'; script-src '{source_hash(_script())}'"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'"


def _style() -> str:
    return asset("page.css")


@cache
def _script() -> str:
    return f"{asset('filters.js')}\n{asset('page.js')}"


@cache
def asset(name: str) -> str:
    """The text of a file beside this module: a style or a script."""
    return read_text(Path(__file__).with_name(name))


def source_hash(text: str) -> str:
    """The source expression that allows exactly this text (CSP level 3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _packed(value: Any) -> str:
    """JSON, compressed (RFC 1951), as base64."""
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:  # a lone surrogate, which JSON has an escape for
        text = json.dumps(value).encode()
    packer = zlib.compressobj(_LEVEL, wbits=-15)
    return base64.b64encode(packer.compress(text) + packer.flush()).decode()


def _summary(summary: Summary, run: Run) -> dict[str, Any]:
    """The sections, and when each gate ran; failures come from the tests."""
    told: dict[str, Any] = msgspec.to_builtins(summary)
    told["verdict"]["passed"] = summary.verdict.passed  # a property, which is in no data
    if told["tests"] is not None:
        told["tests"]["failures"] = []
    first = min((gate.started for gate in run.gates if gate.started > 0), default=0.0)
    told["spans"] = [[max(0.0, gate.started - first), gate.duration] for gate in run.gates]
    return told


def _tests(tests: Sequence[TestResult], recent: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """Tests by columns, so that they compress well; what few tests have is in `more`, by number."""
    gates, outcomes, paths = (_Numbers(getattr(test, name) for test in tests) for name in ("gate", "outcome", "file"))
    bad = BAD_TESTS | LOST_TESTS
    return {
        "columns": {
            "gates": gates.names,
            "outcomes": [str(name) for name in outcomes.names],
            "files": paths.names,
            "id": [f"{test.id} (process {test.process})" if test.process else test.id for test in tests],
            "gate": gates.column,
            "outcome": outcomes.column,
            "file": paths.column,
            "line": [test.line for test in tests],
            "ms": [round(test.duration * 1000, 1) for test in tests],
            "recent": [recent.get((test.gate, test.id), "") for test in tests] if recent else [],
            "failed": [number for number, test in enumerate(tests) if test.outcome in bad],
            "quarantined": [number for number, test in enumerate(tests) if test.quarantine],
        },
        "more": {str(number): more for number, test in enumerate(tests) if (more := _more(test))},
    }


def _more(test: TestResult) -> dict[str, Any]:
    if not any(_FEW(test)):
        return {}
    more = {name: msgspec.to_builtins(value) for name in MORE if (value := getattr(test, name))}
    if LEAD_IN_HEAD in test.details:
        more |= {"details": "\n".join(folded(test.details.splitlines(), test.file)), "whole": test.details}
    return more


class _Numbers:
    """A column of names, as numbers into a list of distinct ones."""

    def __init__(self, values: Iterable[Any]) -> None:
        known: dict[Any, int] = {}
        self.column = [known.setdefault(value, len(known)) for value in values]
        self.names = list(known)
