"""Kinds of values that only a config has: paths, variables of a gate, required test results."""

from __future__ import annotations

import datetime as dt
from typing import Any

from gates.portable.settings import paths
from gates.portable.settings.kinds import COMMAND, Kind, command, texts
from gates.results import EnvironmentChange


def _reason(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text that is not empty")
    return value


def _date(value: Any) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError("a date like 2026-12-31") from None


def _findings(value: Any) -> str | tuple[str, ...]:
    if value in ("log", "none"):
        return str(value)
    try:
        return paths.files(value)
    except ValueError as error:
        raise ValueError(f"'log', 'none', or {error}") from error


def _commands(value: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list):
        raise ValueError("a list of commands, such as ['rustc --version']")
    return tuple(map(command, value))


def _fraction(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError("a fraction between 0 and 1, for example 0.05 for 5%")
    return float(value)


def _variable(name: str) -> str:
    """The name of an environment variable."""
    if not name or "=" in name:
        raise ValueError(f"names of variables, without '=': {name!r} is not one")
    return name


def _variable_names(value: Any) -> tuple[str, ...]:
    return tuple(map(_variable, texts(value)))


def _variables(value: Any) -> tuple[EnvironmentChange, ...]:
    expected = "NAME = { set = 'VALUE', reason = '…' } or { unset = true, reason = '…' }"
    if not isinstance(value, dict):
        raise ValueError(expected)
    changes = []
    for name, change in value.items():
        _variable(name)
        if not isinstance(change, dict) or not isinstance(change.get("reason"), str) or not change["reason"].strip():
            raise ValueError(f"{expected}: {name} has no reason")
        rest = {key: item for key, item in change.items() if key != "reason"}
        if rest == {"unset": True}:
            changes.append(EnvironmentChange(name=name, value=None, reason=change["reason"]))
        elif rest.keys() == {"set"} and isinstance(rest["set"], str):
            changes.append(EnvironmentChange(name=name, value=rest["set"], reason=change["reason"]))
        else:
            raise ValueError(f"{expected}: {name} has {', '.join(rest) or 'neither'}")
    return tuple(changes)


_TEXT, _LIST = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
_REASON = {"reason": {"type": "string", "pattern": r"\S"}}
COMMANDS = Kind(_commands, {"type": "array", "items": COMMAND.schema})
FILES = Kind(paths.files, _LIST)
FOLDER, OWN_FOLDER = Kind(paths.folder, _TEXT), Kind(paths.own_folder, _TEXT)
FINDINGS = Kind(_findings, {"anyOf": [{"enum": ["log", "none"]}, _LIST]})
FRACTION = Kind(_fraction, {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1})
VARIABLE_NAMES = Kind(_variable_names, {"type": "array", "items": {"type": "string", "pattern": "^[^=]+$"}})
VARIABLES = Kind(
    _variables,
    {
        "type": "object",
        "propertyNames": {"pattern": "^[^=]+$"},
        "additionalProperties": {
            "type": "object",
            "properties": {"set": _TEXT, "unset": {"const": True}, **_REASON},
            "additionalProperties": False,
            "oneOf": [{"required": ["set", "reason"]}, {"required": ["unset", "reason"]}],
        },
    },
)
WORDS = Kind(_reason, {"type": "string", "pattern": r"\S"})
DATE = Kind(_date, {"type": "string", "format": "date"})
