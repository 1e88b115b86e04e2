"""What a file is that is no JUnit."""

from __future__ import annotations

ROOTS = {
    "TestRun": "a Visual Studio TRX file",
    "test-run": "an NUnit 3 file",
    "test-results": "an NUnit 2 file",
    "assemblies": "an xUnit.net file",
    "assembly": "an xUnit.net 1 file",
    "Site": "a CTest file (`ctest --output-junit FILE` writes JUnit)",
    "testng-results": "a TestNG file",
    "testExecutions": "a SonarQube file",
    "robot": "a Robot Framework file (`rebot --xunit FILE` makes JUnit of it)",
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
"""Root element → what such a file is."""

_BEGINNINGS = (
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"pk\x03\x04", "a ZIP archive"),
    (b"version https://git-lfs", "a pointer of git LFS; its content was not fetched"),
    (b"{", "JSON"),
    (b"[", "JSON"),
    (b"tap version", "TAP"),
    (b"1..", "TAP"),
    (b"ok 1", "TAP"),
    (b"not ok 1", "TAP"),
)
"""How a file begins, in lower case → what it is."""


def kind_of(beginning: bytes) -> str:
    """What a file is that is no XML, by its first bytes; empty where that is unknown."""
    text = beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((kind for start, kind in _BEGINNINGS if text.startswith(start)), "")
