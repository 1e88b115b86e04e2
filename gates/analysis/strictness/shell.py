"""Read a line of shell: which commands it runs, and of which it ignores how they end. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_ENDS = frozenset({";", "&&", "||", "|", "&", "\n", ";;"})
_NOTHING = frozenset({"true", ":", "echo", "printf"})


class Part(NamedTuple):
    """One command of a line.

    Attributes:
        words: of the command.
        ignored: whether it may fail without making the line fail.
    """

    words: tuple[str, ...]
    ignored: bool = False


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
