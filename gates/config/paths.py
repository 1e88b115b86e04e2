"""The single check of every path in a config: it must be inside the project's folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from gates.results.files import COMPARISON_FILE, JUNIT_FILE, LOGS_FOLDER, RUN_FILE, SUMMARY_FILE, TESTS_FILE

if TYPE_CHECKING:
    from gates.config.values import GateConfig

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
    from gates.portable.filters.globs import path_pattern

    if not isinstance(value, list) or not all(_inside(item) for item in value):
        raise ValueError(f"a list of path globs {BELOW}")
    for glob in value:
        try:
            path_pattern(glob)
        except re.error as error:
            raise ValueError(f"a list of path globs; {glob!r} is not one: {error}") from error
    return tuple(value)


_OWN = (RUN_FILE, TESTS_FILE, SUMMARY_FILE, JUNIT_FILE, COMPARISON_FILE)


def taken(reports: str, gates: Mapping[str, GateConfig]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Files of a gate that have the names of reports that gates itself writes: the keys of each, and its path."""
    place = _plain(reports)
    for gate in gates.values():
        findings = gate.findings if isinstance(gate.findings, tuple) else ()
        for key, names in (
            ("junit", gate.junit), ("reports", gate.reports), ("coverage", gate.coverage), ("findings", findings)
        ):  # fmt: skip
            for name in names:
                path = _plain(name)
                own = path.removeprefix(f"{place}/") if path.startswith(f"{place}/") else ""
                if own in _OWN or re.fullmatch(rf"{LOGS_FOLDER}/[^/]*\.log", own):
                    yield ("gate", gate.name, key), name


def _plain(path: str) -> str:
    return "/".join(part for part in path.split("/") if part not in ("", "."))
