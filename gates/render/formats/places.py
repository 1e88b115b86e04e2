"""What a run has to say at places of the source: failing tests, findings of tools, what got weaker. The most important first."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from gates.compare.values import Comparison
from gates.portable.values import BAD_TESTS, LOST_TESTS
from gates.render.tests import place_of
from gates.render.text import one_line
from gates.results import Run, TestResult

Level = Literal["error", "warning", "note"]


class Remark(NamedTuple):
    """Something to know at a place.

    Attributes:
        rule: what kind it is: `test-failed`, `weaker`, or `TOOL-RULE`.
        level: how bad it is.
        path: the file, with `/`; empty if unknown.
        line: counted from 1; 0 if unknown.
        text: for people, in one line.
        about: what it is about, for the fingerprint: it stays the same when lines move.
    """

    rule: str
    level: Level
    path: str
    line: int
    text: str
    about: str

    @property
    def fingerprint(self) -> str:
        """The same for the same remark in a later run."""
        return hashlib.sha256(f"{self.rule}\0{self.path}\0{self.about}".encode("utf-8", "backslashreplace")).hexdigest()


def placed(run: Run, tests: Sequence[TestResult], comparison: Comparison | None, folder: str) -> list[Remark]:
    """The remarks that a service can show: at files of the repository.

    Args:
        run: the run.
        tests: its tests.
        comparison: with its base.
        folder: of the project in the repository.
    """
    found = (
        one._replace(path=posixpath.normpath(posixpath.join(folder, one.path)))
        for one in remarks(run, tests, comparison)
        if one.path
    )
    return [one for one in found if not one.path.startswith(("/", "../"))]


def remarks(run: Run, tests: Sequence[TestResult], comparison: Comparison | None = None) -> Iterator[Remark]:
    """What got weaker, then failing tests, then findings."""
    for one in comparison.weakenings if comparison is not None else ():
        if not one.accepted:
            text = f"{one.what} ({one.id})"
            yield Remark("weaker", "error" if one.counts else "note", one.path, one.line, one_line(text), one.id)
    for test in tests:
        if test.outcome in BAD_TESTS or test.outcome in LOST_TESTS:
            path, line = _place(place_of(test))
            said = one_line(test.message or test.reason, 500)
            text = f"{one_line(test.id)} {test.outcome}{f': {said}' if said else ''}"
            yield Remark(f"test-{test.outcome}", "error", path, line, text, f"{test.gate} {test.id}")
    for gate in run.gates:
        for found in gate.diagnostics.kept if gate.diagnostics is not None else ():
            level: Level = {"warning": "warning", "note": "note", "information": "note", "info": "note"}.get(
                found.severity, "error"
            )  # type: ignore[assignment]
            rule = "-".join(part for part in (found.tool or gate.name, found.rule) if part)
            text = one_line(found.message, 500) or rule or "(no message)"
            yield Remark(rule or "finding", level, found.path, found.line, text, found.message)


def _place(text: str) -> tuple[str, int]:
    path, _, line = text.rpartition(":")
    return (path, int(line)) if path and line.isdigit() else (text, 0)
