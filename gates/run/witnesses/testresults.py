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
_PYTEST_NO_TESTS = 5
_SHOWN = 3
"""So many tests are named where a fault is about tests."""


class ProcessSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What one pytest process left behind, as far as the verdict needs it.

    Attributes:
        started: it wrote its first record.
        exit_code: None where it never finished.
        collected: tests that it was to run.
        ended: tests and modules with a result.
        unreadable: records that cannot be read, or give a test a second result.
        listed: it said that its list of tests is complete, or never had one and finished.
        uncollected: ids with a result that are not in that list.
        lost: ids of collected tests of which nothing is known.
    """

    started: bool
    exit_code: int | None
    collected: int
    ended: int
    unreadable: int = 0
    listed: bool = True
    uncollected: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


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

    The tests that were collected and the tests that have a result must be the same.

    Args:
        processes: what each left behind.
        counts: of all their tests.
        demanded: without tests the gate cannot be believed.
        no_tests: what it means when nothing was selected: `fail`, `warn` or `pass`.
    """
    if not processes:
        if not demanded:
            return None
        return Witness(name=TESTS, outcome=GateOutcome.FAILED, detail="no test results were written")
    faults = _contradictions(processes, counts)
    if counts.bad:
        faults.append(f"{plural(counts.bad, 'test')} failed")
    codes = sorted({process.exit_code for process in processes if process.exit_code})
    if not faults and codes == [_PYTEST_NO_TESTS] and counts.run + counts.skipped == 0:
        return Witness(name=TESTS, outcome=GateOutcome.FAILED if demanded else GateOutcome.PASSED, detail=NO_TEST)
    codes = [code for code in codes if code not in (1, _PYTEST_NO_TESTS)] if counts.bad else codes
    if codes and codes != [_PYTEST_NO_TESTS]:
        faults.append("pytest exited with " + ", ".join(map(str, codes)))
    if not faults and no_tests != "fail" and counts.collected == counts.excluded:
        return Witness(name=TESTS, outcome=GateOutcome.PASSED, detail=f"{NO_TEST} (no-tests = {no_tests!r})")
    if demanded and not faults and counts.run == 0:
        faults.append(NO_TEST)
    if faults:
        return Witness(name=TESTS, outcome=GateOutcome.FAILED, detail="; ".join(faults))
    return Witness(name=TESTS, outcome=GateOutcome.PASSED, detail=f"{counts.passed} of {counts.run} passed")


def _contradictions(processes: Sequence[ProcessSummary], counts: TestCounts) -> list[str]:
    """How what was begun, collected, run and finished does not fit together."""
    faults = []
    unfinished = [process for process in processes if process.exit_code is None]
    if unfinished:
        faults.append(f"{len(unfinished)} of {plural(len(processes), 'pytest process')} ended without finishing")
    unlisted = sum(not process.listed for process in processes)
    if unlisted:
        faults.append(
            f"{unlisted} of {plural(len(processes), 'pytest process')} never said which tests they had collected"
        )
    unreadable = sum(process.unreadable for process in processes)
    if unreadable:
        faults.append(f"{plural(unreadable, 'record')} cannot be read")
    if counts.lost:
        lost = [test for process in processes for test in process.lost]
        faults.append(f"{counts.lost} of {plural(counts.collected, 'collected test')} without a result{_named(lost)}")
    uncollected = [test for process in processes for test in process.uncollected]
    if uncollected:
        faults.append(f"{plural(len(uncollected), 'test')} with a result that nobody collected{_named(uncollected)}")
    return faults


def _named(tests: Sequence[str]) -> str:
    """The first ids, for the end of a sentence."""
    more = ", …" if len(tests) > _SHOWN else ""
    return f": {', '.join(tests[:_SHOWN])}{more}" if tests else ""
