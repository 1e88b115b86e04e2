"""When each worker of a gate ran tests: stretches without gaps that a reader could see, and which of them failed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gates.compare.tests import WRONG_TESTS
from gates.results import Run, TestResult

MOST = 20_000
"""In a larger run the stretches would say no more than the gates; its trace has every test (`--format trace`)."""

_STEPS = 300
"""So many places can be told apart from the start of a run to its end."""


class Lane(msgspec.Struct, frozen=True):
    """A worker.

    Attributes:
        gate: its gate.
        worker: its name; of a gate without workers, or with several processes, the number of the process.
        tests: how many ran there.
        stretches: start and length in seconds from the start of the first gate, and whether a test in it failed.
    """

    gate: str
    worker: str
    tests: int
    stretches: tuple[tuple[float, float, bool], ...]


def lanes(run: Run, tests: Sequence[TestResult], first: float) -> tuple[Lane, ...]:
    """The workers, in the order of the gates; none if no gate has several, or if there are too many tests.

    Args:
        run: the run.
        tests: of it.
        first: when the first gate began.
    """
    if len(tests) > MOST:
        return ()
    workers: dict[tuple[str, str], list[TestResult]] = {}
    for test in tests:
        if test.started > 0 and 0 <= test.duration < _seconds(run):
            workers.setdefault((test.gate, test.worker or str(test.process + 1)), []).append(test)
    if len(workers) == len({gate for gate, _ in workers}):
        return ()
    order = {gate.name: number for number, gate in enumerate(run.gates)}
    step = _seconds(run) / _STEPS
    return tuple(
        Lane(gate, worker, len(members), _stretches(members, first, step))
        for (gate, worker), members in sorted(workers.items(), key=lambda one: (order.get(one[0][0], len(order)), len(one[0][1]), one[0][1]))
    )  # fmt: skip


def _seconds(run: Run) -> float:
    return max([run.duration, *(gate.duration for gate in run.gates)]) + 1.0


def _stretches(tests: Sequence[TestResult], first: float, step: float) -> tuple[tuple[float, float, bool], ...]:
    found: list[tuple[float, float, bool]] = []
    for test in sorted(tests, key=lambda each: each.started):
        start, length, bad = max(0.0, test.started - first), test.duration, test.outcome in WRONG_TESTS
        if found and found[-1][2] == bad and start - sum(found[-1][:2]) < step:
            start_before = found[-1][0]
            found[-1] = (start_before, max(found[-1][1], start + length - start_before), bad)
        else:
            found.append((start, length, bad))
    return tuple((round(start, 3), round(length, 3), bad) for start, length, bad in found)
