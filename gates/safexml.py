"""Feed XML files of unknown origin to expat: in pieces, without entities, without anything outside of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat  # entity declarations are refused below

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Start = Callable[[str, dict[str, str]], None]
    Text = Callable[[str], None]
    End = Callable[[str], None]

PIECE = 1 << 20
"""Bytes given to the parser at once."""


def read_xml(path: Path, start: Start, end: End | None = None, text: Text | None = None) -> None:
    """Call `start` and `end` for each element, `text` for what lies between; names come without their namespace.

    Raises:
        ValueError: it is no well-formed XML, is cut off, or declares an entity; says which, and where.
        OSError: it cannot be read.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    if end is not None:
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text

    def refuse(*_: object) -> None:
        raise ValueError(f"line {parser.CurrentLineNumber} declares an entity, which no tool does")

    parser.EntityDeclHandler = refuse
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ValueError(f"line {error.lineno}: {expat.ErrorString(error.code)}") from None
    except LookupError as error:  # an encoding that Python does not know
        raise ValueError(str(error)) from None
