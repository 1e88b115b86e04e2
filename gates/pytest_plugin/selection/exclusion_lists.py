"""Reads the ledger of exclusions of a project that runs plain pytest, from gates.toml or pyproject.toml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from ...portable.errors import ConfigError, ManyErrors
from ...portable.regular import read_text
from ...portable.settings.plugin import LEDGER

if TYPE_CHECKING:
    from ...portable.exclusions import Exclusion

SOURCES = (
    ("gates.toml", (), "[exclusions] of gates.toml"),
    ("pyproject.toml", ("tool", "gates"), LEDGER),
)


# Named tuples, because every pytest with the plugin loads this module, and dataclasses take twice as long to define.


class ExclusionLists(NamedTuple):
    """The entries of both ledgers."""

    exclusions: tuple[Exclusion, ...] = ()
    quarantine: tuple[Exclusion, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.exclusions or self.quarantine)


class ProjectExclusions(NamedTuple):
    """The part of a project's config about its tests.

    Attributes:
        exclusion_lists: their entries.
        default_filter: the meaning of `default()`.
        source: where the exclusions come from, for people.
    """

    exclusion_lists: ExclusionLists = ExclusionLists()
    default_filter: str = ""
    source: str = LEDGER


def load_exclusion_lists(root: Path) -> ProjectExclusions:
    """The ledgers of a project; empty if it has none.

    Raises:
        GatesError: a ledger has mistakes, all of which are in the error.
    """
    for name, keys, source in SOURCES:
        table, text = _read_table(root / name, keys)
        if table is None:
            continue
        default: Any = table
        for key in ("profile", "default", "filter"):
            default = default.get(key) if isinstance(default, dict) else None
        found = ProjectExclusions(default_filter=default if isinstance(default, str) else "", source=source)
        tables = {key: _table(table, key, name) for key in ("exclusions", "quarantine")}
        if not any(tables.values()):
            return found
        from ...portable.exclusions import QUARANTINE, read_exclusions

        exclusions, errors = read_exclusions(tables["exclusions"], finder(text, name, (*keys, "exclusions")))
        place = finder(text, name, (*keys, "quarantine"))
        quarantine, more = read_exclusions(tables["quarantine"], place, QUARANTINE)
        errors += more
        if errors:
            raise errors[0] if len(errors) == 1 else ManyErrors(errors)
        return found._replace(exclusion_lists=ExclusionLists(exclusions, quarantine))
    return ProjectExclusions()


def _table(table: dict[str, Any], key: str, file: str) -> dict[str, Any]:
    found = table.get(key, {})
    if not isinstance(found, dict):
        raise ConfigError(f"{key} is not a table", place=file, expected=f"[….{key}.NAME]")
    return found


def _read_table(path: Path, keys: Sequence[str]) -> tuple[dict[str, Any] | None, str]:
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError):
        # pytest and gates read the same file and report its mistakes; there is nothing to exclude.
        return None, ""
    if not any(word in text for word in ("exclusions", "quarantine", "filter")):  # avoids parsing in all other projects
        return None, ""
    if keys and "gates" not in text:
        return None, ""
    table: Any = _parse(text, path.name)
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigError(f"[{'.'.join(keys)}] is not a table", place=path.name)
    return table, text


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        import tomllib as toml
    except ImportError:
        try:
            import tomli as toml  # type: ignore[import-not-found,no-redef]  # pytest brings it before Python 3.11
        except ImportError:
            raise ConfigError(
                "the ledger of exclusions cannot be read: this Python has no TOML parser",
                place=name,
                remedy="install tomli, or run the tests with Python 3.11 or newer",
            ) from None
    try:
        return toml.loads(text)
    except ValueError as error:
        raise ConfigError(f"not valid TOML: {error}", place=name) from None


def finder(text: str, name: str, root: Sequence[str]) -> Callable[[tuple[str, ...]], str]:
    """A function from keys below the ledger's table to `file:line`."""
    lines = text.splitlines()

    def header(keys: Sequence[str]) -> re.Pattern[str]:
        dotted = r"\s*\.\s*".join(f"[\"']?{re.escape(key)}[\"']?" for key in keys)
        return re.compile(rf"\s*\[\s*{dotted}\s*\]")

    def place(keys: tuple[str, ...]) -> str:
        for length in range(len(keys), -1, -1):
            pattern = header((*root, *keys[:length]))
            start = next((number for number, line in enumerate(lines) if pattern.match(line)), None)
            if start is None:
                continue
            if length < len(keys):
                key = re.compile(rf"\s*[\"']?{re.escape(keys[length])}[\"']?\s*[=.]")
                for number in range(start + 1, len(lines)):
                    if lines[number].lstrip().startswith("["):
                        break
                    if key.match(lines[number]):
                        return f"{name}:{number + 1}"
            return f"{name}:{start + 1}"
        return name

    return place
