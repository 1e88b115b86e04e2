"""The tables of a config file, field by field: name → how it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from gates.config import paths
from gates.config.secrets import shown
from gates.config.tests import read_layers
from gates.config.values import FindingsSource, GateConfig, Profile, TestWitness
from gates.portable.errors import ConfigError
from gates.portable.filters.nearest import meant
from gates.portable.patterns import lazy_pattern
from gates.portable.settings.kinds import COUNT, MistakenFilter, command, flag, one_of, seconds, text, texts
from gates.portable.settings.run import Choice
from gates.readers.formats import JUNIT_ODDITIES
from gates.results import EnvironmentChange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gates.config.tests import Named

    Reader = Callable[[Any], Any]


def _findings(value: Any) -> FindingsSource:
    if value == "log" or value == "none":  # noqa: PLR1714 (mypy follows only this)
        found: FindingsSource = value
        return found
    try:
        return paths.files(value)
    except ValueError as error:
        raise ValueError(f"'log', 'none', or {error}") from error


_BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE = lazy_pattern(rf"(\d+(?:\.\d+)?)\s*({'|'.join(_BYTES)})")


def _size(value: Any) -> int:
    match = _SIZE.fullmatch(text(value).strip())
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


def _several_of(*choices: str) -> Reader:
    def read(value: Any) -> tuple[str, ...]:
        names = texts(value)
        for name in names:
            if name not in choices:
                hint = meant(name, choices)
                raise ValueError(f"a list of {', '.join(choices)}; {name!r} is not one of them{hint and f': {hint}'}")
        return names

    return read


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


def settings_of(table: str) -> dict[str, Reader]:
    """The settings of a run that a table may have: key → how it is read."""
    return {one.key: one.kind.read for one in Choice.SETTINGS.values() if table in one.tables}


TOP: dict[str, Reader] = {
    "base": text,
    "timeout": seconds,
    "accept-could-not-run": texts,
    "accept-exclusions": texts,
    "unrelated": paths.globs,
    "scope": paths.globs,
    "merge-command": text,
    "record-env": _variable_names,
    "mask-env": _variable_names,
    "reports": paths.own_folder,
    "nox-args": texts,
    "supervise": flag,
    "base-failures": one_of("block", "report").read,
    "worktree-copy": paths.globs,
    "worktree-link": paths.globs,
    "worktree-disk": _size,
    "timing-budget": seconds,
    "timing-threshold": _part,
} | settings_of("top")
TABLES = ("gate", "profile", "exclusions", "quarantine", "tests", "junit")

JUNIT: dict[str, Reader] = {
    "max-size": _limit,
    "max-depth": COUNT.read,
    "max-attribute": _limit,
    "max-text": _limit,
    "accept": _several_of(*JUNIT_ODDITIES),
    "passed-words": texts,
    "silent-elements": texts,
}

GATE: dict[str, Reader] = {
    "command": command,
    "session": text,
    "args": texts,
    "title": text,
    "timeout": seconds,
    "needs": texts,
    "junit": paths.files,
    "reports": paths.files,
    "tests": one_of(*get_args(TestWitness)).read,
    "env": _variables,
    "cwd": paths.folder,
    "findings": _findings,
    "coverage": paths.files,
}

PROFILE = settings_of("profile")


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

    def table(self, value: Any, at: tuple[str, ...]) -> dict[str, Any]:
        """A table that may be missing; empty where something else stands there, which is a mistake."""
        if value is None or isinstance(value, dict):
            return value or {}
        self.add(at, f"{'.'.join(at)} is not a table", expected=f"[{'.'.join(at)}]", got=shown(value))
        return {}

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
                self.table(value, (*at, key))

    def fields(self, table: Mapping[str, Any], known: Mapping[str, Reader], at: tuple[str, ...]) -> dict[str, Any]:
        """The known fields of a table, read; unknown and invalid ones are noted."""
        also = TABLES if not at else ()
        found = {}
        for key, value in table.items():
            if key in also:
                continue
            if key not in known:
                where = f"[{'.'.join(at)}]" if at else "the config"
                self.add(
                    (*at, key),
                    f"unknown key {key!r} in {where}",
                    remedy=meant(key, [*known, *also], f"known keys: {', '.join([*known, *also])}"),
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
    return problems.fields(problems.table(table.get("junit"), ("junit",)), JUNIT, ("junit",))


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
    return Profile(name=name, rules=rules, **problems.fields(own, PROFILE, at))
