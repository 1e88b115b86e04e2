"""Compare everything that decides what a green means, on base and head: one table for each tool."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping

from gates.analysis.strictness.changes import Adjust, Tool, changes_of
from gates.analysis.strictness.checklist import FILES as CHECKLIST
from gates.analysis.strictness.checklist import NOXFILE, Checklist, checklist_changes, checklist_of
from gates.analysis.strictness.comments import comment_changes, has_comments
from gates.analysis.strictness.coverage_settings import SETTINGS as COVERAGE
from gates.analysis.strictness.gates_settings import SETTINGS as GATES
from gates.analysis.strictness.gates_settings import config_of
from gates.analysis.strictness.mypy_settings import SETTINGS as MYPY
from gates.analysis.strictness.pytest_settings import PYTEST_SETTINGS as PYTEST
from gates.analysis.strictness.ruff_settings import FLAKE8, RUFF
from gates.analysis.strictness.rules import Said
from gates.analysis.strictness.side import Key, Side
from gates.results import SettingChange

TOOLS: tuple[Tool, ...] = (GATES, PYTEST, COVERAGE, RUFF, FLAKE8, MYPY)
"""In the order in which their changes are shown."""

_FILES = frozenset(CHECKLIST).union(*(tool.files for tool in TOOLS))


def is_read(path: str) -> bool:
    """Whether a file may hold settings."""
    return posixpath.basename(path) in _FILES or has_comments(path)


def is_config(path: str) -> bool:
    """Whether a file holds settings for its folder."""
    return posixpath.basename(path) in _FILES


def names_in(folder: str) -> tuple[str, ...]:  # noqa: ARG001 (some tools read files of the root only)
    """Names of files that may hold settings in a folder; empty for the root."""
    return tuple(_FILES)


def setting_changes(base: Mapping[str, str], head: Mapping[str, str]) -> tuple[SettingChange, ...]:
    """What changed in the settings, by tool and place.

    Args:
        base: path, with `/` → text of the files of the base; those of a renamed file have the path of the head.
        head: the same of the head. Both hold every file with settings in each folder that is to be compared.
    """
    found: list[SettingChange] = []
    for folder in sorted({posixpath.dirname(path) for path in (*base, *head) if is_config(path)}):
        front = f"{folder}/" if folder else ""
        sides = Side(_in_folder(base, folder), front), Side(_in_folder(head, folder), front)
        before, after = _checklists(*sides)
        if before is not None and after is not None:
            found += checklist_changes(before, after)
        elsewhere = _on_one_side(before, after)
        for tool in TOOLS:
            found += changes_of(tool, *sides, _without(elsewhere)) if tool is GATES else changes_of(tool, *sides)
        found += _broken(*sides)
    found += comment_changes(_differing(base, head), _differing(head, base))
    return tuple(found)


def _differing(files: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    return {path: text for path, text in files.items() if has_comments(path) and other.get(path) != text}


def _checklists(base: Side, head: Side) -> tuple[Checklist | None, Checklist | None]:
    """The gates of both sides; None if they are the same, or cannot be read."""
    if base.files.get(NOXFILE) == head.files.get(NOXFILE) and _gates(base) == _gates(head):
        return None, None
    return checklist_of(base), checklist_of(head)


def _on_one_side(before: Checklist | None, after: Checklist | None) -> frozenset[str]:
    """Names of gates that only one side has: what a list of gates says about them is not news."""
    return (
        frozenset(before.gates.keys() ^ after.gates.keys()) if before is not None and after is not None else frozenset()
    )


def _without(names: frozenset[str]) -> Adjust:
    def adjust(key: Key, said: Said) -> Said:
        listed = key[1] in ("accept-could-not-run", "needs", "gates")
        return said._replace(direction="other") if listed and said.items and names.issuperset(said.items) else said

    return adjust


def _gates(side: Side) -> object:
    config = config_of(side)
    return config and config.table.get("gate")


def _in_folder(files: Mapping[str, str], folder: str) -> dict[str, str]:
    return {posixpath.basename(path): text for path, text in files.items() if posixpath.dirname(path) == folder}


def _broken(base: Side, head: Side) -> Iterator[SettingChange]:
    """Files that can be read on one side only: a finding names them, because nothing is known about their settings."""
    names: Collection[str] = dict.fromkeys((*base.broken, *head.broken))
    for name in names:
        if base.files.get(name) == head.files.get(name):
            continue
        on = [word for word, side in (("base", base), ("head", head)) if name in side.broken]
        one = head.broken.get(name) or base.broken[name]
        what = f"the settings in {one.path} cannot be compared, because it cannot be read on the {' and the '.join(on)}: {one.why}"
        before, after = (side.broken[name].why if name in side.broken else "" for side in (base, head))
        yield SettingChange(
            tool="gates", key=f"file {name}", path=one.path, line=one.line, before=before, after=after, direction="other", what=what,
        )  # fmt: skip
