"""Mutants of a branch's changed lines: choose them, let the tests try them, and say what became of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from gates.analysis.imports import build_imports, project_files
from gates.analysis.mutants.choose import diff_of, faults_of
from gates.analysis.mutants.source import Fault
from gates.analysis.nearness import nearness
from gates.pipeline.mutant_session import SessionOrder, try_faults
from gates.planning.prepare import Prepared
from gates.planning.pytest_gates import pytest_gates
from gates.portable.errors import EnvironmentProblem
from gates.portable.regular import read_bytes
from gates.portable.values import plural
from gates.results import Mutant, Mutation
from gates.vcs.hunks import FileDifference

Show = Callable[[Mutant, int], None]
"""Receives each mutant as it is tried, and how many were tried before it."""

ORDER = ("survived", "unknown", "unreached", "suppressed", "timeout", "killed")


def mutants_of(
    prepared: Prepared, differences: Sequence[FileDifference], budget: float, named: tuple[str, ...] | None, show: Show
) -> Mutation:
    """Try mutants of the lines that a subject changed.

    Args:
        prepared: the subject, planned.
        differences: its changes, line by line.
        budget: seconds for recording the tests and trying the mutants.
        named: gates that the user named; None for those that run pytest.
        show: receives each mutant.

    Raises:
        GatesError: no gate runs pytest, or it cannot be started.
    """
    began = time.monotonic()
    imports = build_imports(prepared.root, project_files(prepared.root, prepared.git))
    changed = {
        each.after: frozenset(line for line, _ in each.added())
        for each in differences
        if each.after.endswith(".py")
        and not imports.layout.test_side(each.after)
        and each.after in imports.layout.files
    }
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    for path, lines in sorted(changed.items()):
        data = read_bytes(prepared.root / path)
        found = faults_of(path, data, lines.__contains__)
        if found:
            texts[path] = data.decode("utf-8")
            faults += found
    if not faults:
        return Mutation(budget=budget, seconds=time.monotonic() - began)
    gate = pytest_gates(prepared, named)[0]
    order = SessionOrder(
        gate=gate,
        faults=sorted(faults, key=lambda one: -one.weight),
        texts=texts,
        near=nearness(imports, texts),
        seconds=budget,
    )
    collected = Collected(order, show)
    end = try_faults(prepared, order, collected.take)
    if end.tail or not collected.said:
        raise EnvironmentProblem("the tests could not be run with mutants", place=f"the gate {gate}", got=end.tail)
    return collected.mutation(budget, time.monotonic() - began, end.stopped)


class Collected:
    """What a session has answered so far."""

    def __init__(self, order: SessionOrder, show: Show) -> None:
        self._order, self._show = order, show
        self._faults = {one.id: one for one in order.faults}
        self._found: dict[str, Mutant] = {}
        self._failing: list[str] = []
        self._left_tests: list[str] = []
        self._left = -1
        self.said = False
        self._unable = ""
        self._tests = 0

    def take(self, record: Mapping[str, Any]) -> None:
        """Process one record of the session."""
        self.said = True
        kind = record["kind"]
        if kind == "mutant":
            told = msgspec.convert({key: value for key, value in record.items() if key != "kind"}, _Told)
            mutant = self._mutant(self._faults[told.id], told)
            self._found[told.id] = mutant
            self._show(mutant, len(self._found))
        elif kind == "test" and record["failed"]:
            self._failing.append(record["id"])
        elif kind == "recorded":
            self._left_tests = record["left"]
        elif kind == "unable":
            self._unable = record["why"]
        elif kind == "tests":
            self._tests = record["of"]
        elif kind == "end":
            self._left = record["left"]

    def _mutant(self, fault: Fault, told: _Told) -> Mutant:
        return Mutant(
            path=fault.path,
            line=fault.line,
            function=fault.function,
            operator=fault.what,
            diff=diff_of(fault, self._order.texts[fault.path].encode()),
            finding=told.finding,  # type: ignore[arg-type]
            tests=told.tests,
            killed_by=told.killed_by,
            reason=told.reason,
            seconds=round(told.seconds, 3),
            id=fault.id,
        )

    def mutation(self, budget: float, seconds: float, stopped: str) -> Mutation:
        """All that is known."""
        tried = {(one.path, one.line) for one in self._found.values()}
        lines = {(one.path, one.line) for one in self._order.faults}
        unreached = len(lines - tried) - max(0, self._left)
        notes = []
        if self._left_tests:
            notes.append(f"{plural(len(self._left_tests), 'test')} did not fit into the budget and were not tried")
        if self._left >= 0 and unreached > 0:
            notes.append(f"no test runs {plural(unreached, 'changed line')}")
        unknown = self._unable or (f"stopped: {stopped}" if stopped else "")
        if self._failing:
            unknown = unknown or f"without any fault, {plural(len(self._failing), 'test')} failed: {self._failing[0]}"
        mutants = sorted(self._found.values(), key=lambda one: (ORDER.index(one.finding), one.path, one.line))
        return Mutation(
            mutants=tuple(mutants),
            left_out=max(0, self._left),
            budget=budget,
            seconds=round(seconds, 3),
            unknown=unknown,
            notes=tuple(notes),
        )


class _Told(msgspec.Struct, frozen=True):
    """A record about a mutant."""

    id: str
    finding: str
    tests: tuple[str, ...]
    killed_by: str
    reason: str
    seconds: float
