"""The files that a gate was expected to write: JUnit is read, for others only the age is checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from glob import escape, glob
from pathlib import Path

import msgspec

from gates.config import GateConfig
from gates.portable.errors import GatesError
from gates.portable.patterns import lazy_pattern
from gates.portable.regular import open_file
from gates.portable.values import plural
from gates.results import TestResult
from gates.run.artifacts import stamp_of

_MAGIC = lazy_pattern(r"[*?\[]")


class ReadReports(msgspec.Struct, frozen=True, kw_only=True):
    """The contents of the JUnit files of a gate.

    Attributes:
        results: of their cases; for an incomplete file, those that could be read.
        problems: reasons not to trust them.
        notes: harmless oddities.
    """

    results: tuple[TestResult, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class ExpectedReports:
    """The files that a gate must write; created before it starts, because an existing file is not its report.

    Args:
        root: of the project.
        gate: whose `junit` names files and globs, and whose `reports` names files.
        rules: limits for JUnit files and accepted oddities, if not the default.
    """

    def __init__(self, root: Path, gate: GateConfig, rules: Mapping[str, int | tuple[str, ...]]) -> None:
        self.root, self.gate, self.rules = root, gate, rules
        self._before = {path: stamp_of(path) for name in (*gate.junit, *gate.reports) for path in self._files(name)}

    def __bool__(self) -> bool:
        return bool(self.gate.junit or self.gate.reports)

    def read(self) -> ReadReports:
        """Read JUnit files, and check that the others were written."""
        results: list[TestResult] = []
        problems: list[str] = []
        notes: list[str] = []
        for name in dict.fromkeys((*self.gate.junit, *self.gate.reports)):
            files = self._files(name)
            written = [path for path in files if stamp_of(path) not in (None, self._before.get(path))]
            if not written:
                problems.append(f"{name} was not written")
                continue
            if len(written) < len(files):
                notes.append(f"{name}: left out: {plural(len(files) - len(written), 'older file')}")
            demanded = name in self.gate.junit or self.gate.tests == "junit"
            for path in written:
                if name in self.gate.junit or (path.suffix == ".xml" and (demanded or _is_junit(path))):
                    one = read_report(path, self.gate.name, self.rules)
                    said = path.relative_to(self.root)
                    results += one.results
                    problems += [f"{said}: {text}" for text in one.problems]
                    notes += [f"{said}: {text}" for text in one.notes]
        return ReadReports(results=_distinct(results), problems=tuple(problems), notes=tuple(dict.fromkeys(notes)))

    def _files(self, name: str) -> list[Path]:
        path = self.root / name
        if path.exists() or not _MAGIC.search(name):
            return [path]
        return [Path(found) for found in sorted(glob(f"{escape(str(self.root))}/{name}", recursive=True))]  # noqa: PTH207


def read_report(path: Path, gate: str, rules: Mapping[str, int | tuple[str, ...]]) -> ReadReports:
    """Read one file; anything wrong with it becomes a problem, not an error."""
    from gates.readers.junit.read import JUnitError, read_junit
    from gates.readers.junit.rules import JUnitRules

    try:
        report = read_junit(path, JUnitRules.of(rules), gate)
    except JUnitError as error:
        told = "; ".join(text for text in (error.got, error.remedy) if text)
        problem = f"{error.what} ({told})" if told else error.what
        return ReadReports(results=error.saved.results if error.saved else (), problems=(problem,))
    except GatesError as error:
        return ReadReports(problems=(error.what,))
    return ReadReports(results=report.results, problems=report.contradictions, notes=report.notes)


def _distinct(results: Iterable[TestResult]) -> tuple[TestResult, ...]:
    """Results of several files; equal ids become `#2`, `#3`, …, so that none hides another."""
    found: dict[str, TestResult] = {}
    for result in results:
        key, number = result.id, 1
        while key in found:
            number += 1
            key = f"{result.id}#{number}"
        found[key] = result if number == 1 else msgspec.structs.replace(result, id=key)
    return tuple(found.values())


def _is_junit(path: Path) -> bool:
    """Whether the file may be JUnit: not if it has another root element, such as that of coverage.

    A file without any element may be cut off, which the reader reports.
    """
    with open_file(path) as file:
        root = re.search(rb"<([A-Za-z][\w.:-]*)", file.read(4096))
    return root is None or root[1].rpartition(b":")[2] in {b"testsuites", b"testsuite", b"testrun"}
