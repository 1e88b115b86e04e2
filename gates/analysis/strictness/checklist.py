"""The gates of both sides, and what each of them runs: which are gone, new, renamed, split, or run with less."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from gates.analysis.reading import parse
from gates.analysis.strictness.command import Command, checks, commands_of
from gates.analysis.strictness.commands import InFiles, command_changes, is_part
from gates.analysis.strictness.gates_settings import OWN_FILE, PROJECT_FILE, config_of
from gates.analysis.strictness.rules import Items, Rule, Said, Scale, Subject, Switch
from gates.analysis.strictness.sessions import TAG, Noxfile, Session, code_of, read_noxfile
from gates.analysis.strictness.side import Broken, Side
from gates.portable.settings.kinds import command as split_command
from gates.results import SettingChange
from gates.results.weakening import Direction

NOXFILE = "noxfile.py"
FILES = (NOXFILE, PROJECT_FILE, OWN_FILE)


class GateText(NamedTuple):
    """A gate, as far as the files of its side show it.

    Attributes:
        name: as in `--gate`, without an interpreter or parameters.
        path: of the file that declares it.
        line: in that file.
        commands: that can make it fail.
        pythons: interpreters that it is run on.
        skips: how many calls may skip it.
        node: the function of its session.
    """

    name: str
    path: str
    line: int
    commands: tuple[Command, ...] = ()
    pythons: tuple[str, ...] = ()
    skips: int = 0
    node: ast.FunctionDef | ast.AsyncFunctionDef | None = None


class Checklist(NamedTuple):
    """The gates of one side, and the settings of nox."""

    gates: Mapping[str, GateText]
    options: Mapping[str, tuple[Any, int]]
    sessions: Mapping[str, Session]
    side: Side


def checklist_of(side: Side) -> Checklist | None:
    """The checklist of a folder; None if one of its files is broken."""
    tree = parse(side.files[NOXFILE]) if NOXFILE in side.files else ast.Module(body=[], type_ignores=[])
    if tree is None:
        side.broken[NOXFILE] = Broken(side.path(NOXFILE), *_syntax(side.files[NOXFILE]))
    config = config_of(side)
    if tree is None or side.broken.keys() & set(FILES):
        return None
    tables = config.below("gate").table if config else {}
    adopted = {
        str(table["session"]): name for name, table in tables.items() if isinstance(table, dict) and "session" in table
    }
    try:
        noxfile = read_noxfile(tree, adopted, [name for name, table in tables.items() if _has_words(table)])
    except RecursionError:
        side.broken[NOXFILE] = Broken(side.path(NOXFILE), 0, "its code is nested too deeply")
        return None
    gates = dict(_sessions(noxfile, side, tables, adopted))
    if config is not None:
        for name, table in config.below("gate").table.items():
            if isinstance(table, dict) and "command" in table:
                place = config.value("gate", name)
                gates[name] = GateText(name, place.path, side.line(place), tuple(filter(checks, _configured(table))))
    return Checklist(gates, noxfile.options, noxfile.sessions, side)


def _syntax(text: str) -> tuple[int, str]:
    try:
        ast.parse(text)
    except SyntaxError as error:
        return error.lineno or 0, f"not valid Python: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return 0, f"not valid Python: {error}"
    return 0, "not valid Python"


def _sessions(
    noxfile: Noxfile, side: Side, config: Mapping[str, Any], adopted: Mapping[str, str]
) -> Iterator[tuple[str, GateText]]:
    for session in noxfile.sessions.values():
        name = adopted.get(session.name, session.name)
        if session.tags is None or TAG in session.tags or session.name in adopted:
            yield name, _gate(name, session, side, config.get(name))


def _gate(name: str, session: Session, side: Side, config: Any) -> GateText:
    more = tuple(_words(config.get("args"))) if isinstance(config, dict) else ()
    commands = [one for one in session.commands if checks(one)]
    if more and commands:  # extra arguments go to what the session passes them to, most often its last command
        last = commands[-1]
        commands[-1] = next(commands_of((*last.program.split(" "), *last.words, *more), line=last.line), last)
    return GateText(
        name, side.path(NOXFILE), session.line, tuple(commands), session.pythons, session.skips, session.node
    )


def _has_words(table: Any) -> bool:
    return isinstance(table, dict) and bool(table.get("args"))


def _words(value: Any) -> Sequence[str]:
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _configured(table: Mapping[str, Any]) -> Iterator[Command]:
    try:
        words = split_command(table["command"])
    except ValueError:
        return
    yield from commands_of((*words, *_words(table.get("args"))))


def checklist_changes(before: Checklist, after: Checklist, files: InFiles | None = None) -> Iterator[SettingChange]:
    """What changed in the checklist.

    A gate that is gone takes nothing away if others run what it ran; a new gate adds nothing if others ran it.

    Args:
        before: of the base.
        after: of the head.
        files: what files set for the programs of the gates.
    """
    old, new = before.gates, after.gates
    gone = [gate for name, gate in old.items() if name not in new]
    added = [gate for name, gate in new.items() if name not in old]
    for gate in gone:
        yield _gone(gate, after, added, before)
    for gate in added:
        yield _added(gate, before, gone, after)
    for name, gate in new.items():
        if name in old:
            yield from _changed(old[name], gate, (before, after), files)
    yield from _options(before, after)


def _gone(gate: GateText, after: Checklist, added: Collection[GateText], before: Checklist) -> SettingChange:
    heirs = _heirs(gate, added, after.gates.values(), before.gates)
    if heirs:
        what = f"the gate {gate.name} is gone, and what it ran is run by {', '.join(heirs)}"
        return _change(gate, "gate", gate.name, ", ".join(heirs), "other", what, after.side)
    untagged = gate.name in after.sessions
    what = f"the gate {gate.name} is no longer in the checklist" + (
        f": its session has lost the tag {TAG!r}" if untagged else ""
    )
    line = after.sessions[gate.name].line if untagged else 0
    return _change(gate, "gate", gate.name, "", "weaker", what, after.side, line)


def _added(gate: GateText, before: Checklist, gone: Collection[GateText], after: Checklist) -> SettingChange:
    earlier = _heirs(gate, gone, before.gates.values(), after.gates)
    direction: Direction = "other" if earlier else "stronger"
    what = f"the gate {gate.name} is new" + (f", and runs what {', '.join(earlier)} ran" if earlier else "")
    return SettingChange(
        tool="gates", key=f"gate {gate.name}", path=gate.path, line=gate.line,
        before=", ".join(earlier), after=gate.name, direction=direction, what=what,
    )  # fmt: skip


def _heirs(
    gate: GateText, first: Collection[GateText], every: Collection[GateText], known: Mapping[str, GateText]
) -> tuple[str, ...]:
    """The gates that run what this one ran: one with the same code, or some that together have its commands.

    A command may be run on more by another gate, or on parts by several gates; whether the parts are everything, the
    tests of the runs show.
    """
    code = code_of(gate.node)
    for other in first:
        if code and code == code_of(other.node):
            return (other.name,)
    if not gate.commands:
        return ()
    names: dict[str, None] = {}
    for command in gate.commands:
        # A gate that ran the same before cannot make up for it.
        found = [
            other.name
            for other in every
            if any(command.same == one.same for one in other.commands)
            and not (other.name in known and any(command.same == one.same for one in known[other.name].commands))
        ]
        parts = [other.name for other in first if any(is_part(one, command) for one in other.commands)]
        wider = [other.name for other in first if any(is_part(command, one) for one in other.commands)]
        if not found and len(parts) < 2 and not wider:
            return ()
        names |= dict.fromkeys(found[:1] or wider[:1] or parts)
    return tuple(names)


_PYTHONS = Items(does="runs on Python {}", strict=True)
_SKIPS = Scale(
    default=0, rank=lambda value: -float(value), weaker="it may end without a check", stronger="it must check something"
)


def _changed(
    old: GateText, new: GateText, sides: tuple[Checklist, Checklist], files: InFiles | None
) -> Iterator[SettingChange]:
    before, after = sides

    def said(key: str, rule: Rule, first: object, second: object) -> Iterator[SettingChange]:
        if first != second:
            about = Subject(f"the gate {new.name}", key)
            for one in rule.judge(about, first, second):
                yield _place(new, f"gate {new.name}: {key}", one)

    if bool(old.pythons) == bool(new.pythons):
        yield from said("python", _PYTHONS, old.pythons, new.pythons)
    yield from said("session.skip", _SKIPS, old.skips, new.skips)
    moved = {one.same for gate in after.gates.values() if gate.name != new.name for one in gate.commands}
    moved -= {one.same for gate in before.gates.values() if gate.name != new.name for one in gate.commands}
    came = {one.same for gate in before.gates.values() if gate.name != new.name for one in gate.commands}
    came -= {one.same for gate in after.gates.values() if gate.name != new.name for one in gate.commands}
    about = Subject(f"the gate {new.name}", "command")
    for said_of in command_changes(old.commands, new.commands, about, moved, came, files):
        change = _place(new, f"gate {new.name}: {said_of.key}", said_of.said, said_of.line)
        yield msgspec.structs.replace(change, strength="hint") if said_of.hint else change


def _place(gate: GateText, key: str, said: Said, line: int = 0) -> SettingChange:
    return SettingChange(
        tool="gates", key=key, path=gate.path, line=line or gate.line,
        before=said.before, after=said.after, direction=said.direction, what=said.what,
    )  # fmt: skip


def _change(
    gate: GateText, kind: str, before: str, after: str, direction: Direction, what: str, head: Side, line: int = 0
) -> SettingChange:
    """A change of something that only the base has, and whose line the head does not."""
    here = gate.path.removeprefix(head.folder) in head.files
    return SettingChange(
        tool="gates", key=f"{kind} {gate.name}", path=gate.path, line=line if here else gate.line,
        before=before, after=after, direction=direction, what=what,
    )  # fmt: skip


_OPTIONS: Mapping[str, Rule] = {
    "error_on_missing_interpreters": Switch(does="fails for an interpreter that is missing"),
    "error_on_external_run": Switch(does="fails for a program from outside of the session"),
}


def _options(before: Checklist, after: Checklist) -> Iterator[SettingChange]:
    for name, rule in _OPTIONS.items():
        (old, _), (new, line) = (side.options.get(name, (False, 0)) for side in (before, after))
        if old != new:
            for said in rule.judge(Subject("nox", name), old, new):
                yield SettingChange(
                    tool="gates", key=f"nox.options.{name}", path=after.side.path(NOXFILE), line=line,
                    before=said.before, after=said.after, direction=said.direction, what=said.what,
                )  # fmt: skip
