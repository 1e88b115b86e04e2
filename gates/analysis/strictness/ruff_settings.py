"""Settings of ruff and flake8. Reads text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gates.analysis.strictness.changes import Tool
from gates.analysis.strictness.lint_rules import EVERYWHERE, Selected, Selection, covered
from gates.analysis.strictness.rules import Items, Rule, Scale, Switch
from gates.analysis.strictness.side import Ini, Key, Side, Toml, Value, Values, lines_of, number_of, words_of

RUFF_FILES = (".ruff.toml", "ruff.toml", "pyproject.toml")
FLAKE8_FILES = (".flake8", "setup.cfg", "tox.ini")

_RUFF_DEFAULT = ("E4", "E7", "E9", "F")
_FLAKE8_DEFAULT = ("E", "F", "W", "C90")
_FLAKE8_IGNORED = ("E121", "E123", "E126", "E226", "E24", "E704", "W503", "W504")
_USUAL = frozenset({
    ".bzr", ".direnv", ".eggs", ".git", ".git-rewrite", ".hg", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pants.d", ".pyenv",
    ".pytest_cache", ".pytype", ".ruff_cache", ".svn", ".tox", ".venv", ".vscode", "__pypackages__", "_build", "buck-out", "build",
    "dist", "node_modules", "site-packages", "venv", "CVS", "__pycache__", "*.egg", "*.egg-info", "env",
})  # fmt: skip
"""What no linter need look into."""

_LOWER = Scale(
    rank=lambda value: -float(value) if isinstance(value, (int, float)) else -float("inf") if value is None else None,
    weaker="more is allowed", stronger="less is allowed",
)  # fmt: skip
_SELECTION = "rules"
_NEW_NAMES = {"TCH": "TC"}
"""Prefix of ruff that was renamed → its new name; ruff takes both, and they stand for the same rules."""
_BANS = {
    "banned-api": "reports uses of {}",
    "banned-module-level-imports": "reports imports of {} at the top of a module",
    "banned-from": "reports `from` imports of {}",
    "required-imports": "demands {}",
}
"""Name of a list, or of a table, of what is not allowed, or demanded → what ruff does with its entries."""
_LISTS = ("select", "extend-select", "ignore", "extend-ignore", "per-file-ignores", "extend-per-file-ignores")

RULES: Mapping[str, Rule] = {
    _SELECTION: Selection(default=Selected(frozenset(_RUFF_DEFAULT), {EVERYWHERE: frozenset()})),
    "exclude": Items(does="reads {}", paths=True),
    "include": Items(strict=True, does="reads {}"),
    "preview": Switch(does="reports the rules of its preview"),
    "line-length": _LOWER,
}  # fmt: skip


def _rule(key: Key) -> Rule:
    last = key[1].rpartition(".")[2]
    if last.startswith("max-"):
        return _LOWER
    if last in ("ignore-names", "extend-ignore-names", "ignore-decorators", "allowed-confusables", "exempt-modules"):
        return Items(does="reports {}")
    if last in _BANS:
        return Items(strict=True, does=_BANS[last])
    return RULES.get(last, Rule())


def _read_ruff(side: Side) -> Values:
    found = side.toml(".ruff.toml") or side.toml("ruff.toml") or side.toml("pyproject.toml", "tool", "ruff")
    return dict(_ruff(found)) if found is not None else {}


def _ruff(config: Toml) -> Iterator[tuple[Key, Value]]:
    lint = {**config.table, **config.below("lint").table}
    selected = _by_new_names(_selected(lint, _RUFF_DEFAULT, (), _patterns))
    section = config.below("lint") if config.below("lint").table else config
    first = next((key for key in _LISTS if key in section.table), "")
    yield ("", _SELECTION), section.value(*([first] if first else []))._replace(value=selected)
    excluded = [key for key in ("exclude", "extend-exclude") if key in config.table]
    if excluded:
        items = {one for key in excluded for one in words_of(config.table[key])} - _USUAL
        yield ("", "exclude"), config.value(excluded[-1])._replace(value=frozenset(items))
    for key, value in _flat(config.table):
        if key[0] not in ("exclude", "extend-exclude") and not set(key) & set(_LISTS):
            value = _long_lines(selected, value) if key == ("line-length",) else value  # noqa: PLW2901
            name = ".".join(key if key[-1] == "exclude" or key[0] != "lint" else key[1:])
            yield ("", name), config.value(*key)._replace(value=value)


def _by_new_names(selected: Selected) -> Selected:
    """The same selection, with the new name of each prefix that was renamed."""
    return Selected(
        frozenset(map(_new_name, selected.rules)),
        {pattern: frozenset(map(_new_name, rules)) for pattern, rules in selected.ignored.items()},
    )


def _new_name(rule: str) -> str:
    prefix = rule.rstrip("0123456789")
    return _NEW_NAMES.get(prefix, prefix) + rule[len(prefix) :]


def _long_lines(selected: Selected, value: Any) -> Any:
    """The limit of a line, if something reports longer ones."""
    return value if covered("E501", selected.rules) and not selected.ignores(EVERYWHERE, "E501") else None


def _flat(table: Mapping[str, Any], front: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and key in _BANS:
            yield (*front, key), frozenset(map(str, value))
        elif isinstance(value, Mapping):
            yield from _flat(value, (*front, key))
        else:
            yield (*front, key), frozenset(map(str, value)) if isinstance(value, list) else value


def _selected(table: Mapping[str, Any], default: tuple[str, ...], ignored: tuple[str, ...], patterns: Any) -> Selected:
    chosen = words_of(table["select"]) if "select" in table else default
    everywhere = words_of(table["ignore"]) if "ignore" in table else ignored
    files: dict[str, frozenset[str]] = {}
    for key in ("per-file-ignores", "extend-per-file-ignores"):
        for pattern, rules in patterns(table.get(key)):
            files[pattern] = files.get(pattern, frozenset()) | rules
    everywhere = (*everywhere, *words_of(table.get("extend-ignore")))
    return Selected(
        frozenset((*chosen, *words_of(table.get("extend-select")))), {EVERYWHERE: frozenset(everywhere), **files}
    )


def _patterns(value: Any) -> Iterator[tuple[str, frozenset[str]]]:
    if isinstance(value, Mapping):
        for pattern, rules in value.items():
            yield str(pattern), frozenset(words_of(rules))


def _read_flake8(side: Side) -> Values:
    found = side.ini(".flake8", "flake8") or side.ini("setup.cfg", "flake8") or side.ini("tox.ini", "flake8")
    return dict(_flake8(found)) if found is not None else {}


def _flake8(config: Ini) -> Iterator[tuple[Key, Value]]:
    table = {key.replace("_", "-"): value for key, value in config.table.items()}
    names = {key.replace("_", "-"): key for key in config.table}
    selected = _selected(table, _FLAKE8_DEFAULT, _FLAKE8_IGNORED, _flake8_patterns)
    first = next((names[key] for key in _LISTS if key in names), "")
    yield ("", _SELECTION), config.value(first)._replace(value=selected)
    items = {one for key in ("exclude", "extend-exclude") for one in words_of(table.get(key))} - _USUAL
    if "exclude" in table or "extend-exclude" in table:
        yield (
            ("", "exclude"),
            config.value(names.get("exclude") or names["extend-exclude"])._replace(value=frozenset(items)),
        )
    for key, name in names.items():
        if key not in (*_LISTS, "exclude", "extend-exclude"):
            yield ("", key), config.value(name)._replace(value=number_of(table[key]))


def _flake8_patterns(value: Any) -> Iterator[tuple[str, frozenset[str]]]:
    for line in lines_of(value if isinstance(value, str) else ""):
        pattern, _, rules = line.partition(":")
        for one in pattern.split(","):
            yield one.strip(), frozenset(words_of(rules))


_FLAKE8: Mapping[str, Rule] = {
    _SELECTION: Selection(default=Selected(frozenset(_FLAKE8_DEFAULT), {EVERYWHERE: frozenset(_FLAKE8_IGNORED)})),
    "max-line-length": replace(_LOWER, default=79.0),
}


def _flake8_rule(key: Key) -> Rule:
    return _FLAKE8.get(key[1]) or _rule(key)


RUFF = Tool(name="ruff", files=RUFF_FILES, read=_read_ruff, rule=_rule)
FLAKE8 = Tool(name="flake8", files=FLAKE8_FILES, read=_read_flake8, rule=_flake8_rule)
