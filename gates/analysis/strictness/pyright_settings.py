"""Settings of pyright. Reads text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from gates.analysis.strictness.changes import Tool
from gates.analysis.strictness.rules import Items, Rule, Scale, Switch, steps
from gates.analysis.strictness.side import Broken, Key, Side, Toml, Value, Values

OWN_FILE = "pyrightconfig.json"
FILES = (OWN_FILE, "pyproject.toml")

_SEVERITY: Mapping[object, float] = {
    "error": 2.0,
    True: 2.0,
    "warning": 1.0,
    "information": 1.0,
    None: 1.0,
    "none": 0.0,
    False: 0.0,
}
_REPORT = Scale(
    rank=lambda value: _SEVERITY.get(value) if isinstance(value, (str, bool, type(None))) else None,
    weaker="fewer errors are reported", stronger="more errors are reported",
)  # fmt: skip
RULES: Mapping[str, Rule] = {
    "typeCheckingMode": steps(
        "strict", "standard", "basic", "off", default="standard",
        weaker="fewer rules are on", stronger="more rules are on",
    ),
    "include": Items(strict=True, everything=True, does="reads {}"),
    "exclude": Items(does="reads {}"),
    "ignore": Items(does="reports errors in {}"),
    "strict": Items(strict=True, does="is strict in {}"),
    "enableTypeIgnoreComments": Switch(default=True, strict=False, does="reports what `type: ignore` silences"),
}  # fmt: skip


def _read(side: Side) -> Values:
    if OWN_FILE not in side.files:
        project = side.toml("pyproject.toml", "tool", "pyright")
        return dict(_settings(project.table, project)) if project is not None else {}
    try:
        table = json.loads(_without_comments(side.files[OWN_FILE]))
    except (ValueError, RecursionError) as error:
        side.broken[OWN_FILE] = Broken(side.path(OWN_FILE), getattr(error, "lineno", 0), f"not valid JSON: {error}")
        return {}
    return dict(_settings(table if isinstance(table, dict) else {}, Toml({}, side.path(OWN_FILE), ())))


def _without_comments(text: str) -> str:
    """Pyright lets a line be a comment."""
    return "\n".join("" if line.lstrip().startswith("//") else line for line in text.split("\n"))


def _settings(table: Mapping[str, Any], place: Toml) -> Iterator[tuple[Key, Value]]:
    for key, value in table.items():
        if not isinstance(value, dict):
            normal = tuple(map(str, value)) if isinstance(value, list) else value
            yield ("", key), Value(normal, place.path, (*place.keys, key))


def _rule(key: Key) -> Rule:
    name = key[1]
    if name.startswith("report"):
        return _REPORT
    return RULES.get(name) or (Switch(does=f"has {name} on") if name.startswith("strict") else Rule())


SETTINGS = Tool(name="pyright", files=FILES, read=_read, rule=_rule)
