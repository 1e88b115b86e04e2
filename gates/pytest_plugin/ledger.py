"""Reads the ledger of exclusions of a project that runs plain pytest, from gates.toml or pyproject.toml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Callable

from ..errors import ConfigError, ManyErrors
from ..protocol import LEDGER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ..exclusions import Exclusion

SOURCES = (
    ("gates.toml", ("exclusions",), "[exclusions] of gates.toml"),
    ("pyproject.toml", ("tool", "gates", "exclusions"), LEDGER),
)


def load_ledger(root: Path) -> tuple[tuple[Exclusion, ...], str]:
    """The entries, and where they come from in words; none where the project has no ledger.

    Raises:
        GatesError: the ledger has mistakes, all of which are in the error.
    """
    for name, keys, source in SOURCES:
        table, text = _read_table(root / name, keys)
        if table is None:
            continue
        from ..exclusions import read_exclusions

        entries, errors = read_exclusions(table, finder(text, name, keys))
        if errors:
            raise errors[0] if len(errors) == 1 else ManyErrors(errors)
        return entries, source
    return (), LEDGER


def _read_table(path: Path, keys: Sequence[str]) -> tuple[dict[str, Any] | None, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        # pytest and gates read the same file and say what is wrong with it; there is nothing to exclude.
        return None, ""
    if "exclusions" not in text:  # saves parsing in every other project
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
