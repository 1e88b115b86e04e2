"""What tox runs: its environments, and the commands of each section. Reads text."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from gates.analysis.strictness.command import Command, checks, shell_commands
from gates.analysis.strictness.commands import command_changes
from gates.analysis.strictness.rules import Items, Subject
from gates.analysis.strictness.side import Ini, Side, Value, lines_of
from gates.portable.patterns import lazy_pattern
from gates.results import SettingChange

FILE = "tox.ini"
_LISTS = ("env_list", "envlist")
_OF_ONE, _OF_ALL = "testenv:", "testenv"
_FACTORS = lazy_pattern(r"^[\w{},!.-]+:\s+")
"""`py310,py311: command`: a line for some environments."""

_WORDS = lazy_pattern(r"\{posargs(?::([^{}]*))?\}")
"""Words of a person; what stands behind the colon is used without them."""

_CHOICE = lazy_pattern(r"\{([^{}]*)\}")
_ENVIRONMENTS = Items(does="runs {}", strict=True)


def tox_changes(base: Side, head: Side) -> Iterator[SettingChange]:
    """Environments that tox no longer runs, and commands of a section that check less."""
    if base.files.get(FILE) == head.files.get(FILE):
        return
    before, after = (side.sections(FILE) for side in (base, head))
    yield from _environments(base, head)
    for name in before:
        if name in after and name.startswith(_OF_ALL):
            old, new = (list(_commands(section[name].get("commands", ""))) for section in (before, after))
            place = Ini(after[name], FILE, name).value("commands")
            for said_of in command_changes(old, new, Subject(f"tox, in [{name}],", "commands")):
                said = said_of.said
                change = SettingChange(
                    tool="tox", key=f"{name}: {said_of.key}", path=head.path(FILE), line=head.line(place),
                    before=said.before, after=said.after, direction=said.direction, what=said.what,
                )  # fmt: skip
                yield msgspec.structs.replace(change, strength="hint") if said_of.hint else change


def _environments(base: Side, head: Side) -> Iterator[SettingChange]:
    """An environment that has another name, and runs the same, is no loss."""
    old, new = _listed(base), _listed(head)
    if old is None or new is None:
        return
    before, after = (frozenset(expanded(value.value)) for value in (old, new))
    if before == after:
        return
    for said in _ENVIRONMENTS.judge(Subject("tox", "env_list"), before, after):
        others = (after - before) if said.direction == "weaker" else (before - after)
        sides = (base, head) if said.direction == "weaker" else (head, base)
        renamed = all(any(_runs(sides[0], one) == _runs(sides[1], other) for other in others) for one in said.items)
        yield SettingChange(
            tool="tox", key="env_list", path=head.path(FILE), line=head.line(new), before=said.before, after=said.after,
            direction="other" if others and renamed else said.direction, what=said.what,
        )  # fmt: skip


def _listed(side: Side) -> Value | None:
    table = side.ini(FILE, "tox")
    key = next((key for key in _LISTS if table is not None and key in table.table), "")
    return table.value(key) if table is not None and key else None


def expanded(text: str) -> Iterator[str]:
    """The names in a list of environments: `py3{10,11}-{a,b}` stands for four."""
    depth, name = 0, ""
    for letter in f"{text}\n":
        depth += (letter == "{") - (letter == "}")
        if depth <= 0 and letter in ", \t\n":
            yield from _choices(name) if name else ()
            name = ""
        else:
            name += letter


def _choices(name: str) -> Iterator[str]:
    found = _CHOICE.search(name)
    if found is None:
        yield name
        return
    for one in found[1].split(","):
        yield from _choices(f"{name[: found.start()]}{one.strip()}{name[found.end() :]}")


def _runs(side: Side, environment: str) -> object:
    sections = side.sections(FILE)
    section = sections.get(f"{_OF_ONE}{environment}") or sections.get(_OF_ALL) or {}
    return section.get("commands"), section.get("base_python") or section.get("basepython") or _python(environment)


def _python(environment: str) -> str:
    return next((factor for factor in environment.split("-") if re.fullmatch(r"(py|pypy)?\d[\d.]*", factor)), "")


def _commands(text: str) -> Iterator[Command]:
    joined = text.replace("\\\n", " ")
    for line in lines_of(joined):
        plain = _FACTORS.sub("", line.strip(), count=1).lstrip("-! ")
        script = _WORDS.sub(lambda found: found[1] or "", plain)
        yield from filter(checks, shell_commands(script))
