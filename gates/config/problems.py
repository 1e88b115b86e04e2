"""Collects the mistakes of a config, so that all of them are shown together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gates.config.secrets import shown
from gates.portable.errors import ConfigError
from gates.portable.filters.nearest import meant
from gates.portable.settings.declare import Setting
from gates.portable.settings.kinds import MistakenFilter

TABLES = ("gate", "profile", "exclusions", "quarantine", "tests", "junit", "mutants")


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
        """A table that may be missing; empty if the value is not a table, which is a mistake."""
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
