"""Feed XML files of unknown origin to expat: in pieces, without entities, without anything outside of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat  # entity declarations are refused below

from gates.formats import ROOTS
from gates.regular import open_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Start = Callable[[str, dict[str, str]], None]
    Text = Callable[[str], None]
    End = Callable[[str], None]

_UNREADABLE = "cannot be read as XML"

PIECE = 1 << 20
"""Bytes given to the parser at once."""


def read_xml(path: Path, root: str, what: str, start: Start, end: End | None = None, text: Text | None = None) -> None:
    """Call `start` and `end` for each element, `text` for what lies between; names come without their namespace.

    Args:
        path: of the file.
        root: name of the root element.
        what: such a file is, for people: "a Checkstyle report".
        start: of an element, with its name and attributes.
        end: of an element.
        text: a piece of it.

    Raises:
        ValueError: it has another root, is no well-formed XML, is cut off, or declares an entity; says which, and where.
        OSError: it cannot be read.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def begin(name: str, attributes: dict[str, str]) -> None:
        start(name.rpartition(":")[2], attributes)

    def first(name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local != root:
            raise ValueError(f"is {ROOTS.get(local, f'XML with the root element <{local[:100]}>')}, not {what}")
        parser.StartElementHandler = begin
        begin(name, attributes)

    parser.StartElementHandler = first
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text

    def refuse(*_: object) -> None:
        raise ValueError(f"{_UNREADABLE}: line {parser.CurrentLineNumber} declares an entity, which no tool does")

    parser.EntityDeclHandler = refuse
    try:
        with open_file(path) as file:
            while piece := file.read(PIECE):
                parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ValueError(f"{_UNREADABLE}: line {error.lineno}: {expat.ErrorString(error.code)}") from None
    except LookupError as error:  # an encoding that Python does not know
        raise ValueError(f"{_UNREADABLE}: {error}") from None
