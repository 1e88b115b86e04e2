"""The text of a module by bytes, so that a fault can replace exactly one piece of it and no line moves."""

from __future__ import annotations

import ast
import difflib
import hashlib
from functools import cached_property

import msgspec

SHORT_DIGEST = 8
"""Hexadecimal digits of a mutant's id."""


class Edit(msgspec.Struct, frozen=True):
    """A replacement of bytes in the UTF-8 text of a module; it keeps the number of lines.

    Attributes:
        start: the first replaced byte.
        end: the byte after the last.
        text: what stands there instead.
    """

    start: int
    end: int
    text: str

    def apply(self, data: bytes) -> bytes:
        """The text with the fault."""
        return data[: self.start] + self.text.encode() + data[self.end :]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that can be planted.

    Attributes:
        path: the module's file, with `/`.
        line: where the replaced piece begins.
        function: qualified name of the function around it; empty outside of functions.
        operator: name of the table's row that made it.
        what: what was changed, for people: `< became <=`.
        edit: the replacement.
        probe: line and column of the statement around it: a test that runs this statement may notice the fault.
        weight: how promising it is; the highest first.
        id: a name that stays the same while function, operator and text of the line do.
    """

    path: str
    line: int
    function: str
    operator: str
    what: str
    edit: Edit
    probe: tuple[int, int]
    weight: int
    id: str = ""


class Source:
    """A module's text, and where its nodes are.

    Args:
        path: of its file, with `/`.
        data: its content.

    Raises:
        ValueError: it is not UTF-8, or not Python.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.path, self.data = path, data
        self.text = data.decode("utf-8")
        try:
            self.tree = ast.parse(self.text)
        except (SyntaxError, RecursionError) as error:
            raise ValueError(f"not Python: {error}") from error
        self._starts = [0]
        for line in data.split(b"\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    @cached_property
    def lines(self) -> list[str]:
        """Its lines, without their ends."""
        return self.text.split("\n")

    def at(self, line: int, column: int) -> int:
        """The byte at a line (from 1) and a column (bytes, as in `ast`)."""
        return self._starts[line - 1] + column

    def span(self, node: ast.expr | ast.stmt | ast.keyword | ast.ExceptHandler) -> tuple[int, int]:
        """The bytes of a node."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)

    def piece(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.data[start:end].decode("utf-8", "replace")

    def line_of(self, position: int) -> int:
        """The line of a byte."""
        return self.data.count(b"\n", 0, position) + 1

    def replaced(self, start: int, end: int, text: str) -> Edit:
        """The edit that replaces some bytes; lost line ends are added at its end."""
        lost = self.data.count(b"\n", start, end) - text.count("\n")
        return Edit(start, end, text + "\n" * max(0, lost))

    def diff(self, edit: Edit) -> str:
        """Unified diff of the lines that an edit changes, without the heading of the file."""
        changed = edit.apply(self.data).decode("utf-8", "replace").split("\n")
        lines = difflib.unified_diff(self.lines, changed, self.path, self.path, lineterm="", n=0)
        return "\n".join(line.rstrip("\r") for line in list(lines)[2:] if line not in ("+", "-"))

    def name_of(self, function: str, operator: str, edit: Edit) -> str:
        """The id of a fault: no line number is part of it, so that it survives changes elsewhere in the file."""
        number = self.line_of(edit.start)
        inside = edit.start - self._starts[number - 1]
        line = self.lines[number - 1]
        shift = len(line) - len(line.lstrip())
        told = "\0".join((self.path, function, operator, line.strip(), str(inside - shift), edit.text.strip()))
        return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:SHORT_DIGEST]
