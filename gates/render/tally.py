"""Count the tests of a run and their time: in all, by gate and by package. There may be 100,000, so each is looked at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from operator import add, attrgetter
from pathlib import PurePosixPath

import msgspec

from gates.portable.values import TestOutcome
from gates.results import Run, TestCounts, TestResult
from gates.results.tests import counts_of

PASSING_FOLDERS = frozenset({"tests", "test", "testing", "src", "lib", "libs", "crates", "packages", "python"})
"""Folders that name no package: what they contain does."""

_ABOUT = attrgetter("gate", "file", "outcome")
_STARTED, _DURATION, _ATTEMPTS = map(attrgetter, ("started", "duration", "attempts"))

_Outcomes = Counter[TestOutcome]


class PackageRow(msgspec.Struct, frozen=True):
    """Counts of one package; `gate` is empty if only one gate has tests."""

    package: str
    gate: str
    counts: TestCounts


class Tally(msgspec.Struct, frozen=True):
    """Counts and times.

    Attributes:
        counts: of all tests.
        seconds: for each gate, from its first start to its last end; if unknown, the gate's own time.
        packages: counts by package, and by gate if several have tests; sorted by name.
        by_gate: name, seconds and counts of each gate, in the order of the run; empty unless several have tests.
    """

    counts: TestCounts
    seconds: float
    packages: tuple[PackageRow, ...]
    by_gate: tuple[tuple[str, float, TestCounts], ...]


def tally(run: Run, tests: Sequence[TestResult]) -> Tally:
    """Count all tests of a run."""
    gates: dict[str, _Outcomes] = defaultdict(Counter)
    packages: dict[tuple[str, str], _Outcomes] = defaultdict(Counter)
    nameless = False
    # Tests are many; their files, and the places of those without a file, are few.
    for (gate, file, outcome), number in Counter(map(_ABOUT, tests)).items():
        gates[gate][outcome] += number
        if file:
            packages[package_of(file), gate][outcome] += number
        else:
            nameless = True
    for test in tests if nameless else ():
        if not test.file:
            packages[package_of("", test.id), test.gate][test.outcome] += 1
    seconds = _seconds(run, tests, tuple(gates))
    order = (*(gate.name for gate in run.gates if gate.name in gates), *gates)
    return Tally(
        counts=counts_of(sum(gates.values(), Counter())),
        seconds=sum(seconds.values()),
        packages=_rows(packages, several=len(gates) > 1),
        by_gate=tuple((name, seconds[name], counts_of(gates[name])) for name in dict.fromkeys(order)) if len(gates) > 1 else (),
    )  # fmt: skip


def _rows(packages: Mapping[tuple[str, str], _Outcomes], *, several: bool) -> tuple[PackageRow, ...]:
    return tuple(
        PackageRow(package, gate if several else "", counts_of(found))
        for (package, gate), found in sorted(packages.items())
    )


@lru_cache(10_000)
def package_of(file: str, test_id: str = "") -> str:
    """The package under which a test is counted: `tests/kvcache/pool_test.py` → `kvcache`.

    The first folder of the file that is not one of `PASSING_FOLDERS`; the last folder if all are; `(root)` for a
    file without a folder. A test without a file counts under its id's first part, which other runners use for
    a package, a binary or a class; only a file path is split.
    """
    path = file or test_id.partition("::")[0]
    if not file and ("/" not in path or not PurePosixPath(path).suffix):
        return path
    folders = [part for part in path.split("/")[:-1] if part not in {"", "."}]
    named = [folder for folder in folders if folder not in PASSING_FOLDERS and folder != ".."]
    return named[0] if named else folders[-1] if folders else "(root)"


def _seconds(run: Run, tests: Sequence[TestResult], gates: Sequence[str]) -> dict[str, float]:
    """Gate → the time of its tests."""
    own = {gate.name: gate.duration for gate in run.gates if gate.tests is not None or gate.name in gates}
    if len(gates) < 2:
        return {gate: _span(tests) or own.get(gate, 0.0) for gate in gates} or own
    members: dict[str, list[TestResult]] = {gate: [] for gate in gates}
    for test in tests:
        members[test.gate].append(test)
    return {gate: _span(found) or own.get(gate, 0.0) for gate, found in members.items()}


def _span(tests: Sequence[TestResult]) -> float:
    """From the first start to the last end; 0 if no test knows when it started."""
    started = list(map(_STARTED, tests))
    ends = map(add, started, map(_DURATION, tests))  # without a start, it is long before all others
    retried = [attempts[0].started for attempts in filter(None, map(_ATTEMPTS, tests))]
    began = min(started) if min(started) > 0 and not retried else _first((*started, *retried))
    return max(ends) - began if began else 0.0


def _first(times: Iterable[float]) -> float:
    return min((time for time in times if time > 0), default=0.0)
