"""What the records of a gate's pytest processes say."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gates.config.values import TestWitness
from gates.portable.values import GateOutcome, plural
from gates.results import TestCounts, TestResult, Witness
from gates.run.witnesses.names import TESTS
from gates.run.witnesses.stops import collection_words, uncollectable, unrun_words

NO_TEST = "no test was selected"
_PYTEST_STOPPED, _PYTEST_INTERNAL, _PYTEST_USAGE, _PYTEST_NO_TESTS = 2, 3, 4, 5
ALL_SKIPPED = "all selected tests were skipped"
NOTHING_RAN = (NO_TEST, ALL_SKIPPED)
"""What pytest's exit code 5 can mean."""

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
        trouble: why pytest itself could not go on, with the place; empty where it could.
        again: ids of tests that have a result and failed when they ran once more.
        forked: what was raised in processes that tests forked, each behind the id of its test.
        asserts: `assert` does something in its tests.
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
    trouble: str = ""
    again: tuple[str, ...] = ()
    forked: tuple[str, ...] = ()
    asserts: bool = True
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
    tests: Sequence[TestResult] = (),
    said: str = "",
) -> Witness | None:
    """What the records of the pytest processes say; None where there are none and none were demanded.

    The tests that were collected and the tests that have a result must be the same. That nothing was selected is an
    answer only from sessions in which every process, the controller and each worker, finished collecting.

    Args:
        processes: what each left behind.
        counts: of all their tests.
        demanded: without tests the gate cannot be believed.
        no_tests: what it means when nothing was selected: `fail`, `warn` or `pass`.
        tests: results of all of them.
        said: what a pytest that gave up at once printed.
    """
    if not processes:
        told = f"pytest could not go on: {said}" if said else "no test results were written"
        return _says(GateOutcome.FAILED, told) if demanded else None
    broken = uncollectable(tests) if counts.error else []
    troubles = _troubles(processes, said)
    faults = [*troubles, *([collection_words(broken)] if broken else [])]
    if counts.bad > counts.error:
        faults.append(f"{plural(counts.bad - counts.error, 'test')} failed")
    if counts.error > len(broken):
        faults.append(f"{plural(counts.error - len(broken), 'test')} had an error in setup or teardown")
    faults += _contradictions(processes, counts, tests, told=bool(troubles))
    codes = sorted({process.exit_code for process in processes if process.exit_code})
    codes = [code for code in codes if code not in _explained(counts, told=bool(troubles), stopped=bool(broken))]
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


def _troubles(processes: Sequence[ProcessSummary], said: str) -> list[str]:
    """Why pytest could not go on, by its own word, or by what it printed."""
    told = dict.fromkeys(process.trouble for process in processes if process.trouble)
    unfinished = any(process.exit_code is None or process.exit_code == _PYTEST_USAGE for process in processes)
    if not told and said and unfinished:
        told = {said: None}
    return [f"pytest could not go on: {words}" for words in told]


def _explained(counts: TestCounts, *, told: bool, stopped: bool) -> frozenset[int]:
    """Exit codes of pytest that say no more than what was said already."""
    codes = {1, _PYTEST_NO_TESTS} if counts.bad else set()
    codes |= {_PYTEST_STOPPED} if stopped or told else set()
    return frozenset(codes | ({_PYTEST_INTERNAL, _PYTEST_USAGE} if told else set()))


def _contradictions(
    processes: Sequence[ProcessSummary], counts: TestCounts, tests: Sequence[TestResult], *, told: bool
) -> list[str]:
    """How what was begun, collected, run and finished does not fit together."""
    faults = []
    unfinished = [process for process in processes if process.exit_code is None and not told]
    if unfinished:
        faults.append(f"{len(unfinished)} of {plural(len(processes), 'pytest process')} ended without finishing")
    unlisted = sum(not (process.listed or process.asked or told) for process in processes)
    if unlisted:
        faults.append(
            f"{unlisted} of {plural(len(processes), 'pytest process')} never reported which tests they had collected"
        )
    if all(process.asked and not process.listed for process in processes) and not told:
        asked = ", ".join(dict.fromkeys(process.asked for process in processes))
        faults.append(f"pytest was only asked for {asked} (for a gate without tests, set tests = 'none')")
    faults += _silent_workers(processes)
    unreadable = sum(process.unreadable for process in processes)
    if unreadable:
        faults.append(f"{plural(unreadable, 'record')} cannot be read")
    if counts.lost:
        faults.append(unrun_words(tests, counts.lost, counts.collected))
    uncollected = [test for process in processes for test in process.uncollected]
    if uncollected:
        faults.append(f"{plural(len(uncollected), 'test')} with a result, but never collected{_named(uncollected)}")
    if any(not process.asserts for process in processes):
        faults.append("`assert` does nothing in these tests: Python runs with -O, and pytest with --assert=plain")
    again = [test for process in processes for test in process.again]
    if again:
        faults.append(f"{plural(len(again), 'test')} failed when run once more{_named(again)}")
    forked = [said for process in processes for said in process.forked]
    if forked:
        faults.append(f"{plural(len(forked), 'process')} that tests forked failed{_named(forked)}")
    return faults


def _silent_workers(processes: Sequence[ProcessSummary]) -> list[str]:
    """What is wrong with workers of pytest-xdist: a death that no test's result tells, a list that never came.

    A worker that is told to stop early need not finish collecting, as long as others have.
    """
    workers = sum(process.workers for process in processes)
    dead = [name for process in processes for name in process.dead_workers]
    if dead:
        return [f"{plural(len(dead), 'worker')} of pytest-xdist died, and no test is reported as crashed{_named(dead)}"]
    silent = sum(process.silent_workers for process in processes if not process.collected)
    return [f"{silent} of {plural(workers, 'worker')} of pytest-xdist never finished collecting"] if silent else []


def _named(tests: Sequence[str]) -> str:
    """The first ids, for the end of a sentence."""
    more = ", …" if len(tests) > _SHOWN else ""
    return f": {', '.join(tests[:_SHOWN])}{more}" if tests else ""
