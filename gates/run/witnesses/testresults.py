"""What the records of a gate's pytest processes say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gates.results import TestCounts, Witness
from gates.run.witnesses.names import TESTS
from gates.values import GateOutcome, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gates.config.values import TestWitness

NO_TEST = "no test was selected"
ALL_SKIPPED = "all tests that were selected were skipped"
NOTHING_RAN = (NO_TEST, ALL_SKIPPED)
"""What pytest's exit code 5 can mean."""

_PYTEST_NO_TESTS = 5
_SHOWN = 3
"""So many tests are named where a fault is about tests."""


class ProcessSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What one pytest process left behind, as far as the verdict needs it.

    Attributes:
        exit_code: None where it never finished.
        collected: tests that it was to run.
        unreadable: records that cannot be read, or that do not fit the ones before them.
        listed: it said that its list of tests is complete.
        asked: the option with which it was asked for something else than tests (`--version`); empty without.
        uncollected: ids with a result that are not in that list.
        lost: ids of collected tests of which nothing is known.
        again: ids of tests that have a result and failed when they ran once more.
        workers: of pytest-xdist that it started with; 0 without.
        silent_workers: how many of them never finished collecting.
        dead_workers: names of those that died, and of which no test's result says it.
    """

    exit_code: int | None
    collected: int = 0
    unreadable: int = 0
    listed: bool = True
    asked: str = ""
    uncollected: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    workers: int = 0
    silent_workers: int = 0
    dead_workers: tuple[str, ...] = ()


def is_demanded(tests: TestWitness) -> bool:
    """Whether a gate without records of its tests cannot be believed."""
    return tests == "pytest"


def results_witness(
    processes: Sequence[ProcessSummary],
    counts: TestCounts,
    demanded: bool,
    no_tests: str = "fail",
) -> Witness | None:
    """What the records of the pytest processes say; None where there are none and none were demanded.

    The tests that were collected and the tests that have a result must be the same. That nothing was selected is an
    answer only from sessions in which every process, the controller and each worker, finished collecting.

    Args:
        processes: what each left behind.
        counts: of all their tests.
        demanded: without tests the gate cannot be believed.
        no_tests: what it means when nothing was selected: `fail`, `warn` or `pass`.
    """
    if not processes:
        return _says(GateOutcome.FAILED, "no test results were written") if demanded else None
    faults = _contradictions(processes, counts)
    if counts.bad:
        faults.append(f"{plural(counts.bad, 'test')} failed")
    codes = sorted({process.exit_code for process in processes if process.exit_code})
    codes = [code for code in codes if code not in (1, _PYTEST_NO_TESTS)] if counts.bad else codes
    if codes and codes != [_PYTEST_NO_TESTS]:
        faults.append("pytest exited with " + ", ".join(map(str, codes)))
    if faults:
        return _says(GateOutcome.FAILED, "; ".join(faults))
    if counts.run:
        return _says(GateOutcome.PASSED, f"{counts.passed} of {counts.run} passed")
    if no_tests != "fail" and counts.collected == counts.excluded:
        return _says(GateOutcome.PASSED, f"{NO_TEST} (no-tests = {no_tests!r})")
    return _says(GateOutcome.FAILED if demanded else GateOutcome.PASSED, ALL_SKIPPED if counts.skipped else NO_TEST)


def _says(outcome: GateOutcome, detail: str) -> Witness:
    return Witness(name=TESTS, outcome=outcome, detail=detail)


def _contradictions(processes: Sequence[ProcessSummary], counts: TestCounts) -> list[str]:
    """How what was begun, collected, run and finished does not fit together."""
    faults = []
    unfinished = [process for process in processes if process.exit_code is None]
    if unfinished:
        faults.append(f"{len(unfinished)} of {plural(len(processes), 'pytest process')} ended without finishing")
    unlisted = sum(not process.listed and not process.asked for process in processes)
    if unlisted:
        faults.append(
            f"{unlisted} of {plural(len(processes), 'pytest process')} never said which tests they had collected"
        )
    if all(process.asked and not process.listed for process in processes):
        asked = ", ".join(dict.fromkeys(process.asked for process in processes))
        faults.append(f"pytest was only asked for {asked} (a gate without tests says so with tests = 'none')")
    faults += _silent_workers(processes)
    unreadable = sum(process.unreadable for process in processes)
    if unreadable:
        faults.append(f"{plural(unreadable, 'record')} cannot be read")
    if counts.lost:
        lost = [test for process in processes for test in process.lost]
        faults.append(f"{counts.lost} of {plural(counts.collected, 'collected test')} without a result{_named(lost)}")
    uncollected = [test for process in processes for test in process.uncollected]
    if uncollected:
        faults.append(f"{plural(len(uncollected), 'test')} with a result that nobody collected{_named(uncollected)}")
    again = [test for process in processes for test in process.again]
    if again:
        faults.append(f"{plural(len(again), 'test')} failed when run once more{_named(again)}")
    return faults


def _silent_workers(processes: Sequence[ProcessSummary]) -> list[str]:
    """What is wrong with workers of pytest-xdist: a death that no test's result tells, a list that never came.

    A worker that is told to stop early need not finish collecting, as long as others have.
    """
    workers = sum(process.workers for process in processes)
    dead = [name for process in processes for name in process.dead_workers]
    if dead:
        return [f"{plural(len(dead), 'worker')} of pytest-xdist died without a test to show for it{_named(dead)}"]
    silent = sum(process.silent_workers for process in processes if not process.collected)
    return [f"{silent} of {workers} workers of pytest-xdist never finished collecting"] if silent else []


def _named(tests: Sequence[str]) -> str:
    """The first ids, for the end of a sentence."""
    more = ", …" if len(tests) > _SHOWN else ""
    return f": {', '.join(tests[:_SHOWN])}{more}" if tests else ""
