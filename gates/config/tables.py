"""The tables of a config file, field by field: name → how it is read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

from gates.config import paths
from gates.config.durations import seconds
from gates.config.secrets import shown
from gates.config.tests import read_layers
from gates.config.values import FindingsSource, GateConfig, NoTests, Profile, TestWitness
from gates.portable.errors import ConfigError
from gates.portable.values import LEVELS, ORDERS, OUTPUTS, parse_max_fail
from gates.readers.formats import JUNIT_ODDITIES
from gates.results import EnvironmentChange

if TYPE_CHECKING:
    from gates.config.tests import Named

    Reader = Callable[[Any], Any]


class MistakenFilter(ValueError):
    """An expression with mistakes; its message shows each under its place."""


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a string")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("a list of strings")
    return tuple(value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError("a whole number from 1")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def command(value: Any) -> tuple[str, ...]:
    """Words of a command, or a string that is split into words as a shell would.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, str):
        try:
            value = shlex.split(value)
        except ValueError as error:
            raise ValueError("a command with closed quotes") from error
    words = _texts(value)
    if not words or not words[0]:
        raise ValueError("a command")
    if "=" in words[0].split("/")[0]:
        raise ValueError("a command that starts with the program (variables belong in the gate's env table)")
    return words


def _witness(value: Any) -> TestWitness:
    choices = get_args(TestWitness)
    if value not in choices:
        raise ValueError("one of " + ", ".join(choices))
    found: TestWitness = value
    return found


def _no_tests(value: Any) -> NoTests:
    choices = get_args(NoTests)
    if value not in choices:
        raise ValueError("one of " + ", ".join(choices))
    found: NoTests = value
    return found


def _findings(value: Any) -> FindingsSource:
    if value == "log" or value == "none":  # noqa: PLR1714 (mypy follows only this)
        found: FindingsSource = value
        return found
    try:
        return paths.files(value)
    except ValueError as error:
        raise ValueError(f"'log', 'none', or {error}") from error


def _max_fail(value: Any) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else _text(value)
    parse_max_fail(text)
    return text


_BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE = re.compile(rf"(\d+(?:\.\d+)?)\s*({'|'.join(_BYTES)})")


def _size(value: Any) -> int:
    match = _SIZE.fullmatch(_text(value).strip())
    if match is None:
        raise ValueError("a size such as '500 MB' or '10 GB'")
    return round(float(match[1]) * _BYTES[match[2]])


def _limit(value: Any) -> int:
    if isinstance(value, str):
        value = _size(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError("a whole number from 1, or a size such as '64 MiB'")
    return value


def _part(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise ValueError("a fraction between 0 and 1, for example 0.05 for 5%")
    return float(value)


def _one_of(*choices: str) -> Reader:
    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError("one of " + ", ".join(choices))
        return str(value)

    return read


def _several_of(*choices: str) -> Reader:
    def read(value: Any) -> tuple[str, ...]:
        names = _texts(value)
        for name in names:
            if name not in choices:
                near = get_close_matches(name, choices, 1, 0.5)
                hint = f": did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"a list of {', '.join(choices)}; {name!r} is not one of them{hint}")
        return names

    return read


OUTPUT = {
    "status_level": LEVELS,
    "final_status_level": LEVELS,
    "failure_output": OUTPUTS,
    "success_output": OUTPUTS,
}
"""Settings of `Output` → their values."""


def expression(value: Any) -> str:
    """An expression of the filter language.

    Raises:
        MistakenFilter: it has mistakes.
        ValueError: it is not a string.
    """
    # Imported here: a config without filters need not load their language.
    from gates.portable.filters import FilterSyntaxError, parse

    text = _text(value)
    try:
        if text.strip():
            parse(text, without=("default",))
    except FilterSyntaxError as error:
        raise MistakenFilter(str(error)) from error
    return text


def _variable(name: str) -> str:
    """The name of an environment variable."""
    if not name or "=" in name:
        raise ValueError(f"names of variables, without '=': {name!r} is not one")
    return name


def _variable_names(value: Any) -> tuple[str, ...]:
    return tuple(map(_variable, _texts(value)))


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


TOP: dict[str, Reader] = {
    "base": _text,
    "jobs": _count,
    "timeout": seconds,
    "test-timeout": seconds,
    "accept-could-not-run": _texts,
    "accept-exclusions": _texts,
    "unrelated": paths.globs,
    "scope": paths.globs,
    "merge-command": _text,
    "no-tests": _no_tests,
    "record-env": _variable_names,
    "mask-env": _variable_names,
    "reports": paths.own_folder,
    "nox-args": _texts,
    "supervise": _flag,
    "global-timeout": seconds,
    "stall-timeout": seconds,
    "base-failures": _one_of("block", "report"),
    "worktree-copy": paths.globs,
    "worktree-link": paths.globs,
    "worktree-disk": _size,
    "timing-budget": seconds,
    "timing-threshold": _part,
}
TABLES = ("gate", "profile", "exclusions", "quarantine", "tests", "junit")

JUNIT: dict[str, Reader] = {
    "max-size": _limit,
    "max-depth": _count,
    "max-attribute": _limit,
    "max-text": _limit,
    "accept": _several_of(*JUNIT_ODDITIES),
    "passed-words": _texts,
    "silent-elements": _texts,
}

GATE: dict[str, Reader] = {
    "command": command,
    "session": _text,
    "args": _texts,
    "title": _text,
    "timeout": seconds,
    "needs": _texts,
    "junit": paths.files,
    "reports": paths.files,
    "tests": _witness,
    "env": _variables,
    "cwd": paths.folder,
    "findings": _findings,
    "coverage": paths.files,
}

PROFILE: dict[str, Reader] = {
    "gates": _texts,
    "filter": expression,
    "jobs": _count,
    "test-timeout": seconds,
    "include-excluded": _flag,
    "no-tests": _no_tests,
    "global-timeout": seconds,
    "stall-timeout": seconds,
    "max-fail": _max_fail,
    "order": _one_of(*ORDERS),
    "workers": _count,
} | {name.replace("_", "-"): _one_of(*choices) for name, choices in OUTPUT.items()}


def nul_in(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Keys whose name or value contains a NUL: no command, variable, path or branch can have one."""
    if isinstance(value, dict):
        for key, item in value.items():
            if "\0" in key:
                yield (*at, key)
            else:
                yield from nul_in(item, (*at, key))
    elif isinstance(value, list):
        yield from dict.fromkeys(keys for item in value for keys in nul_in(item, at))
    elif isinstance(value, str) and "\0" in value:
        yield at


class Problems:
    """Collects mistakes while the tables are read, so that all of them can be shown together."""

    def __init__(self, place: Callable[[tuple[str, ...]], str]) -> None:
        self.place = place
        self.found: list[ConfigError] = []

    def add(self, keys: tuple[str, ...], what: str, **fields: str) -> None:
        """Note one mistake at the line of `keys`."""
        self.found.append(ConfigError(what, place=self.place(keys), **fields))

    def tables(
        self, table: Mapping[str, Any], name: str, above: tuple[str, ...] = ()
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The sub-tables of `[name.…]` in the table `above`; anything that is not a table is noted and skipped."""
        group, at = table.get(name, {}), (*above, name)
        dotted = ".".join(at)
        if not isinstance(group, dict):
            self.add(at, f"{dotted} is not a table", expected=f"[{dotted}.NAME]", got=shown(group))
            return
        for key, value in group.items():
            if isinstance(value, dict):
                yield key, value
            else:
                self.add((*at, key), f"{dotted}.{key} is not a table", expected=f"[{dotted}.{key}]", got=shown(value))

    def fields(self, table: Mapping[str, Any], known: Mapping[str, Reader], at: tuple[str, ...]) -> dict[str, Any]:
        """The known fields of a table, read; unknown and invalid ones are noted."""
        also = TABLES if not at else ()
        found = {}
        for key, value in table.items():
            if key in also:
                continue
            if key not in known:
                near = get_close_matches(key, [*known, *also], 1, 0.5)
                where = f"[{'.'.join(at)}]" if at else "the config"
                self.add(
                    (*at, key),
                    f"unknown key {key!r} in {where}",
                    remedy=f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join([*known, *also])}",
                )
                continue
            try:
                found[key.replace("-", "_")] = known[key](value)
            except MistakenFilter as error:
                self.add((*at, key), f"{key!r}: {error}")
            except ValueError as error:
                self.add((*at, key), f"wrong value for {key!r}", expected=str(error), got=shown(value))
        return found


def read_top(table: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """The settings outside sub-tables."""
    return problems.fields(table, TOP, ())


def read_junit_rules(table: Mapping[str, Any], problems: Problems) -> dict[str, int | tuple[str, ...]]:
    """`[junit]`."""
    rules = table.get("junit", {})
    if not isinstance(rules, dict):
        problems.add(("junit",), "junit is not a table", expected="[junit]", got=shown(rules))
        return {}
    return problems.fields(rules, JUNIT, ("junit",))


def read_gate(name: str, table: Mapping[str, Any], problems: Problems) -> GateConfig:
    """`[gate.NAME]`."""
    fields = problems.fields(table, GATE, ("gate", name))
    if "command" in fields and "session" in fields:
        problems.add(("gate", name), f"gate {name!r} is both a command and a session", remedy="keep one of them")
    return GateConfig(name=name, **fields)


def read_profile(name: str, table: Mapping[str, Any], problems: Problems, named: Named) -> Profile:
    """`[profile.NAME]`; its settings of tests may name what is `named`."""
    own = {key: value for key, value in table.items() if key != "tests"}
    at = ("profile", name)
    rules = read_layers(table.get("tests"), (*at, "tests"), problems, named)
    fields = problems.fields(own, PROFILE, at)
    output = {setting: fields.pop(setting) for setting in OUTPUT if setting in fields}
    return Profile(name=name, rules=rules, output=output, **fields)
