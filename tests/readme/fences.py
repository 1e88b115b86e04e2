"""The blocks of commands in the pages, what they show, and the marks that say how a test treats them.

<!-- commands: SCENE -->        the commands of this page are run, in order, in the project of that scene
<!-- not run: REASON -->        but not those of the next block
<!-- file: PATH -->             the next block is a file of the project
<!-- added to: PATH -->         the next block is added to that file, in place of what another block added
"""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import msgspec
from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = ("bash", "console", "sh", "shell")

_MARK = re.compile(r"<!-- (commands|not run|file|added to): (.*?) -->")


class Command(msgspec.Struct, frozen=True):
    """A command, and the lines that the page shows below it; None if it shows none."""

    line: str
    shown: tuple[str, ...] | None = None


def words_of(line: str) -> tuple[list[str], str]:
    """The words of a command, without its comment, and the file that takes what it prints; empty for none."""
    words = shlex.split(line, comments=True)
    return (words[:-2], words[-1]) if words[-2:-1] == [">"] else (words, "")


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A block of a page.

    Attributes:
        page: its path from the root.
        line: where it begins, from 1.
        commands: those in it; none for a file.
        text: of a file.
        mark: kind and value of its mark; empty for none.
    """

    page: str
    line: int
    commands: tuple[Command, ...] = ()
    text: str = ""
    mark: tuple[str, str] = ("", "")

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


class Page(msgspec.Struct, frozen=True):
    """The blocks of a page with commands and files, and the scene that they are run in; empty for none."""

    name: str
    scene: str
    blocks: tuple[Block, ...]


@cache
def page_of(path: Path) -> Page:
    name = path.relative_to(ROOT).as_posix()
    return parsed(path.read_text(encoding="utf-8"), name)


def parsed(text: str, name: str = "page") -> Page:
    """The blocks of a text. A `text` block that follows commands at once is what the last of them shows."""
    scene, mark = "", ("", "")
    blocks: list[Block] = []
    last = False
    for token in MarkdownIt().parse(text):
        if token.type == "html_block":
            for kind, value in _MARK.findall(token.content):
                if kind == "commands":
                    scene = value
                else:
                    mark = (kind, value)
        elif token.type == "fence":
            language = (token.info.split() or [""])[0]
            line = (token.map or [0])[0] + 1
            shown = tuple(token.content.splitlines())
            if language in LANGUAGES:
                commands = tuple(_console(shown) if language == "console" else map(Command, _plain(shown)))
                blocks.append(Block(page=name, line=line, commands=commands, mark=mark))
            elif language == "text" and last and blocks[-1].commands[-1].shown is None:
                *before, command = blocks[-1].commands
                commands = (*before, Command(command.line, shown))
                blocks[-1] = msgspec.structs.replace(blocks[-1], commands=commands)
            elif mark[0] in ("file", "added to"):
                blocks.append(Block(page=name, line=line, text=token.content, mark=mark))
            last, mark = language in LANGUAGES, ("", "")
        elif token.type == "inline":
            last, mark = False, ("", "")
    return Page(name, scene, tuple(blocks))


def _plain(lines: tuple[str, ...]) -> list[str]:
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _console(lines: tuple[str, ...]) -> list[Command]:
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return [Command(line, tuple(shown) if shown else None) for line, shown in found]


_HASH = re.compile(r"\b[0-9a-f]{12}\b|(?<=-)[0-9a-f]{6}(?=\])")
_TIME = re.compile(r" *\b(?:\d+m )?\d+(?:\.\d+)? ?m?s\b")


def differs(shown: tuple[str, ...], printed: str) -> str:
    """The first line that the page shows and the program does not print; empty if there is none.

    `…` stands for any text, and as a line of its own for any lines. Hashes, times and spaces may differ.
    """
    lines = [_same(line) for line in printed.splitlines()]
    at, skip = 0, False
    for line in shown:
        if line.strip() == "…":
            skip = True
            continue
        wanted = re.compile(".*".join(map(re.escape, _same(line).split("…"))))
        found = next((n for n, known in enumerate(lines[at:], at) if wanted.fullmatch(known)), -1)
        if found < 0 or (found > at and not skip):
            return line
        at, skip = found + 1, False
    return (
        "" if skip or not any(lines[at:]) else f"(the page ends; the program goes on: {next(filter(None, lines[at:]))})"
    )


def _same(line: str) -> str:
    return " ".join(_TIME.sub(" TIME", _HASH.sub("HASH", line)).split())
