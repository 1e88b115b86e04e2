"""Feed XML files of unknown origin to expat: in pieces, without entities, without anything outside the file.

expat knows four encodings and asks Python for others while parsing, where a decoder error looks like
any other. So the encoding is found here, before the parser starts, and encodings unknown to expat are decoded here.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from xml.parsers import expat  # entity declarations are refused below

from gates.portable.patterns import lazy_pattern
from gates.portable.regular import open_file
from gates.readers.formats import ROOTS

if TYPE_CHECKING:
    Start = Callable[[str, dict[str, str]], None]
    Text = Callable[[str], None]
    End = Callable[[str], None]

_UNREADABLE = "cannot be read as XML"

PIECE = 1 << 20
"""Bytes given to the parser at once."""

_DECLARATION = lazy_pattern(rb"\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"'>]*)[\"']")

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins like the one of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16le"),
    (b"\0<", "utf-16be"),
)
"""Beginnings of a document that show its encoding without a declaration."""

_OF_EXPAT = {"utf-8": "utf-8", "iso8859-1": "iso-8859-1", "ascii": "us-ascii"} | {
    name: name for name in ("utf-16", "utf-16le", "utf-16be")
}
"""Python's name of an encoding → that of expat, which reads it faster than Python could decode it."""

_START = lazy_pattern(rb"<\?xml\b|<(?:\w+:)?test(?:suites?|run)\b", re.IGNORECASE)


class BadEncoding(ValueError):
    """A document declares an unknown encoding, or does not have the one that it declares."""


class Document:
    """The bytes of a document in a form for expat, and a description of the place where it stops.

    Args:
        pieces: of the document, in order.

    Attributes:
        beginning: its first bytes.
        encoding: for `ParserCreate`; always given, so that expat never asks Python.

    Raises:
        BadEncoding: it declares an unknown encoding.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._rest = iter(pieces)
        head = b""
        for piece in self._rest:
            head += piece
            if len(head) >= 256:  # bytes of a declaration
                break
        self._head = head
        self.beginning = head[:4096]
        declared = _DECLARATION.match(self.beginning)
        self._declared = declared[1].decode("latin-1").strip() if declared else ""
        marked = next((name for mark, name in _MARKS if head.startswith(mark)), "")
        name = marked or _known(self._declared)
        self.encoding = _OF_EXPAT.get(name, "utf-8")
        self._codec = "" if name in _OF_EXPAT else name
        self._before = 0  # bytes that were passed on before `_recent`
        self._recent = b""

    def __iter__(self) -> Iterator[bytes]:
        """The pieces, in the encoding given to expat.

        Raises:
            BadEncoding: a piece cannot be decoded.
        """
        for piece in self._decoded() if self._codec else self._pieces():
            self._before += len(self._recent)
            self._recent = piece
            yield piece

    def _pieces(self) -> Iterator[bytes]:
        head, self._head = self._head, b""
        yield head
        del head  # for a large file, it would stay in memory while this is read
        yield from self._rest

    def _decoded(self) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(self._codec)()
        read = 0
        try:
            for piece in self._pieces():
                yield decoder.decode(piece).encode()
                read += len(piece)
            yield decoder.decode(b"", True).encode()
        except UnicodeError as error:
            raise BadEncoding(
                f"it is not in {self._declared or self._codec}, as it declares: {error} (after byte {read})"
            ) from None

    def why(self, error: expat.ExpatError, at: int) -> str:
        """The problem at byte `at`, and what to do, if known; else expat's own message.

        Args:
            error: of the parser.
            at: the parser's `ErrorByteIndex`.
        """
        said = expat.ErrorString(error.code)
        bad = self._recent[at - self._before : at - self._before + 1] if at >= self._before else b""
        codes = expat.errors.codes
        if error.code == codes[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]:
            return f"after the end of its root, at byte {at + 1}, there is more text: did two programs write to it?"
        if (
            not bad
            or self._codec
            or error.code
            not in {
                codes[expat.errors.XML_ERROR_INVALID_TOKEN],
                codes[expat.errors.XML_ERROR_PARTIAL_CHAR],
            }
        ):
            return said
        code = bad[0]
        where = f"byte {at + 1} is 0x{code:02X}"
        if code >= 0x80 and self.encoding in {"utf-8", "us-ascii"}:
            says = f"it declares {self._declared!r}" if self._declared else "it declares no encoding, which means UTF-8"
            here = "ASCII" if self.encoding == "us-ascii" else "UTF-8"
            return (
                f"{where}, which is not {here} ({says}; in ISO-8859-1 it is {bad.decode('latin-1')!r}): let the runner "
                "write UTF-8, or declare the encoding: <?xml version='1.0' encoding='ISO-8859-1'?>"
            )
        if code < 0x20 and self.encoding in {"utf-8", "us-ascii", "iso-8859-1"}:
            return f"{where}, a control character, which XML cannot hold: let the runner escape or drop it"
        return said

    def text_in_front(self) -> str:
        """The text before the XML, with the place where the XML begins; empty if there is none."""
        text = self.beginning.removeprefix(codecs.BOM_UTF8)
        found = _START.search(text)
        front = text[: found.start()] if found else b""
        if not found or not front or not (front.strip() or found[0] == b"<?xml"):
            return ""
        size = len(self.beginning) - len(text) + len(front)
        line = front.count(b"\n") + 1
        first = next((line for line in front.decode("utf-8", "replace").splitlines() if line.strip()), "")
        what = f"{first.strip()[:80]!r}" if first else "white space"
        return f"{what} before the XML, which begins at byte {size + 1}, in line {line}"


def _known(declared: str) -> str:
    """Python's name of a declared encoding."""
    if not declared:
        return "utf-8"
    try:
        b"<".decode(declared)
    except UnicodeError:
        pass  # a text encoding with several bytes per letter
    except (LookupError, ValueError):
        raise BadEncoding(
            f"it declares the encoding {declared!r}, which is unknown: let the runner write UTF-8"
        ) from None
    name = codecs.lookup(declared).name
    # Without a byte order mark of UTF-16 or 32 it is something else: .NET declares them in files that are UTF-8.
    return "utf-8" if name.startswith(("utf-16", "utf-32")) else name


def read_xml(path: Path, root: str, what: str, start: Start, end: End | None = None, text: Text | None = None) -> None:
    """Call `start` and `end` for each element, `text` for the text between; names have no namespace.

    Args:
        path: of the file.
        root: name of the root element.
        what: the kind of file, for people: "a Checkstyle report".
        start: of an element, with its name and attributes.
        end: of an element.
        text: a piece of it.

    Raises:
        ValueError: it has another root, is not well-formed XML, is cut off, or declares an entity; the message tells which, and where.
        OSError: it cannot be read.
    """
    with open_file(path) as file:
        document = _opened(iter(lambda: file.read(PIECE), b""))
        parser = expat.ParserCreate(document.encoding)
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
            for piece in document:
                parser.Parse(piece, False)
            parser.Parse(b"", True)
        except BadEncoding as error:
            raise ValueError(f"{_UNREADABLE}: {error}") from None
        except expat.ExpatError as error:
            why = document.why(error, parser.ErrorByteIndex)
            raise ValueError(f"{_UNREADABLE}: line {error.lineno}: {why}") from None


def _opened(pieces: Iterable[bytes]) -> Document:
    try:
        return Document(pieces)
    except BadEncoding as error:
        raise ValueError(f"{_UNREADABLE}: {error}") from None
