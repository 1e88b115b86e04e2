"""Read plain test cases: those with only a name, a place and a time.

Nearly all cases are plain, so they decide how long a large file takes. They are collected until something else comes, then read
in one loop. What many of them share is computed once: the order of their attributes, the start of their ids, times, lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gates.portable.values import TestOutcome
from gates.readers.junit.cases import read_line
from gates.readers.junit.report import id_prefix
from gates.readers.junit.times import read_seconds
from gates.results import TestResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from gates.readers.junit.producers import Marks
    from gates.readers.junit.results import CaseResults

_PASSED = TestOutcome.PASSED
_REMEMBERED = 10_000
"""How many strings of each kind are cached: most tests of a suite share a few times and places."""

_COLUMNS = ("name", "classname", "file", "line", "time")
_PLAIN_ATTRIBUTES = frozenset(_COLUMNS)
"""Attributes that show neither how nor when a case ended."""


class PlainCases:
    """Reads the plain cases of one document.

    Args:
        gate: of the results.
        marks: of the document's producer, which decide how lines are counted.
        results: receives the results.
        read_other: reads a case that turns out not to be plain.

    Attributes:
        waiting: attributes, alternating names and values, of collected cases. All are of the same suite.
    """

    def __init__(
        self, gate: str, marks: Marks, results: CaseResults, read_other: Callable[[dict[str, str]], None]
    ) -> None:
        self.waiting: list[list[str]] = []
        self._gate, self._marks, self._results, self._read_other = gate, marks, results, read_other
        self._suite = self._suite_file = ""
        self._places: dict[tuple[str, str], tuple[str, str]] = {}  # of the suite
        self._times: dict[str, float] = {}
        self._lines: dict[str, int] = {}

    def enter(self, name: str, file: str) -> None:
        """The next cases are of this suite."""
        self._suite, self._suite_file = name, file
        self._places.clear()

    def read(self) -> None:
        """Read the collected cases."""
        results, gate, known_seconds, known_line = self._results, self._gate, self._times.get, self._lines.get
        first_of = results.by_key.setdefault
        shape = [""]  # matches no case: one without attributes has the shape []
        name, classname, file, line, time = range(5)
        missing = False
        last_class: str | None = None
        last_file = prefix = path = ""
        waiting = self.waiting.copy()
        self.waiting.clear()
        for case in waiting:
            if case[::2] != shape:
                if not _PLAIN_ATTRIBUTES.issuperset(case[::2]):
                    self._read_other(mapping(case))
                    continue
                shape = case[::2]
                name, classname, file, line, time = columns = _columns(shape)
                missing = -1 in columns
            if missing:
                case.append("")
            if case[classname] != last_class or case[file] != last_file:
                last_class, last_file = case[classname], case[file]
                prefix, path = self.place(last_class, last_file)
            if (seconds := known_seconds(case[time])) is None:
                seconds = self._duration(case[time])
            if (number := known_line(case[line])) is None:
                number = self._line(case[line])
            key = prefix + case[name]
            result = TestResult(gate=gate, id=key, outcome=_PASSED, duration=seconds, file=path, line=number)
            if first_of(key, result) is not result:
                results.add(result, key)

    def place(self, classname: str, file: str) -> tuple[str, str]:
        """The common parts of cases of a class and a file: the start of their ids, and their file."""
        place = self._places.get((classname, file))
        if place is not None:
            return place
        path = file or self._suite_file
        place = (id_prefix(classname, path, self._suite), path)
        if len(self._places) < _REMEMBERED:
            self._places[classname, file] = place
        return place

    def _duration(self, text: str) -> float:
        duration = read_seconds(text)
        if len(self._times) < _REMEMBERED:
            self._times[text] = duration
        return duration

    def _line(self, text: str) -> int:
        line = read_line(text, self._marks.early)
        if len(self._lines) < _REMEMBERED:
            self._lines[text] = line
        return line


def _columns(shape: list[str]) -> tuple[int, ...]:
    """The positions of the values of a plain case; the last one is for missing values."""
    return tuple(2 * shape.index(name) + 1 if name in shape else -1 for name in _COLUMNS)


def mapping(pairs: list[str]) -> dict[str, str]:
    """Alternating names and values as a mapping."""
    return dict(zip(pairs[::2], pairs[1::2], strict=True))
