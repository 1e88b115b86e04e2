"""Settings of coverage.py. Reads text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gates.analysis.strictness.changes import Tool
from gates.analysis.strictness.rules import Items, Rule, Scale, Switch
from gates.analysis.strictness.side import Ini, Key, Side, Toml, Value, Values, lines_of, number_of, switch_of, words_of

FILES = (".coveragerc", ".coveragerc.toml", "setup.cfg", "tox.ini", "pyproject.toml")
_PRAGMA = "pragma: no cover"
_MEASURED = Items(does="measures {}", paths=True)
_ONLY = Items(strict=True, everything=True, does="measures {}")

RULES: Mapping[str, Rule] = {
    "fail_under": Scale(
        default=0.0, rank=lambda value: float(value) if isinstance(value, (int, float)) else None,
        weaker="less coverage is enough", stronger="more coverage is needed",
    ),
    "branch": Switch(does="measures branches"),
    "omit": _MEASURED,
    "include": _ONLY,
    "source": _ONLY,
    "source_pkgs": _ONLY,
    "excluded lines": Items(default=(_PRAGMA,), does="counts the lines {}"),
    "partial_branches": Items(does="counts the branches {}"),
    "ignore_errors": Switch(strict=False, does="fails for files that it cannot read"),
    "disable_warnings": Items(does="warns of {}"),
}  # fmt: skip

_LINES = frozenset({"exclude_lines", "exclude_also", "partial_branches", "partial_also"})


def _table(side: Side, section: str) -> Toml | Ini | None:
    return (
        side.ini(".coveragerc", section)
        or side.toml(".coveragerc.toml", section)
        or side.ini("setup.cfg", f"coverage:{section}")
        or side.ini("tox.ini", f"coverage:{section}")
        or side.toml("pyproject.toml", "tool", "coverage", section)
    )


def _read(side: Side) -> Values:
    found: dict[Key, Value] = {}
    for section in ("run", "report"):
        table = _table(side, section)
        for key, value in _settings(table) if table is not None else ():
            earlier = found.get(key)
            if earlier is not None and isinstance(value.value, tuple) and isinstance(earlier.value, tuple):
                value = value._replace(value=(*earlier.value, *value.value))  # noqa: PLW2901 (both sections count)
            found[key] = value
    return found


def _settings(table: Toml | Ini) -> Iterator[tuple[Key, Value]]:
    excluded: list[str] = []
    place = Value(None)
    for key in table.table:
        value = table.value(key)
        if key in ("exclude_lines", "exclude_also"):
            excluded += _lines(value.value)
            place = value
        elif not isinstance(value.value, Mapping):
            yield ("", key), value._replace(value=_normal(key, value.value))
    if place.path:
        if "exclude_lines" not in table.table:
            excluded.append(_PRAGMA)
        yield ("", "excluded lines"), place._replace(value=tuple(dict.fromkeys(map(_pragma, excluded))))


def _pragma(pattern: str) -> str:
    """The usual comment, in any form."""
    return (
        _PRAGMA
        if "pragma" in pattern and "no" in pattern and "cover" in pattern and "branch" not in pattern
        else pattern
    )


def _lines(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else lines_of(str(value))


def _normal(key: str, value: Any) -> Any:
    if key == "fail_under":
        return number_of(value)
    if key in ("branch", "ignore_errors"):
        return switch_of(value)
    if key in _LINES:
        return _lines(value)
    return words_of(value) if key in RULES or isinstance(value, list) else value


SETTINGS = Tool(name="coverage", files=FILES, read=_read, rule=lambda key: RULES.get(key[1], Rule()))
