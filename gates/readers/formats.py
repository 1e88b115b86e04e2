"""Recognise a file by its beginning, and read its beginning or, if necessary, all of it."""

from __future__ import annotations

from pathlib import Path

from gates.portable.regular import open_file, read_bytes

MOST = 256 << 20
"""Maximum bytes of a file that must be read as a whole."""

_BOM = b"\xef\xbb\xbf"
_BEGINNING = 4096

ROOTS = {
    "testsuites": "a JUnit file",
    "testsuite": "a JUnit file",
    "testrun": "a JUnit file",
    "TestRun": "a Visual Studio TRX file",
    "test-run": "an NUnit 3 file",
    "test-results": "an NUnit 2 file",
    "assemblies": "an xUnit.net file",
    "assembly": "an xUnit.net 1 file",
    "Site": "a CTest file (`ctest --output-junit FILE` writes JUnit)",
    "testng-results": "a TestNG file",
    "testExecutions": "a SonarQube file",
    "unittest-results": "a UnitTest++ file",
    "robot": "a Robot Framework file (`rebot --xunit FILE` converts it to JUnit)",
    "TestLog": "a Boost.Test log (`--log_format=JUNIT` writes JUnit)",
    "TestResult": "a Boost.Test report (`--log_format=JUNIT` writes JUnit)",
    "TestCase": "a Qt Test file (`-o FILE,junitxml` writes JUnit)",
    "Catch2TestRun": "a Catch2 file (`-r junit` writes JUnit)",
    "Catch": "a Catch2 file (`-r junit` writes JUnit)",
    "doctest": "a doctest file (`-r=junit` writes JUnit)",
    "html": "an HTML page",
    "coverage": "a coverage report",
    "report": "a JaCoCo coverage report",
    "checkstyle": "a Checkstyle report",
    "pmd": "a PMD report",
    "BugCollection": "a SpotBugs report",
    "svg": "an SVG image",
    "plist": "a property list",
}
"""Root element of XML → the kind of file."""

JUNIT_ODDITIES = {
    "tests-count-assertions": "the runner counts assertions as tests",
    "failures-count-assertions": "the runner counts assertions as failures",
    "errors-count-output": "the runner counts lines of output as errors",
    "skipped-count-unlisted": "the runner leaves skipped tests out",
    "counts-include-attempts": "the runner counts every attempt of a test",
    "unreadable-counts": "the runner writes no numbers there",
}
"""Oddities in the counts of a JUnit file: the name by which the config accepts one → a description for people."""

JUNIT_ACCEPTED = "accepted in [junit]"
"""Part of each note about an accepted oddity of a JUnit file: every summary shows these notes."""

_BEGINNINGS = (
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"pk\x03\x04", "a ZIP archive"),
    (b"sqlite format 3", "an SQLite database"),
    (b"version https://git-lfs", "a git LFS pointer; its content was not fetched"),
    (b"{", "JSON"),
    (b"[", "JSON"),
    (b"tap version", "TAP"),
    (b"1..", "TAP"),
    (b"ok 1", "TAP"),
    (b"not ok 1", "TAP"),
)
"""The beginning of a file, in lower case → its kind."""


def kind_of(beginning: bytes) -> str:
    """The kind of a file, by its first bytes; empty if unknown."""
    text = beginning.removeprefix(_BOM).lstrip().lower()
    return next((kind for start, kind in _BEGINNINGS if text.startswith(start)), "")


def beginning_of(path: Path) -> bytes:
    """The first bytes of a file, without a byte order mark and leading white space.

    Raises:
        ValueError: it is empty.
        OSError: it cannot be read.
    """
    with open_file(path) as file:
        found = file.read(_BEGINNING).removeprefix(_BOM).lstrip()
    if not found:
        raise ValueError("is empty")
    return found


def whole(path: Path) -> bytes:
    """All of a file, without a byte order mark.

    Raises:
        ValueError: it is too large for that.
        OSError: it cannot be read.
    """
    if path.stat().st_size > MOST:
        raise ValueError(f"is larger than {MOST >> 20} MiB")
    return read_bytes(path).removeprefix(_BOM)


def unexpected(beginning: bytes, expected: str) -> ValueError:
    """The error for an unexpected kind of file, with its kind if known."""
    kind = kind_of(beginning)
    return ValueError(f"is {kind}, not {expected}" if kind else f"is not {expected}")
