"""The lines that differ between two trees, and the position of equal lines in each, from `git diff -U0`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from gates.portable.patterns import lazy_pattern
from gates.vcs.git import Git

_HUNK = lazy_pattern(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


class Hunk(NamedTuple):
    """Lines that replace others; lines are counted from 1.

    Attributes:
        before: the first line on the base; for an insertion, the line before it.
        removed: the texts of its lines on the base.
        after: the first line on the head; for a removal, the line before it.
        added: the texts of its lines on the head.
    """

    before: int
    removed: tuple[str, ...]
    after: int
    added: tuple[str, ...]


class FileDifference(NamedTuple):
    """A file that differs.

    Attributes:
        before: its path on the base; empty for a new one.
        after: its path on the head; empty for one that was removed.
        hunks: from the first line to the last; none for a binary file, or one that was only renamed.
    """

    before: str
    after: str
    hunks: tuple[Hunk, ...] = ()

    def back(self, line: int) -> int:
        """The line of the base for a line of the head; 0 for an added or changed line."""
        moved = 0
        for hunk in self.hunks:
            first = hunk.after if hunk.added else hunk.after + 1
            if line < first:
                break
            if line < first + len(hunk.added):
                return 0
            moved += len(hunk.removed) - len(hunk.added)
        return line + moved

    def added(self) -> Iterator[tuple[int, str]]:
        """The lines that only the head has, with their texts."""
        for hunk in self.hunks:
            yield from enumerate(hunk.added, hunk.after)

    def removed(self) -> Iterator[tuple[int, str]]:
        """The lines that only the base has, with their texts."""
        for hunk in self.hunks:
            yield from enumerate(hunk.removed, hunk.before)


def differences(git: Git, before: str, after: str) -> tuple[FileDifference, ...]:
    """The files that differ between two trees, renames followed; paths are relative to git's folder.

    Raises:
        EnvironmentProblem: git failed.
    """
    words = ("diff-tree", "-r", "-M", "-U0", "--patch-with-raw", "-z", "--relative", "--full-index")
    plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--inter-hunk-context=0", "--diff-algorithm=myers")
    return tuple(_parse(git.need_bytes(*words, *plain, before, after)))


def _parse(data: bytes) -> Iterator[FileDifference]:
    files, patch = _files(data)
    # Only a heading begins like this: every line of a hunk has a prefix.
    sections = re.split(rb"^diff --git ", patch, flags=re.MULTILINE)[1:]
    position = 0
    for status, before, after in files:
        number = 2 if status == b"T" else 1  # another type, such as a link: git shows a removal and an addition
        hunks = tuple(hunk for section in sections[position : position + number] for hunk in _hunks(section))
        position += number
        yield FileDifference(
            "" if status == b"A" else _text(before), "" if status == b"D" else _text(after or before), hunks
        )


def _files(data: bytes) -> tuple[list[tuple[bytes, bytes, bytes]], bytes]:
    """Status, path and new path of each file, and the patch after them."""
    found = []
    position = 0

    def field() -> bytes:
        nonlocal position
        end = data.index(b"\0", position)
        text, position = data[position:end], end + 1
        return text

    while data[position : position + 1] == b":":
        status = field().rpartition(b" ")[2][:1]
        before = field()
        found.append((status, before, field() if status in b"RC" else b""))
    return found, data[position:].removeprefix(b"\0")


def _hunks(section: bytes) -> Iterator[Hunk]:
    lines = section.split(b"\n")
    number = 0
    while number < len(lines):
        match = _HUNK.match(lines[number])
        number += 1
        if match is None:
            continue
        texts: dict[bytes, list[str]] = {b"-": [], b"+": []}
        while number < len(lines) and lines[number][:1] in (b"-", b"+", b"\\"):
            mark = lines[number][:1]
            if mark != b"\\":  # "No newline at end of file"
                texts[mark].append(lines[number][1:].decode("utf-8", "replace"))
            number += 1
        yield Hunk(int(match[1]), tuple(texts[b"-"]), int(match[3]), tuple(texts[b"+"]))


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
