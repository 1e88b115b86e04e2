"""The configuration files of one side: their texts, what was read from them, and where it is."""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from gates.config.locate import locate
from gates.portable.patterns import lazy_pattern
from gates.readers.toml import table_at

Key = tuple[str, str]
"""What a setting applies to (empty for everything), and its name."""


class Value(NamedTuple):
    """The value of a setting, and its place.

    Attributes:
        value: in a form in which equal values are equal.
        path: of the file.
        keys: that lead to it in its file.
        line: in the file, if it is known without looking for the keys.
    """

    value: Any
    path: str = ""
    keys: tuple[str, ...] = ()
    line: int = 0


Values = Mapping[Key, Value]


class Broken(NamedTuple):
    """A file that a tool cannot read."""

    path: str
    line: int
    why: str


class Toml(NamedTuple):
    """A table of a TOML file.

    Attributes:
        table: its content.
        path: of the file.
        keys: of the table.
    """

    table: Mapping[str, Any]
    path: str
    keys: tuple[str, ...]

    def value(self, *keys: str) -> Value:
        """A value below the table, with its place."""
        found: Any = self.table
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return Value(found, self.path, (*self.keys, *keys))

    def below(self, *keys: str) -> Toml:
        """A table in this one; empty if there is none."""
        return Toml(table_at(self.table, *keys), self.path, (*self.keys, *keys))


class Ini(NamedTuple):
    """A section of an INI file; its values are texts."""

    table: Mapping[str, str]
    path: str
    section: str

    def value(self, key: str) -> Value:
        """A value of the section, with its place."""
        return Value(self.table.get(key), self.path, (self.section, key))


class Side:
    """The files of one side in one folder.

    Args:
        files: name in the folder → text.
        folder: its path, with `/` at the end; empty for the root.
    """

    def __init__(self, files: Mapping[str, str], folder: str = "") -> None:
        self.files, self.folder = files, folder
        self.broken: dict[str, Broken] = {}
        self._tables: dict[str, dict[str, Any] | None] = {}
        self._sections: dict[str, dict[str, dict[str, str]] | None] = {}

    def path(self, name: str) -> str:
        """The path of a file from the root."""
        return f"{self.folder}{name}"

    def line(self, value: Value) -> int:
        """The line of a value of this side, or of the nearest table around its keys; 0 if neither is here."""
        text = self.files.get(value.path.removeprefix(self.folder), "")
        return value.line or line_in(text, value.path, value.keys)

    def toml(self, name: str, *keys: str) -> Toml | None:
        """A table of a TOML file; None if the file or the table does not exist, or the file is broken."""
        if name not in self._tables:
            self._tables[name] = self._read_toml(name)
        found: Any = self._tables[name]
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return Toml(found, self.path(name), keys) if isinstance(found, dict) else None

    def ini(self, name: str, section: str) -> Ini | None:
        """A section of an INI file; None if the file or the section does not exist, or the file is broken."""
        sections = self.sections(name)
        return Ini(sections[section], self.path(name), section) if section in sections else None

    def sections(self, name: str) -> dict[str, dict[str, str]]:
        """All sections of an INI file; none if it is missing or broken."""
        if name not in self._sections:
            self._sections[name] = self._read_ini(name)
        return self._sections[name] or {}

    def _read_toml(self, name: str) -> dict[str, Any] | None:
        text = self.files.get(name)
        if text is None:
            return None
        try:
            return tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            at = re.search(r"at line (\d+)", str(error))
            self.broken[name] = Broken(self.path(name), int(at[1]) if at else 0, f"not valid TOML: {error}")
            return None

    def _read_ini(self, name: str) -> dict[str, dict[str, str]] | None:
        text = self.files.get(name)
        if text is None:
            return None
        parser = configparser.RawConfigParser(strict=False, allow_no_value=True, inline_comment_prefixes=None)
        parser.optionxform = _same  # type: ignore[assignment,method-assign] # names are not made lower-case
        try:
            parser.read_string(text.lstrip("\ufeff"))
        except configparser.Error as error:
            line = getattr(error, "lineno", None) or next(iter(getattr(error, "errors", [(0, "")])), (0, ""))[0]
            why = " ".join(str(error).replace("'<string>'", name).split())
            self.broken[name] = Broken(self.path(name), int(line), f"not a valid INI file: {why}")
            return None
        return {section: {key: value or "" for key, value in parser.items(section)} for section in parser.sections()}


def _same(text: str) -> str:
    return text


_SECTION = lazy_pattern(r"\[(?P<name>[^\]]+)\]")


def ini_line(text: str, section: str, key: str) -> int:
    """The line of a key in an INI file, or of its section; 0 if there is neither."""
    inside, found = False, 0
    for number, line in enumerate(text.split("\n"), 1):
        header = _SECTION.match(line)
        if header:
            inside = header["name"] == section
            found = number if inside and not found else found
        elif inside and re.match(rf"{re.escape(key)}\s*[=:]", line):
            return number
    return found


def line_in(text: str, path: str, keys: tuple[str, ...]) -> int:
    """The line of a key, or of the nearest table around it, in the text of a file; 0 if it has neither."""
    if path.endswith(".toml"):
        return locate(text, keys)
    return ini_line(text, *keys) if len(keys) == 2 else 0


def lines_of(text: str) -> tuple[str, ...]:
    """The lines of a value of an INI file, without comments and empty lines."""
    lines = (line.strip() for line in text.split("\n"))
    return tuple(line for line in lines if line and not line.startswith(("#", ";")))


def words_of(value: Any) -> tuple[str, ...]:
    """A list of words: from a list, or from a text that separates them by commas, spaces or lines."""
    if isinstance(value, (list, tuple)):
        return tuple(map(str, value))
    if not isinstance(value, str):
        return ()
    return tuple(word for line in lines_of(value) for word in re.split(r"[,\s]+", line) if word)


_TRUE, _FALSE = frozenset({"1", "yes", "true", "on"}), frozenset({"0", "no", "false", "off"})


def switch_of(value: Any) -> Any:
    """Yes or no, also as INI files say it; anything else is as it is."""
    if not isinstance(value, str):
        return value
    word = value.strip().lower()
    return True if word in _TRUE else False if word in _FALSE else value.strip()


def number_of(value: Any) -> Any:
    """A number, also from a text; anything else is as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


Convert = Callable[[Any], Any]


def taken(source: Toml | Ini, known: Mapping[str, Convert], layer: str = "") -> Iterator[tuple[Key, Value]]:
    """The settings of a table, each converted; those that are not known are as they are."""
    for key in source.table:
        value = source.value(key)
        if not isinstance(value.value, Mapping):
            convert = known.get(key)
            yield (layer, key), value._replace(value=convert(value.value) if convert else value.value)
