"""Read a command: which programs it starts, through wrappers and shells, and of which it ignores how they end. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from gates.portable.patterns import lazy_pattern

_ENDS = frozenset({";", "&&", "||", "|", "&", "\n", ";;"})
_NOTHING = frozenset({"true", ":", "echo", "printf"})
_OPERATORS = frozenset({"||", "&&", ";", "|"})
_SHELLS = frozenset({"sh", "bash", "dash", "zsh"})
_WRAPPERS = frozenset({"xvfb-run", "time", "nice", "exec", "command", "stdbuf", "unbuffer", "env"})
_RUNNERS = frozenset({"uv", "poetry", "pdm", "hatch", "pipenv", "rye", "pixi", "conda"})
_WRAPPERS_WITH_VALUE = frozenset({"-u", "-C", "-n"})
_WITH_VALUE = frozenset({"--with", "--group", "--extra", "--python", "-p", "-n"})
"""Options of wrappers and runners that take a value."""

_ASSIGNMENT = lazy_pattern(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_SHELL_LINE = lazy_pattern(r"-\w*c")


class Part(NamedTuple):
    """One command of a line.

    Attributes:
        words: of the command.
        ignored: whether it may fail without making the line fail.
        variables: set for it: name → value, None to clear it.
        runner: the tool that chooses its program and environment, such as `uv`; empty for none.
    """

    words: tuple[str, ...]
    ignored: bool = False
    variables: Mapping[str, str | None] = {}
    runner: str = ""


def base_name(word: str) -> str:
    """The name of a program, without its folder and without quotes."""
    return re.split(r"[/\\]", word.strip("{}\"'"))[-1].rstrip("\"')") or word


def started_by(words: Sequence[str], variables: Mapping[str, str | None] | None = None) -> Iterator[Part]:
    """The commands that a list of words starts: a shell starts those of its line, and `env` what follows it."""
    known = dict(variables or {})
    left, runner = _without_wrappers(words, known)
    if not left:
        return
    if base_name(left[0]) in _SHELLS and any(_SHELL_LINE.fullmatch(word) for word in left[1:-1]):
        at = next(number for number, word in enumerate(left) if number and _SHELL_LINE.fullmatch(word))
        inner = started_in_shell(left[at + 1], known)
    elif not _OPERATORS.isdisjoint(left):  # written as for a shell
        inner = started_in_shell(" ".join(word if word in _OPERATORS else shlex.quote(word) for word in left), known)
    else:
        inner = iter((Part(tuple(left), variables=known),))
    yield from (part._replace(runner=part.runner or runner) for part in inner)


def started_in_shell(script: str, variables: Mapping[str, str | None] | None = None) -> Iterator[Part]:
    """The commands that some shell starts."""
    for part in parts_of(script):
        for found in started_by(part.words, variables):
            yield found._replace(ignored=part.ignored or found.ignored)


def _without_wrappers(words: Sequence[str], variables: dict[str, str | None]) -> tuple[list[str], str]:
    """What is left of a command without wrappers, and the runner that starts it."""
    left, runner = list(words), ""
    while left:
        assigned = _ASSIGNMENT.fullmatch(left[0])
        if assigned:
            variables[assigned[1]] = assigned[2]
            left.pop(0)
        elif base_name(left[0]) == "timeout" and len(left) > 1:
            left = left[2:]
        elif base_name(left[0]) in _WRAPPERS:
            left.pop(0)
            while left and left[0].startswith("-"):
                left = left[2:] if left[0] in _WRAPPERS_WITH_VALUE else left[1:]
        elif base_name(left[0]) in _RUNNERS and len(left) > 1 and left[1] == "run":
            runner, left = base_name(left[0]), left[2:]
            while left and left[0].startswith("-"):
                left = left[2:] if left[0] in _WITH_VALUE else left[1:]
        else:
            break
    return left, runner


def parts_of(line: str) -> tuple[Part, ...]:
    """The commands of a line; the whole line as one word if it cannot be read."""
    try:
        lexer = shlex.shlex(line.replace("\\\n", " "), posix=True, punctuation_chars="();<>|&\n")
        lexer.whitespace, lexer.whitespace_split = " \t\r", True
        tokens = list(lexer)
    except ValueError:
        return (Part((line,)),)
    return tuple(_parts(tokens))


def _parts(tokens: Sequence[str]) -> Iterator[Part]:
    commands: list[tuple[list[str], str]] = []
    words: list[str] = []
    for token in [*tokens, ";"]:
        if token in _ENDS or set(token) <= {";", "\n"}:
            if words:
                commands.append((words, token))
            words = []
        elif token not in ("(", ")", "{", "}"):
            words.append(token)
    strict, piped = False, False
    for number, (command, end) in enumerate(commands):
        if command[0] == "set":
            flags = "".join(word for word in command[1:] if word.startswith("-"))
            strict = strict or "e" in flags.replace("pipefail", "")
            strict = strict and not any(word.startswith("+") and "e" in word for word in command[1:])
            piped = piped or "pipefail" in command
            continue
        following = commands[number + 1][0] if number + 1 < len(commands) else []
        succeeds = following[:1] == ["exit"] and following[1:] == ["0"]
        ignored = (
            (end == "||" and bool(following) and (following[0] in _NOTHING or succeeds))
            or (end == "|" and not piped)
            or (end in (";", "\n") and bool(following) and not strict and (following[0] in _NOTHING or succeeds))
            or end == "&"
        )
        if command[0] not in _NOTHING and command[0] != "exit":
            yield Part(tuple(command), ignored)
