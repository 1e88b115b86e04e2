"""Compare what a CI system runs on both sides: a command that checks is the same wherever it is written. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from gates.analysis.strictness.ci_scripts import has_scripts, pythons_of, scripts_of, triggers_of
from gates.analysis.strictness.command import Command, checks, shell_commands
from gates.analysis.strictness.commands import GENERIC, command_changes, purpose
from gates.analysis.strictness.options import table_of
from gates.analysis.strictness.rules import Subject
from gates.portable.patterns import lazy_pattern
from gates.results import SettingChange

Files = Mapping[str, str]

_CHECKING = lazy_pattern(r"test|lint|check|type|mypy|cov|verif|audit|clippy|vet|fmt|gates|ci\b", re.IGNORECASE)
"""What is in the name of a task that checks."""

_RUN_ALL = frozenset({"tox", "nox", "pre-commit", "prek", "gates"})
_OTHERS = frozenset(
    {
        "cargo",
        "go",
        "eslint",
        "tsc",
        "jest",
        "vitest",
        "ctest",
        "mvn",
        "gradle",
        "shellcheck",
        "actionlint",
        "codespell",
    }
)
_USES = lazy_pattern(r"(?:-\s+)?uses\s*:\s*[\"']?((?!actions/)[\w./@-]+)")
_EVENTS = ("pull_request", "merge_group")
"""What starts the checks of a change before it is merged."""


class _At(NamedTuple):
    path: str
    line: int


class _Run:
    """All that some files run.

    Attributes:
        commands: those that check; the line of each is its number in `places`.
        places: where they are.
        uses: actions of others, which may check anything.
    """

    def __init__(self, files: Files) -> None:
        self.commands: list[Command] = []
        self.places = [_At("", 0)]
        self.uses = {
            match[1].split("@")[0]
            for text in files.values()
            for row in text.split("\n")
            if (match := _USES.match(row.strip()))
        }
        for path, text in files.items():
            for script in scripts_of(path, text):
                for command in filter(_is_check, shell_commands(script.text)):
                    self.places.append(_At(path, _line_of(text, script.line, command)))
                    self.commands.append(command._replace(line=len(self.places) - 1))

    def beside(self, other: _Run) -> list[Command]:
        """The commands that count: one that may fail unseen checks nothing, but says how one of the other side is weaker."""
        programs = {one.program for one in other.commands}
        return [one for one in self.commands if not one.ignored or one.program in programs]

    def place(self, text: str) -> _At:
        """Where a command is."""
        return next((self.places[one.line] for one in self.commands if one.text == text), self.places[0])


def ci_command_changes(base: Files, head: Files) -> Iterator[SettingChange]:
    """What the changed files of CI systems no longer run, run otherwise, or run for fewer Pythons or events.

    Args:
        base: path on the head → text on the base.
        head: path → text on the head.
    """
    paths = sorted(path for path in {*base, *head} if base.get(path) != head.get(path))
    old, new = ({path: side[path] for path in paths if path in side and has_scripts(path)} for side in (base, head))
    if not any(map(has_scripts, old)):  # what is new takes nothing away
        return
    before, after = _Run(old), _Run(new)
    # A runner or an action that is new may run all that is gone: what it does is not in sight.
    unseen = bool(after.uses - before.uses) or bool(_runners(after) - _runners(before))
    for said_of in command_changes(before.beside(after), after.beside(before), Subject("CI", "commands")):
        said = said_of.said
        at = after.places[said_of.line] if said_of.line else before.place(said.before)
        excused = unseen and said.direction == "weaker" and not said.after
        yield SettingChange(
            tool="ci", key=said_of.key, path=at.path, line=at.line if said_of.line else 0, before=said.before, after=said.after,
            direction="other" if excused else said.direction, what=said.what, strength="hint" if said_of.hint else "certain",
        )  # fmt: skip
    yield from _pythons(old, new, head)
    yield from _events(old, new)


def _is_check(command: Command) -> bool:
    if not checks(command):
        return False
    first = command.program.split(" ")[0]
    if table_of(command.program) or purpose(command.program) >= 0 or first in _RUN_ALL:
        return True
    return first in GENERIC | _OTHERS and _CHECKING.search(command.text) is not None


def _runners(run: _Run) -> set[str]:
    return {one.text for one in run.commands if one.program.split(" ")[0] in GENERIC | _RUN_ALL}


def _line_of(text: str, first: int, command: Command) -> int:
    """The line of a script that holds the program of a command; its first line if none does."""
    name = command.program.split(" ")[0]
    rows = text.split("\n")[first - 1 :]
    return first + next(
        (number for number, row in enumerate(rows) if re.search(rf"(?<![\w-]){re.escape(name)}\b", row)), 0
    )


def _pythons(old: Files, new: Files, head: Files) -> Iterator[SettingChange]:
    """Versions of Python that no changed workflow names any more, and that the project still claims to support."""
    before, after = (frozenset().union(*(pythons_of(path, text) for path, text in side.items())) for side in (old, new))
    supported = _supported(head.get("pyproject.toml", ""))
    for gone, versions in ((True, before - after), (False, after - before)):
        shown = ", ".join(
            ".".join(map(str, version))
            for version in sorted(versions)
            if supported.contains(".".join(map(str, version)))
        )
        if shown and before and after:
            path = next(path for path, text in (new if not gone else old).items() if versions & pythons_of(path, text))
            yield SettingChange(
                tool="ci", key="Python", path=path, before=shown if gone else "", after="" if gone else shown,
                direction="weaker" if gone else "stronger",
                what=f"CI no longer runs on Python {shown}, which the project supports" if gone else f"CI now runs on Python {shown}",
            )  # fmt: skip


def _supported(text: str) -> SpecifierSet:
    try:
        return SpecifierSet(str(tomllib.loads(text).get("project", {}).get("requires-python", "")))
    except (tomllib.TOMLDecodeError, InvalidSpecifier, AttributeError):
        return SpecifierSet()


def _events(old: Files, new: Files) -> Iterator[SettingChange]:
    """Workflows that no longer run before a merge."""
    for path in new:
        if path not in old:
            continue
        before, after = triggers_of(path, old[path]), triggers_of(path, new[path])
        if not before or not after or not any(map(_is_check, _Run({path: new[path]}).commands)):
            continue
        for event in _EVENTS:
            if (event in before) != (event in after):
                gone = event in before
                if gone and "pull_request_target" in after - before:
                    continue
                yield SettingChange(
                    tool="ci", key=f"on {event}", path=path, before=event if gone else "", after="" if gone else event,
                    direction="weaker" if gone else "stronger",
                    what=f"the workflow {'no longer' if gone else 'now'} starts for {event}",
                )  # fmt: skip
