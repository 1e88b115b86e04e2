"""Compare everything that decides what a green means, on base and head: one table for each tool."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping

from gates.analysis.strictness.changes import Adjust, Tool, changes_of
from gates.analysis.strictness.checklist import FILES as CHECKLIST
from gates.analysis.strictness.checklist import NOXFILE, Checklist, checklist_changes, checklist_of
from gates.analysis.strictness.ci_commands import ci_command_changes
from gates.analysis.strictness.commands import with_files
from gates.analysis.strictness.comments import comment_changes, has_comments
from gates.analysis.strictness.coverage_settings import SETTINGS as COVERAGE
from gates.analysis.strictness.decorators import decorator_changes
from gates.analysis.strictness.gates_settings import SETTINGS as GATES
from gates.analysis.strictness.gates_settings import config_of
from gates.analysis.strictness.mypy_settings import SETTINGS as MYPY
from gates.analysis.strictness.pyright_settings import SETTINGS as PYRIGHT
from gates.analysis.strictness.pytest_settings import PYTEST_SETTINGS as PYTEST
from gates.analysis.strictness.ruff_settings import FLAKE8, RUFF
from gates.analysis.strictness.rules import Said
from gates.analysis.strictness.side import Key, Side
from gates.analysis.strictness.tox import tox_changes
from gates.analysis.strictness.workflows import is_workflow, workflow_changes
from gates.results import SettingChange

TOOLS: tuple[Tool, ...] = (GATES, PYTEST, COVERAGE, RUFF, FLAKE8, MYPY, PYRIGHT)
"""In the order in which their changes are shown."""

_FILES = frozenset(CHECKLIST).union(*(tool.files for tool in TOOLS))


def is_read(path: str) -> bool:
    """Whether a file may hold settings."""
    return is_config(path) or has_comments(path) or is_workflow(path)


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
        checklists = _checklists(*sides)
        adjust: dict[str, Adjust] = {tool.name: _nothing for tool in TOOLS}
        if checklists is not None:
            files = {program: (_plain(tool, sides[0]), _plain(tool, sides[1])) for program, tool in _IN_FILES.items()}
            found += checklist_changes(*checklists, files)
            adjust |= {tool.name: _given(program, checklists, files[program]) for program, tool in _IN_FILES.items()}
            adjust[GATES.name] = _without(frozenset(checklists[0].gates.keys() ^ checklists[1].gates.keys()))
        if RUFF.read(sides[1]) and not RUFF.read(sides[0]) and not FLAKE8.read(sides[1]):
            adjust[FLAKE8.name] = _replaced
        for tool in TOOLS:
            found += changes_of(tool, *sides, adjust[tool.name])
        found += tox_changes(*sides)
        found += _broken(*sides)
    found += workflow_changes(base, head)
    found += ci_command_changes(base, head)
    found += comment_changes(_differing(base, head), _differing(head, base))
    found += decorator_changes(_differing(base, head), _differing(head, base))
    return tuple(found)


def _differing(files: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    return {path: text for path, text in files.items() if has_comments(path) and other.get(path) != text}


_IN_FILES = {"pytest": PYTEST, "mypy": MYPY, "coverage report": COVERAGE}
"""Program → the tool whose settings its options are."""


def _plain(tool: Tool, side: Side) -> dict[str, object]:
    """What files set for every use of a tool."""
    return {name: value.value for (layer, name), value in tool.read(side).items() if not layer}


def _checklists(base: Side, head: Side) -> tuple[Checklist, Checklist] | None:
    """The gates of both sides; None if they are the same, or cannot be read."""
    if base.files.get(NOXFILE) == head.files.get(NOXFILE) and _gates(base) == _gates(head):
        return None
    before, after = checklist_of(base), checklist_of(head)
    return (before, after) if before is not None and after is not None else None


def _nothing(_: Key, said: Said) -> Said:
    return said


def _replaced(_: Key, said: Said) -> Said:
    """Ruff reads what flake8 read; what it reports is compared with its own settings."""
    return said._replace(direction="other")


def _given(
    program: str, checklists: tuple[Checklist, Checklist], files: tuple[Mapping[str, object], Mapping[str, object]]
) -> Adjust:
    """A setting that left a file changes nothing if every command now gives it, nor does one that came from there."""
    commands = [
        [one for gate in each.gates.values() for one in gate.commands if one.program == program] for each in checklists
    ]

    def is_given(name: str, side: int) -> bool:
        wanted = files[1 - side].get(name)
        values = [
            with_files(one.options.get(name), files[side].get(name)) for one in commands[side] if name in one.options
        ]
        return bool(values) and len(values) == len(commands[side]) and all(value == wanted for value in values)

    def adjust(key: Key, said: Said) -> Said:
        side = {"weaker": 1, "stronger": 0}.get(said.direction)
        moved = side is not None and not key[0] and is_given(key[1], side)
        return said._replace(direction="other") if moved else said

    return adjust


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
