"""The tables of a config file, field by field: name → how it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gates.config.secrets import shown
from gates.config.tests import read_layers
from gates.config.values import Config, GateConfig, Profile
from gates.portable.errors import ConfigError
from gates.portable.filters.nearest import meant
from gates.portable.settings.declare import Declared, Setting
from gates.portable.settings.kinds import MistakenFilter
from gates.readers.junit.rules import JUnitRules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gates.config.tests import Named


def _declared(kind: type[Declared], table: str) -> dict[str, Setting]:
    """The settings that a table may have: key → what is declared of it."""
    return {one.key: one for one in kind.SETTINGS.values() if not one.option or table in one.tables}


TOP = _declared(Config, "top")
PROFILE = _declared(Profile, "profile")
GATE = _declared(GateConfig, "gate")
JUNIT = _declared(JUnitRules, "junit")
TABLES = ("gate", "profile", "exclusions", "quarantine", "tests", "junit")


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

    def fields(self, table: Mapping[str, Any], known: Mapping[str, Setting], at: tuple[str, ...]) -> dict[str, Any]:
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
                found[key.replace("-", "_")] = known[key].kind.read(value)
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
