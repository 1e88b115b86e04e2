"""Read a JUnit file of any runner, in pieces, believing its elements and never its counts.

expat is fed directly: no tree is built, entity declarations are refused (so nothing can grow inside the parser), and
nothing outside the file is ever loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.parsers import expat  # entity declarations are refused below

from gates.errors import GatesError
from gates.junit.build import ReportBuilder
from gates.junit.report import JUnitCase, JUnitReport, case_results

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["JUnitCase", "JUnitError", "JUnitReport", "case_results", "parse_junit", "read_junit"]

PIECE = 1 << 20
"""Bytes given to the parser at once."""

MAX_DEPTH = 64
"""Elements inside each other; runners stay below ten."""

ROOTS = frozenset({"testsuites", "testsuite"})

OTHER_FORMATS = {
    "TestRun": "a Visual Studio TRX file",
    "test-run": "an NUnit 3 file",
    "test-results": "an NUnit 2 file",
    "assemblies": "an xUnit.net file",
    "Site": "a CTest file",
    "html": "an HTML page",
    "coverage": "a coverage report",
    "checkstyle": "a Checkstyle report",
}
"""Root element → what such a file is."""


class JUnitError(GatesError):
    """A file that cannot be read as JUnit. It never counts as an empty pass."""


def read_junit(path: Path) -> JUnitReport:
    """Read a file.

    Raises:
        JUnitError: it is missing, empty, cut off, malformed, or something other than JUnit.
    """
    return parse_junit(_pieces(path), str(path))


def parse_junit(pieces: Iterable[bytes], place: str) -> JUnitReport:
    """Read a document that comes in pieces; `place` names it in errors.

    Raises:
        JUnitError: see `read_junit`.
    """
    builder = ReportBuilder()
    parser = _parser(builder, place)
    final = False
    try:
        for piece in pieces:
            parser.Parse(piece, False)
        final = True
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise _malformed(error, builder, place, final=final) from None
    except (ValueError, LookupError) as error:  # an encoding of several bytes, or one that Python does not know
        raise JUnitError("cannot be decoded", place=place, got=str(error)) from None
    return builder.report()


def _parser(builder: ReportBuilder, place: str) -> expat.XMLParserType:
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if not builder.started and local not in ROOTS:
            raise JUnitError(
                f"is {OTHER_FORMATS.get(local, 'no JUnit file')}",
                place=place,
                expected="<testsuites> or <testsuite> as the root element",
                got=f"<{local}>",
            )
        builder.start(local, attributes)
        if builder.depth > MAX_DEPTH:
            raise JUnitError(
                "nests its elements too deeply",
                place=f"{place}:{parser.CurrentLineNumber}",
                expected=f"at most {MAX_DEPTH} levels",
            )
        parser.CharacterDataHandler = builder.text if builder.wants_text else None

    def end(name: str) -> None:
        builder.end(name.rpartition(":")[2])
        parser.CharacterDataHandler = builder.text if builder.wants_text else None

    def refuse(*_: object) -> None:
        raise JUnitError(
            "declares an entity, which no test runner does",
            place=f"{place}:{parser.CurrentLineNumber}",
            remedy="do not read files of unknown origin; remove the declaration if you trust this one",
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.EntityDeclHandler = refuse
    return parser


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
    except OSError as error:
        raise JUnitError("cannot be read", place=str(path), got=error.strerror or str(error)) from None


def _malformed(error: expat.ExpatError, builder: ReportBuilder, place: str, *, final: bool) -> JUnitError:
    where = f"{place}:{error.lineno}"
    if final and not builder.started:
        return JUnitError("is empty", place=place, expected="a JUnit file")
    found = f"{builder.count} test cases before that place"
    if final:
        return JUnitError("is cut off", place=where, got=found, remedy="the runner was killed; run it again")
    if not builder.started:
        return JUnitError("is no XML file", place=where, expected="a JUnit file", got=expat.ErrorString(error.code))
    return JUnitError("is malformed", place=where, got=f"{expat.ErrorString(error.code)}; {found}")
