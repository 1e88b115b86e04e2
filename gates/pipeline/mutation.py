"""Mutants of a branch's changed lines: choose them, let the tests try them, and say what became of each."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence

import msgspec

from gates.analysis.imports import Imports, build_imports, project_files
from gates.analysis.mutants.choose import faults_of
from gates.analysis.mutants.source import Fault
from gates.analysis.nearness import nearness
from gates.analysis.side_of_tests import is_of_tests
from gates.pipeline.mutant_answers import Collected
from gates.pipeline.mutant_session import SessionOrder, try_faults
from gates.pipeline.suppressed import covers, out_of_order
from gates.planning.prepare import Prepared
from gates.planning.pytest_gates import pytest_gates
from gates.portable.errors import EnvironmentProblem, GatesError
from gates.portable.regular import read_bytes
from gates.results import Mutant, Mutation
from gates.vcs.hunks import FileDifference

Show = Callable[[Mutant], None]
"""Receives each mutant as soon as it is known."""


SLOW = 2.0
"""Seconds from which on a test comes after all others: in the same time, many others can judge."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which mutants are tried.

    Attributes:
        differences: the lines that the subject changed.
        budget: seconds for recording the tests and trying the mutants.
        gates: gates that the user named for their tests, each of which must run pytest; None for those of the plan that do.
        today: the date by which suppressions expire.
    """

    differences: Sequence[FileDifference]
    budget: float
    gates: tuple[str, ...] | None = None
    today: dt.date


def mutants_of(prepared: Prepared, wanted: Wanted, show: Show) -> Mutation:
    """Try mutants of the lines that a subject changed.

    Args:
        prepared: the subject, planned.
        wanted: which mutants.
        show: receives each mutant.

    Raises:
        GatesError: no gate runs pytest, or it cannot be started.
    """
    began = time.monotonic()
    files = project_files(prepared.root, prepared.git)
    imports = build_imports(prepared.root, files)
    texts, faults = _faults(prepared, imports, wanted.differences)
    ledger = out_of_order(prepared.config.mutants, prepared.root, files, wanted.today)
    suppressed, faults = _split(prepared, faults, texts, wanted.today)
    collected = Collected(faults, texts, show)
    stopped = ""
    gates = pytest_gates(prepared, wanted.gates) if faults else ()
    near = nearness(imports, texts)
    for gate in gates:
        left = wanted.budget - collected.spent
        waiting = collected.waiting(gate)
        if not waiting or left <= 0 or stopped:
            break
        order = SessionOrder(
            gate=gate,
            faults=waiting,
            texts=texts,
            near=near,
            seconds=left,
            known=collected.tests,
            slow=slow_tests(prepared),
        )
        end = try_faults(prepared, order, collected.begin(gate))
        stopped = end.stopped
        if end.tail and not stopped:
            raise EnvironmentProblem("the tests could not be run with mutants", place=f"gate {gate}", got=end.tail)
    mutation = collected.mutation(stopped)
    return msgspec.structs.replace(
        mutation,
        mutants=(*mutation.mutants, *suppressed),
        budget=wanted.budget,
        seconds=round(time.monotonic() - began, 3),
        ledger=ledger,
    )


def slow_tests(prepared: Prepared) -> list[str]:
    """Tests that took long when they last ran."""
    return [test for test, memory in prepared.store.tests().items() if memory.seconds > SLOW]


def try_or_say(prepared: Prepared, wanted: Wanted) -> Mutation:
    """As `mutants_of`; what cannot be run is not known, which the comparison says in one line."""
    try:
        return mutants_of(prepared, wanted, lambda _mutant: None)
    except GatesError as error:
        return Mutation(budget=wanted.budget, unknown=": ".join(filter(None, (error.place, error.what, error.got))))


def _faults(
    prepared: Prepared, imports: Imports, differences: Sequence[FileDifference]
) -> tuple[dict[str, str], list[Fault]]:
    """The text of each changed file of production code, and the faults in its changed lines, the most promising first."""
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    for each in differences:
        path = each.after
        if not path.endswith(".py") or path not in imports.layout.files or is_of_tests(path, path, imports.layout):
            continue
        data = read_bytes(prepared.root / path)
        found = faults_of(path, data, frozenset(line for line, _ in each.added()).__contains__)
        if found:
            texts[path] = data.decode("utf-8")
            faults += found
    return texts, sorted(faults, key=lambda one: -one.weight)


def _split(
    prepared: Prepared, faults: Sequence[Fault], texts: dict[str, str], today: dt.date
) -> tuple[list[Mutant], list[Fault]]:
    """Suppressed faults, the first of each line, and the others."""
    entries = [entry for entry in prepared.config.mutants if not entry.is_expired(today)]
    if not entries:
        return [], list(faults)
    lines = {path: text.split("\n") for path, text in texts.items()}
    suppressed: dict[tuple[str, int], Mutant] = {}
    left = []
    for fault in faults:
        entry = next((one for one in entries if covers(one, fault, lines[fault.path][fault.line - 1])), None)
        if entry is None:
            left.append(fault)
            continue
        mutant = Mutant(
            path=fault.path, line=fault.line, function=fault.function, operator=fault.what, kind=fault.operator,
            finding="suppressed", reason=f"{entry.name}: {entry.reason}", id=fault.id,
        )  # fmt: skip
        suppressed.setdefault((fault.path, fault.line), mutant)
    return list(suppressed.values()), left
