"""Recognise the runner that wrote a file, by features that no other file has by chance, and the meaning of its counts.

A name alone is not enough: a crate, a package or a class may be called `pytest` or `gates`. It takes a name together with
its attributes, in the order that only this writer uses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gates.readers.junit.report import PYTEST

CATCH2, DOCTEST, GOTESTSUM, PHPUNIT, SUREFIRE = "Catch2", "doctest", "gotestsum", "PHPUnit", "Surefire"

DIALECTS: dict[str, dict[str, str]] = {
    PYTEST: dict.fromkeys(
        ("tests-count-assertions", "skipped-count-unlisted"),
        "pytest counts subtests, and a teardown that fails, as tests of their own",
    ),
    CATCH2: {"tests-count-assertions": "Catch2 counts assertions"},
    DOCTEST: {"tests-count-assertions": "doctest counts assertions"},
    GOTESTSUM: {"errors-count-output": "gotestsum counts lines of stderr; a package that does not build is a case"},
    PHPUNIT: {"skipped-count-unlisted": "PHPUnit skips a class before its tests, and does not list them"},
    SUREFIRE: {"counts-include-attempts": "Surefire before 3.5.5 counts each attempt"},
}
"""Producer → the oddities of its counts, by the names of `formats.JUNIT_ODDITIES` → the reason, for people."""

_NAMES = {
    "nextest-run": "nextest",
    "jest tests": "jest",
    "vitest tests": "vitest",
    "Mocha Tests": "mocha",
}
"""Name of the root → the runner that uses it. They get no concessions, so a name is enough."""

_PYTEST = frozenset({"name", "errors", "failures", "tests", "time"})
_ALSO_PYTEST = _PYTEST | {"skipped", "skips", "timestamp", "hostname"}
_DOCTEST = ("name", "errors", "failures", "tests")
_DOCTEST_CASE = ("classname", "name", "status")
_PHPUNIT = ("tests", "assertions", "errors", "failures", "skipped", "time")
_SCHEMA = "surefire-test-report"
_GO = re.compile(r"go1\.(\d+)")
_GO_TELLS = 23
"""From this version of Go on, `go test -json` reports a package that does not build. With older ones only `errors` shows it."""


class Marks:
    """Collects what a document shows about its writer.

    Attributes:
        early: the producer, according to the suites that have begun.
    """

    def __init__(self) -> None:
        self.early = ""
        self._names: set[str] = set()  # of attributes of suites below the root
        self._root: dict[str, str] | None = None
        self._first: tuple[str, ...] = ()  # names of attributes of the first <testsuite>, in order
        self._phpunit = True
        self._go = 0  # version, after the `1.`
        self._doctest_cases = 0
        self._others = False  # cases that doctest would not write

    def suite(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A suite, or the root, begins."""
        names = tuple(attributes)
        if self._root is None:
            self._root = dict(attributes)
        if tag == "testsuite":
            self._first = self._first or names
            self._names.update(names)
            counts = tuple(name for name in names if name not in {"name", "file", "warnings"})
            self._phpunit = self._phpunit and counts in {_PHPUNIT, ()}
        if not self.early:
            self.early = _early(attributes, self._root)

    def property(self, name: str, value: str) -> None:
        """A property of a suite."""
        if name == "go.version":
            found = _GO.match(value)
            self._go = int(found[1]) if found else 0

    def case(self, attributes: Mapping[str, str]) -> None:
        """A case that has more than a name, as each case of doctest does."""
        if self._others:
            return
        names = tuple([name for name in attributes if name != "time"])
        if names == _DOCTEST_CASE and attributes["status"] == "run":
            self._doctest_cases += 1
        else:
            self._others = True

    def producer(self, cases: int) -> str:
        """The producer, from everything so far; `cases` is the number of cases."""
        if self.early:
            return self.early
        if self._go >= _GO_TELLS and "errors" in (self._root or {}) and "errors" not in self._names:
            return GOTESTSUM
        if (
            cases
            and not self._others
            and self._doctest_cases == cases
            and self._first[:4] == _DOCTEST
            and self._root == {}
        ):
            return DOCTEST
        if self._phpunit and "assertions" in self._names:
            return PHPUNIT
        return ""


def _early(attributes: Mapping[str, str], root: Mapping[str, str]) -> str:
    """The runner that wrote a suite with these attributes below this root; empty if unknown."""
    name = attributes.get("name", "")
    if (name == "pytest" or root == {"name": "pytest tests"}) and _PYTEST <= attributes.keys() <= _ALSO_PYTEST:
        return PYTEST
    if attributes.get("hostname") == "tbd" and _PYTEST <= attributes.keys() <= _ALSO_PYTEST:
        return CATCH2
    if "doctest_version" in attributes:
        return DOCTEST
    if any(_SCHEMA in text for key, text in attributes.items() if key.endswith("chemaLocation")):
        # From 3.5.5 on it counts tests, and has the number of flaky ones.
        return "" if "flakes" in attributes else SUREFIRE
    return _NAMES.get(name, "")
