"""Read a JUnit file from any runner, in pieces, trusting its elements and never its counts.

expat is fed directly: no tree is built, entity declarations are refused (so nothing can grow inside the parser), and
nothing outside the file is ever loaded. Files have limits, see `JUnitRules`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.parsers import expat  # entity declarations are refused below

import msgspec

from gates.portable.regular import open_file
from gates.readers.formats import ROOTS, kind_of
from gates.readers.junit.build import SUITES, ReportBuilder
from gates.readers.junit.errors import JUnitError
from gates.readers.junit.report import JUnitReport
from gates.readers.junit.rules import JUnitRules
from gates.readers.junit.saved import told
from gates.readers.safexml import BadEncoding, Document

__all__ = ["JUnitError", "JUnitReport", "parse_junit", "read_junit"]

PIECE = 1 << 15
"""Bytes given to the parser at once. Larger pieces were slower: their plain cases are read when a piece ends."""

_TAG = 8
"""A tag or a comment, which the parser must keep whole, may be this many times as long as an attribute."""


def read_junit(path: Path, rules: JUnitRules | None = None, gate: str = "") -> JUnitReport:
    """Read a file.

    Args:
        path: of the file.
        rules: its limits, and accepted oddities; None for the defaults.
        gate: that wrote it; empty if unknown, or if a file of gates names it.

    Raises:
        JUnitError: it is missing, empty, cut off, malformed, too large, or something other than JUnit.
    """
    return parse_junit(_pieces(path), str(path), rules, gate)


def parse_junit(pieces: Iterable[bytes], place: str, rules: JUnitRules | None = None, gate: str = "") -> JUnitReport:
    """Read a document in pieces; `place` names it in errors, the rest is as in `read_junit`.

    Raises:
        JUnitError: see `read_junit`.
    """
    return _Document(place, rules or JUnitRules(), gate).read(pieces)


class _Document:
    """A document being read."""

    def __init__(self, place: str, rules: JUnitRules, gate: str) -> None:
        self.place, self.rules, self.gate = place, rules, gate
        self.fed = 0
        self.rooted = False
        self.final = False

    def read(self, pieces: Iterable[bytes]) -> JUnitReport:
        """Read it all."""
        try:
            self.document = document = Document(pieces)
        except BadEncoding as error:
            raise JUnitError("cannot be decoded", place=self.place, got=str(error)) from None
        self.parser = parser = expat.ParserCreate(document.encoding)
        self.builder = builder = ReportBuilder(parser, self.rules, self.gate)
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.StartElementHandler = self.root
        self.start, parser.EndElementHandler = builder.handlers()
        parser.EntityDeclHandler = self.refuse
        try:
            for piece in document:
                self.feed(piece)
            self.final = True
            self.feed(b"")
        except JUnitError as error:
            error.place = error.place or f"{self.place}:{parser.CurrentLineNumber}"
            raise
        except expat.ExpatError as error:
            raise self.malformed(error) from None
        except BadEncoding as error:
            raise self.broken("cannot be decoded", str(error)) from None
        return builder.report()

    def feed(self, piece: bytes) -> None:
        """Give the next bytes to the parser."""
        parser, rules = self.parser, self.rules
        # The rest may be an incomplete tag: only then can an attribute be longer than a piece.
        left = self.fed - max(0, parser.CurrentByteIndex)
        if left > _TAG * max(rules.max_attribute, PIECE):
            raise JUnitError.over_limit("has a tag or a comment that is too long", "max-attribute", rules.max_attribute)
        long = left + len(piece) > rules.max_attribute
        self.handler = self.measured if long else self.start
        if self.rooted:
            parser.StartElementHandler = self.handler
        if not self.builder.wants_text:
            parser.CharacterDataHandler = None  # inside a handler, this would leave a costly one that does nothing
        self.fed += len(piece)
        if self.fed > rules.max_size:
            raise JUnitError.over_limit("is too large", "max-size", rules.max_size)
        parser.Parse(piece, self.final)
        self.builder.settle()

    def root(self, name: str, attributes: list[str]) -> None:
        """The first element."""
        local = name.rpartition(":")[2]
        if local not in SUITES:
            raise JUnitError(
                f"is {ROOTS.get(local, 'not a JUnit file')}",
                place=self.place,
                expected="<testsuites>, <testsuite> or <testrun> as the root element",
                got=f"<{local[:100]}>",
            )
        self.rooted = True
        self.parser.StartElementHandler = self.handler
        self.measured(name, attributes)

    def measured(self, name: str, attributes: list[str]) -> None:
        """An element whose attribute may be too long."""
        limit = self.rules.max_attribute
        if any(len(value) > limit for value in attributes[1::2]):
            raise JUnitError.over_limit(f"has an attribute of <{name[:100]}> that is too long", "max-attribute", limit)
        self.start(name, attributes)

    def refuse(self, *_: object) -> None:
        """An entity is declared."""
        raise JUnitError(
            "declares an entity, which no test runner does",
            remedy="do not read files of unknown origin; remove the declaration if you trust this one",
        )

    def malformed(self, error: expat.ExpatError) -> JUnitError:
        """The kind of a file that the parser does not accept."""
        why = self.document.why(error, self.parser.ErrorByteIndex)
        if self.rooted:
            return self.broken("is cut off" if self.final else "is malformed", "" if self.final else why)
        where, beginning = f"{self.place}:{error.lineno}", self.document.beginning
        if self.final and not beginning.removeprefix(b"\xef\xbb\xbf").strip():
            return JUnitError("is empty", place=self.place, expected="a JUnit file")
        front = self.document.text_in_front()
        if front:
            return JUnitError("does not begin with XML", place=self.place, got=front, remedy=_APART)
        kind = kind_of(beginning)
        if kind == "an HTML page":
            return JUnitError(f"is {kind}", place=self.place, expected="a JUnit file")
        if self.final:
            return JUnitError("is cut off", place=where, got="nothing of it", remedy=_AGAIN)
        return JUnitError("is not an XML file", place=where, expected="a JUnit file", got=kind or why)

    def broken(self, what: str, why: str) -> JUnitError:
        """A file that cannot be read to its end: what was read, and why it stops there."""
        self.builder.rescue()
        report = self.builder.report()
        found = told(report, self.builder.cases)
        got, remedy = (f"{why}; {found}", "") if why else (found, _AGAIN)
        result = JUnitError(what, place=f"{self.place}:{self.parser.CurrentLineNumber}", got=got, remedy=remedy)
        result.saved = msgspec.structs.replace(report, contradictions=(what, *report.contradictions))
        return result


_AGAIN = "the runner was killed; run it again"
_APART = "let the runner write its report to a separate file, apart from what it prints"


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with open_file(path) as file:
            while piece := file.read(PIECE):
                yield piece
    except OSError as error:
        raise JUnitError("cannot be read", place=str(path), got=error.strerror or str(error)) from None
