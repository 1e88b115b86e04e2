"""Colours and fonts of pictures, in a file and in the page: for light and dark themes, and for people who see colours differently.

The colours are those of Okabe and Ito, darker or lighter where a theme needs it. None means anything alone: marks differ in shape.
"""

from __future__ import annotations

import re

LIGHT = {
    "paper": "#ffffff",
    "text": "#1c2330",
    "soft": "#566074",
    "rule": "#dde1e8",
    "axis": "#8a93a3",
    "pass": "#0072b2",
    "calm": "#bcd8ea",
    "band": "#d6e7f2",
    "fail": "#d55e00",
    "failtext": "#a84300",
    "flaky": "#e69f00",
    "faint": "#eef1f5",
}
DARK = {
    "paper": "#12161d",
    "text": "#e4e8ef",
    "soft": "#a3adbd",
    "rule": "#2b3340",
    "axis": "#6b7688",
    "pass": "#56b4e9",
    "calm": "#2c536b",
    "band": "#1d3646",
    "fail": "#ff8a4c",
    "failtext": "#ff9d68",
    "flaky": "#f0b93a",
    "faint": "#1b212b",
}
_RULES = """
.plot text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: var(--plot-text); }
.plot text.title { font-size: 17px; font-weight: 600; }
.plot text.head { font-size: 13px; font-weight: 600; }
.plot text.soft, .plot text.tick { fill: var(--plot-soft); }
.plot text.tick { font-size: 11px; }
.plot text.name { font: 11.5px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.plot text.alarm { fill: var(--plot-failtext); font-weight: 600; }
.plot .paper { fill: var(--plot-paper); }
.plot path { fill: none; stroke-width: 1; }
.plot .rule { stroke: var(--plot-rule); }
.plot .axis { stroke: var(--plot-axis); }
.plot .faint { fill: var(--plot-faint); }
.plot .shade { fill: var(--plot-axis); }
.plot rect.passed { fill: var(--plot-pass); }
.plot rect.failed { fill: var(--plot-fail); }
.plot rect.other { fill: var(--plot-paper); stroke: var(--plot-axis); stroke-dasharray: 3 2; }
.plot .calm { fill: var(--plot-calm); }
.plot rect.forgiven { fill: none; stroke: var(--plot-fail); stroke-width: 1.6; }
.plot .band { fill: var(--plot-band); }
.plot .median { stroke: var(--plot-pass); stroke-width: 1.6; }
.plot .halo { stroke: var(--plot-paper); stroke-width: 4.5; }
.plot .whisker { stroke: var(--plot-text); stroke-width: 1.4; }
.plot .cross { stroke: var(--plot-paper); stroke-width: 1.4; }
.plot .half { fill: var(--plot-flaky); }
.plot .mark { stroke: var(--plot-paper); stroke-width: 0.8; }
.plot .mark.passed { fill: var(--plot-pass); }
.plot .mark.faster { fill: var(--plot-pass); }
.plot .mark.slower { fill: var(--plot-fail); }
.plot .mark.failed { stroke: var(--plot-fail); stroke-width: 2.2; }
.plot .mark.same { fill: var(--plot-axis); }
.plot .mark.other { fill: var(--plot-paper); stroke: var(--plot-text); stroke-width: 1.4; }
.plot .link { stroke: var(--plot-axis); stroke-width: 2; }
"""
_VARIABLE = re.compile(r"var\(--plot-(\w+)\)")
_DARK = "@media (prefers-color-scheme: dark)"


def page_style() -> str:
    """Rules for a page: its pictures take their colours from variables."""
    light, dark = ("".join(f"--plot-{name}:{value};" for name, value in theme.items()) for theme in (LIGHT, DARK))
    # On a narrow screen a picture is scrolled: its texts must stay readable.
    place = ".plot { display: block; width: 100%; min-width: 640px; max-width: 900px; }\n"
    return f":root{{{light}}}\n{_DARK}{{:root{{{dark}}}}}{_RULES}{place}"


def file_style() -> str:
    """Rules for a file: without variables, which programs other than browsers do not know."""
    coloured = "\n".join(line for line in _RULES.splitlines() if _VARIABLE.search(line))
    return f"{_filled(_RULES, LIGHT)}{_DARK} {{\n{_filled(coloured, DARK)}\n}}\n"


def _filled(rules: str, theme: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda found: theme[found[1]], rules)
