"""Settings before and after, and the findings."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

from gates.analysis.strictness import setting_changes

if TYPE_CHECKING:
    from gates.results import SettingChange


def changes(
    base: dict[str, str] | str, head: dict[str, str] | str, name: str = "pyproject.toml"
) -> list[SettingChange]:
    """What changed from one text, or some files, to another."""
    sides = [{name: side} if isinstance(side, str) else side for side in (base, head)]
    before, after = ({path: dedent(text) for path, text in side.items()} for side in sides)
    return list(setting_changes(before, after))


def said(base: dict[str, str] | str, head: dict[str, str] | str, name: str = "pyproject.toml") -> list[tuple[str, str]]:
    """Direction and key of each change."""
    return [(change.direction, change.key) for change in changes(base, head, name)]


MIRROR = {"weaker": "stronger", "stronger": "weaker", "other": "other"}


def mirrored(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What must be said if base and head change places."""
    return sorted((MIRROR[direction], key) for direction, key in found)
