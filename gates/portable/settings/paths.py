"""The single check of every path in a config: it must be inside the project's folder."""

from __future__ import annotations

import re
from typing import Any

BELOW = "inside the project's folder: relative, without '..'"


def _inside(value: Any) -> bool:
    return isinstance(value, str) and not value.startswith("/") and ".." not in value.split("/")


def is_gits(path: str) -> bool:
    """Whether a path leads into a git folder, even on a case-insensitive disk."""
    return any(part.rstrip(". ").casefold() == ".git" for part in path.split("/"))


def folder(value: Any) -> str:
    """A folder of the project; empty for the project's own.

    Raises:
        ValueError: it is something else.
    """
    if not _inside(value):
        raise ValueError(f"a folder {BELOW}")
    return str(value)


def own_folder(value: Any) -> str:
    """A folder for what gates writes.

    Raises:
        ValueError: it is something else, the project's folder itself, or git's.
    """
    text = folder(value)
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts or is_gits(text):
        raise ValueError(f"a folder of its own, {BELOW}")
    return text


def files(value: Any) -> tuple[str, ...]:
    """Files of the project, or globs of them.

    Raises:
        ValueError: they are something else.
    """
    if not isinstance(value, list) or not all(_inside(item) and item.strip("./") for item in value):
        raise ValueError(f"a list of files {BELOW}")
    return tuple(value)


def globs(value: Any) -> tuple[str, ...]:
    """Path globs.

    Raises:
        ValueError: they are something else, or one has no meaning.
    """
    from ..filters.globs import path_pattern

    if not isinstance(value, list) or not all(_inside(item) for item in value):
        raise ValueError(f"a list of path globs {BELOW}")
    for glob in value:
        try:
            path_pattern(glob)
        except re.error as error:
            raise ValueError(f"a list of path globs; {glob!r} is not one: {error}") from error
    return tuple(value)
