"""What the words of a command say about its strictness: which program it starts, with which options, on what. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gates.analysis.shell import Part, base_name, started_by, started_in_shell
from gates.analysis.strictness.options import TARGETS, Option, table_of, unknown_option
from gates.analysis.strictness.rules import Switch
from gates.analysis.strictness.side import lines_of
from gates.portable.patterns import lazy_pattern


class Command(NamedTuple):
    """One command of a gate.

    Attributes:
        program: its name, with the subcommand where that makes another program of it.
        words: everything after the program.
        options: name → value; what it is run on is `TARGETS`.
        codes: exit codes that count as success.
        ignored: whether it may fail without making the gate fail.
        variables: set for it: name → value, None to clear it.
        line: in its file.
        condition: that it is run on; empty for none.
    """

    program: str
    words: tuple[str, ...] = ()
    options: Mapping[str, Any] = {}
    codes: frozenset[str] = frozenset({"0"})
    ignored: bool = False
    variables: Mapping[str, str | None] = {}
    line: int = 0
    condition: str = ""

    @property
    def same(self) -> tuple[object, ...]:
        """What makes two commands the same."""
        return self.program, self.words, self.codes, self.ignored, tuple(sorted(self.variables.items()))

    @property
    def text(self) -> str:
        """For people."""
        return " ".join((self.program, *self.words))


_WITH_SUBCOMMANDS = frozenset({
    "ruff", "coverage", "uv", "pip", "pre-commit", "cargo", "npm", "yarn", "pnpm", "make", "tox", "nox", "hatch", "poetry",
    "towncrier", "git", "go", "just", "task", "prek", "twine", "codespell", "interrogate",
})  # fmt: skip
_PREPARES = frozenset({
    "pip", "pip install", "uv pip", "uv venv", "uv sync", "uv lock", "poetry install", "npm install", "npm ci", "virtualenv", "venv",
    "echo", "rm", "mkdir", "cp", "mv", "cd", "touch", "cat", "ls", "git", "coverage erase", "coverage combine", "coverage html",
    "coverage xml", "coverage json", "coverage debug", "true", ":", "export", "source", ".", "sleep", "apt-get", "tee", "head",
    "tail", "grep", "sort", "wc",
})  # fmt: skip
"""They make something ready, or show it, and check nothing."""

_PYTHON = lazy_pattern(r"(python[\d.]*|py|pypy[\d.]*)(\.exe)?")


def checks(command: Command) -> bool:
    """Whether a command can make a gate fail for what is wrong with the code."""
    first = command.program.split(" ")[0]
    return not (command.program in _PREPARES or first in ("git", "pip", "echo", "rm") or command.options.get("--version") is True)  # fmt: skip


def commands_of(words: Sequence[str], **known: Any) -> Iterator[Command]:
    """The commands that a list of words runs: a shell runs those of its line.

    Args:
        words: of the command.
        known: other fields of a `Command`.
    """
    yield from _read(started_by(words, known.pop("variables", None)), **known)


def shell_commands(script: str, /, **known: Any) -> Iterator[Command]:
    """The commands of some shell."""
    yield from _read(started_in_shell(script, known.pop("variables", None)), **known)


def _read(parts: Iterable[Part], *, ignored: bool = False, **known: Any) -> Iterator[Command]:
    for part in parts:
        program, rest = _program(part.words)
        yield Command(
            program, tuple(rest), options_of(program, rest), ignored=ignored or part.ignored, variables=part.variables, **known
        )  # fmt: skip


def _program(words: Sequence[str]) -> tuple[str, list[str]]:
    """The name of a program, and the words after it."""
    name, rest = base_name(words[0]), list(words[1:])
    before: list[str] = []
    if _PYTHON.fullmatch(name):
        while rest and rest[0] != "-m" and rest[0].startswith("-") and rest[0] != "-c":
            taken = 2 if rest[0] in ("-W", "-X") and len(rest) > 1 else 1
            before += [f"python{''.join(rest[:taken])}"]
            rest = rest[taken:]
        if len(rest) > 1 and rest[0] == "-m":
            name, rest = rest[1], rest[2:]
    if name == "coverage" and rest[:1] == ["run"] and "-m" in rest:
        at = rest.index("-m")
        before += ["coverage-run", *rest[1:at]]
        name, rest = rest[at + 1] if at + 1 < len(rest) else "coverage", rest[at + 2 :]
    if name in _WITH_SUBCOMMANDS:
        first = next((number for number, word in enumerate(rest) if not word.startswith("-")), -1)
        if name == "ruff" and (first < 0 or rest[first] not in ("check", "format", "rule", "clean", "server")):
            name = "ruff check"
        elif first >= 0:
            name = f"{name} {rest.pop(first)}"
    return name, [*before, *rest]


def options_of(program: str, words: Iterable[str]) -> dict[str, Any]:
    """The options of a program by name, and what it is run on."""
    known = table_of(program)
    found: dict[str, Any] = {}
    targets: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            targets += left
            break
        if not word.startswith("-") or word == "-":
            if word.startswith(("python-", "coverage-run")):
                _put(found, unknown_option(word), True)
            else:
                targets.append(word)
            continue
        name, value = _split(word, known)
        option = known.get(name) or unknown_option(name)
        if value is None and option.valued and left:
            value = left.pop(0)
        _put(found, option, value)
    shown = tuple(word for word in targets if "{" not in word)  # the value of a variable is not known
    if shown:
        found[TARGETS] = shown
    return found


def _split(word: str, known: Mapping[str, Option]) -> tuple[str, str | None]:
    """`--name=value` and `-nvalue` as name and value; None if it has none."""
    if word.startswith("--"):
        name, sign, value = word.partition("=")
        return name, value if sign else None
    short = word[:2]
    if word not in known and short in known and known[short].valued and len(word) > len(short):
        return short, word[2:].removeprefix("=")
    return word, None


def _put(found: dict[str, Any], option: Option, value: Any) -> None:
    if not option.valued:
        plain = value is None or value is True or isinstance(option.rule, Switch)
        found[option.name] = option.sets if plain else value
        return
    items = [item for item in re.split(r",\s*", str(value)) if item] if option.many else [str(value)]
    if option.listed:
        found[option.name] = (*found.get(option.name, ()), *items)
    else:
        found[option.name] = _number(str(value))


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def options_in(value: Any) -> dict[str, Any]:
    """The options of pytest in `addopts`: a list of words, or a text."""
    if isinstance(value, str):
        try:
            words = shlex.split(" ".join(lines_of(value)))
        except ValueError:
            words = value.split()
    else:
        words = [str(word) for word in value] if isinstance(value, list) else []
    return options_of("pytest", words)
