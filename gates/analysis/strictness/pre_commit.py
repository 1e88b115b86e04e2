"""Compare the hooks of pre-commit: which there are, with which arguments, and on which files. Reads lines of text. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gates.analysis.strictness.ci_scripts import block_of, items_of, plain
from gates.analysis.strictness.command import Command, options_of
from gates.analysis.strictness.commands import command_changes, purpose
from gates.analysis.strictness.rules import Subject
from gates.portable.patterns import lazy_pattern
from gates.results import SettingChange

HOOKS = ".pre-commit-config.yaml"
_HOOK = lazy_pattern(r"(-\s+)?id:\s*[\"']?([\w.-]+).*")
_KEY = lazy_pattern(r"(-\s+)?(args|exclude|files|stages)\s*:(.*)")
_PROGRAMS = {"ruff": "ruff check", "ruff-check": "ruff check", "ruff-format": "ruff format"}
"""Hook → the program that it starts, where that has another name."""


class _Hook(NamedTuple):
    line: int
    args: tuple[str, ...] = ()
    exclude: str = ""
    manual: bool = False

    def command(self, name: str) -> Command:
        program = _PROGRAMS.get(name, name)
        # A hook fails if it changed a file, so that a repair is no way past it.
        words = tuple(word for word in self.args if not word.startswith(("--fix", "--exit-non-zero-on-fix")))
        return Command(program, words, options_of(program, words), line=self.line)


def hook_changes(path: str, base: str, head: str) -> Iterator[SettingChange]:
    """Hooks that are gone, or check less; one that another with the same purpose replaced is neither weaker nor stronger."""
    old, new = _hooks(base), _hooks(head)
    gone, added = ([name for name in one if name not in other] for one, other in ((old, new), (new, old)))
    for names, others, is_gone in ((gone, added, True), (added, gone, False)):
        for name in names:
            replaced = _purpose(name) >= 0 and any(_purpose(name) == _purpose(other) for other in others)
            weaker = "weaker" if is_gone else "stronger"
            yield SettingChange(
                tool="ci", key=f"hook {name}", path=path, line=0 if is_gone else new[name].line,
                before=f"id: {name}" if is_gone else "", after="" if is_gone else f"id: {name}",
                direction="other" if replaced else weaker,  # type: ignore[arg-type] # one of three words
                what=f"the hook {name} is gone" if is_gone else f"the hook {name} is new",
            )  # fmt: skip
    for name in old.keys() & new.keys():
        yield from _differences(path, name, old[name], new[name])


def _differences(path: str, name: str, old: _Hook, new: _Hook) -> Iterator[SettingChange]:
    for said_of in command_changes([old.command(name)], [new.command(name)], Subject("pre-commit", "args")):
        said = said_of.said
        yield SettingChange(
            tool="ci", key=f"hook {said_of.key}", path=path, line=new.line, before=said.before, after=said.after,
            direction=said.direction, what=said.what,
        )  # fmt: skip
    if old.exclude != new.exclude:
        yield SettingChange(
            tool="ci", key=f"hook {name} exclude", path=path, line=new.line, before=old.exclude, after=new.exclude,
            direction="weaker" if not old.exclude else "stronger" if not new.exclude else "other",
            what=f"the hook {name} leaves out {new.exclude or 'no files'} instead of {old.exclude or 'no files'}",
        )  # fmt: skip
    if old.manual != new.manual:
        yield SettingChange(
            tool="ci", key=f"hook {name} stages", path=path, line=new.line, before="manual" if old.manual else "",
            after="manual" if new.manual else "", direction="weaker" if new.manual else "stronger",
            what=f"the hook {name} runs {'only if a person asks for it' if new.manual else 'by itself'}",
        )  # fmt: skip


def _hooks(text: str) -> dict[str, _Hook]:
    """Name → hook; of several with one name the last."""
    rows, found, name = text.split("\n"), dict[str, _Hook](), ""
    for number, row in enumerate(rows):
        line = plain(row)
        hook, key = _HOOK.fullmatch(line), _KEY.fullmatch(line)
        if hook is not None:
            name = hook[2]
            found[name] = _Hook(number + 1)
        elif key is not None and name:
            words = tuple(items_of(key[3].strip(), block_of(rows, number, len(row) - len(row.lstrip()))))
            if key[2] == "args":
                found[name] = found[name]._replace(args=words)
            elif key[2] == "exclude":
                found[name] = found[name]._replace(exclude=" ".join(words))
            elif key[2] == "stages":
                found[name] = found[name]._replace(manual=words == ("manual",))
    return found


def _purpose(hook: str) -> int:
    return purpose(_PROGRAMS.get(hook, hook))
