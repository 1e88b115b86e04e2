"""The records of a gate's pytest processes as a witness."""

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
"""Possible meanings of pytest's exit code 5."""

_SHOWN = 3
"""Maximum number of tests that a fault names."""


class ProcessSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The facts about one pytest process for the verdict.

    Attributes:
        exit_code: None if it never finished.
        collected: number of tests that it should run.
        unreadable: number of records that cannot be read, or that do not fit the earlier ones.
        listed: it reported that its list of tests is complete.
        asked: the option that asked it for something other than tests (`--version`); empty if there is none.
        uncollected: ids with a result that are not in that list.
        trouble: why pytest itself could not go on, with the place; empty if it could.
        again: ids of tests with a result that failed when run again.
        forked: exceptions in processes that tests forked, each after the id of its test.
        asserts: `assert` has an effect in its tests.
        workers: number of initial pytest-xdist workers; 0 without.
        silent_workers: how many of them never finished collecting.
        dead_workers: names of those that died, without a test result that shows it.
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
    """Whether a gate without test records cannot be trusted."""
    return tests == "pytest"


def results_witness(
    processes: Sequence[ProcessSummary],
    counts: TestCounts,
    demanded: bool,
    no_tests: str = "fail",
    tests: Sequence[TestResult] = (),
    said: str = "",
) -> Witness | None:
    """The witness of the records of the pytest processes; None if there are none and none are demanded.

    The collected tests and the tests with a result must be the same. An empty selection is accepted
    only from sessions in which every process, the controller and each worker, finished collecting.

    Args:
        processes: the facts about each.
        counts: of all their tests.
        demanded: without tests the gate cannot be trusted.
        no_tests: what to do when no test was selected: `fail`, `warn` or `pass`.
        tests: results of all of them.
        said: the message of a pytest that gave up at once.
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
    """Why pytest could not go on, from its records or its output."""
    told = dict.fromkeys(process.trouble for process in processes if process.trouble)
    unfinished = any(process.exit_code is None or process.exit_code == _PYTEST_USAGE for process in processes)
    if not told and said and unfinished:
        told = {said: None}
    return [f"pytest could not go on: {words}" for words in told]


def _explained(counts: TestCounts, *, told: bool, stopped: bool) -> frozenset[int]:
    """Exit codes of pytest that add nothing to what is already known."""
    codes = {1, _PYTEST_NO_TESTS} if counts.bad else set()
    codes |= {_PYTEST_STOPPED} if stopped or told else set()
    return frozenset(codes | ({_PYTEST_INTERNAL, _PYTEST_USAGE} if told else set()))


def _contradictions(
    processes: Sequence[ProcessSummary], counts: TestCounts, tests: Sequence[TestResult], *, told: bool
) -> list[str]:
    """Contradictions between started, collected, run and finished tests."""
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
    """Problems of pytest-xdist workers: a death that no test result shows, or a missing list.

    A worker that must stop early need not finish collecting, if others have.
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
