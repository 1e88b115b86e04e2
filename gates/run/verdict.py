"""Decide how a gate and a run ended: the worst of all witnesses. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from gates.results import FilterLeaf, GateResult, TestCounts, Witness
from gates.values import ExitCode, GateOutcome, worst_exit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gates.config.values import TestWitness

_WORST_FIRST = (
    GateOutcome.INTERRUPTED,
    GateOutcome.TIMEOUT,
    GateOutcome.FAILED,
    GateOutcome.COULD_NOT_RUN,
    GateOutcome.SKIPPED,
    GateOutcome.PASSED,
)

FALLBACK = "the plugin could not be injected, so pytest's own JUnit is the witness of its tests"
NO_TEST = "no test was selected"
FILTER = "filter"
"""Source of a predicate that the user wrote for this run; others stand in the config."""
_PYTEST_NO_TESTS = 5
_SHOWN = 3
"""So many tests are named where a fault is about tests."""
_NOT_FOUND = (126, 127)
_NO_PROGRAM = re.compile(
    r"nox > Program (?P<name>.+) not found\.[^\n]*\n[^\n]*nox > Session [^\n]+ failed\.[^\n]*\s*\Z"
)

EXIT_CODE, NOX_REPORT, TESTS, JUNIT, REPORTS, OWN_WORD, CLOCK, LEDGER, INJECTION, IMPORTS = (
    "exit code",
    "nox report",
    "test results",
    "junit",
    "reports",
    "gate's own word",
    "clock",
    "exclusions",
    "injection",
    "imports",
)
_INSTALLED = re.compile(r"/(site|dist)-packages/")


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


def exit_witness(exit_code: int | None, kind: str) -> Witness:
    """What the exit code says."""
    if exit_code is None:
        return Witness(name=EXIT_CODE, outcome=GateOutcome.FAILED, detail="the process has no exit code")
    if exit_code == 0:
        return Witness(name=EXIT_CODE, outcome=GateOutcome.PASSED, detail="exit code 0")
    if exit_code < 0:
        return Witness(name=EXIT_CODE, outcome=GateOutcome.FAILED, detail=f"ended by signal {-exit_code}")
    if kind == "command" and exit_code in _NOT_FOUND:
        return Witness(name=EXIT_CODE, outcome=GateOutcome.COULD_NOT_RUN, detail=f"exit code {exit_code}: not found")
    return Witness(name=EXIT_CODE, outcome=GateOutcome.FAILED, detail=f"exit code {exit_code}")


def nox_witness(report: Any, signature: str, tail: str = "") -> Witness:
    """What nox's own report says of the session. Its number 0 means *failed*, so only its words are read.

    Args:
        report: the file that nox wrote, decoded.
        signature: the session.
        tail: the last lines of the log. Only there nox says that a program is missing, between the session's last
            output and its own closing line: no program that did run can have the last word but one.
    """
    try:
        entry = next(
            item for item in report["sessions"] if item["name"] == signature or signature in item["signatures"]
        )
        word, reason = entry["result"], entry.get("reason") or ""
    except (TypeError, KeyError, StopIteration):
        return Witness(name=NOX_REPORT, detail="nox wrote no report of this session")
    if word == "failed" and reason.startswith("Python interpreter") and reason.endswith("not found"):
        return Witness(name=NOX_REPORT, outcome=GateOutcome.COULD_NOT_RUN, detail=reason)
    missing = _NO_PROGRAM.search(tail)
    if word == "failed" and not reason and missing:
        return Witness(
            name=NOX_REPORT, outcome=GateOutcome.COULD_NOT_RUN, detail=f"{missing['name']}: program not found"
        )
    outcome = {
        "success": GateOutcome.PASSED,
        "failed": GateOutcome.FAILED,
        "skipped": GateOutcome.SKIPPED,
        "aborted": GateOutcome.FAILED,  # by session.error; a session that is interrupted leaves no report
    }.get(word)
    return Witness(name=NOX_REPORT, outcome=outcome, detail=f"{word}: {reason}" if reason else word)


def own_word_witness(word: Any) -> Witness | None:
    """What the gate itself wrote to `$GATES_OUTCOME`. It can make things worse, never better."""
    if word is None:
        return None
    try:
        outcome = GateOutcome(word["outcome"])
        reason = str(word.get("reason", ""))
    except (TypeError, KeyError, ValueError, AttributeError):
        return Witness(name=OWN_WORD, outcome=GateOutcome.FAILED, detail="unreadable: expected {outcome, reason}")
    return Witness(name=OWN_WORD, outcome=outcome, detail=reason)


def tests_witness(
    processes: Sequence[ProcessSummary],
    counts: TestCounts,
    demanded: bool,
    no_tests: str = "fail",  # noqa: PT028 (no test)
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
        faults.append(f"{counts.bad} {_tests(counts.bad)} wrong")
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
        faults.append(f"{len(unfinished)} of {len(processes)} pytest processes ended without finishing")
    unlisted = sum(not process.listed for process in processes)
    if unlisted:
        faults.append(f"{unlisted} of {len(processes)} pytest processes never said which tests they had collected")
    unreadable = sum(process.unreadable for process in processes)
    if unreadable:
        faults.append(f"{unreadable} records cannot be read")
    if counts.lost:
        lost = [test for process in processes for test in process.lost]
        faults.append(f"{counts.lost} of {counts.collected} collected tests without a result{_named(lost)}")
    uncollected = [test for process in processes for test in process.uncollected]
    if uncollected:
        words = "result of a test" if len(uncollected) == 1 else "results of tests"
        faults.append(f"{len(uncollected)} {words} that nobody collected{_named(uncollected)}")
    return faults


def _named(tests: Sequence[str]) -> str:
    """The first ids, for the end of a sentence."""
    more = ", …" if len(tests) > _SHOWN else ""
    return f": {', '.join(tests[:_SHOWN])}{more}" if tests else ""


def injection_witness(gate: str) -> Witness:
    """What to do where the test process cannot load our plugin."""
    detail = (
        "this pytest cannot load our plugin (the session replaces PYTHONPATH, or starts Python with -I): let it keep "
        f"what PYTHONPATH holds, or write tests = 'none', or tests = 'junit' with reports, into the table of gate {gate!r}"
    )
    return Witness(name=INJECTION, outcome=GateOutcome.COULD_NOT_RUN, detail=detail)


def imports_witness(imported: Mapping[str, str], stale: Mapping[str, str]) -> Witness | None:
    """What it means that tests imported packages of the project from elsewhere; None where they did not.

    A package in the sources of another tree is not that of this one. An installed copy may well be.

    Args:
        imported: as in `GateResult`.
        stale: installed copies of the project's packages → a file of theirs that is not as in this tree.
    """
    elsewhere = {name: place for name, place in imported.items() if place.startswith("/")}
    copies = {name for name, place in elsewhere.items() if _INSTALLED.search(place)}
    foreign = [f"{name} ({place})" for name, place in elsewhere.items() if name not in copies]
    foreign += [f"{name} (installed, and {file} is not as here)" for name, file in stale.items()]
    if foreign:
        detail = (
            f"the tests import the code of another tree: {', '.join(foreign[:_SHOWN])}; let the session install this one "
            "into an environment of its own, or put its folder on PYTHONPATH"
        )
        return Witness(name=IMPORTS, outcome=GateOutcome.FAILED, detail=detail)
    if copies:
        return Witness(name=IMPORTS, detail=f"installed copies, perhaps of another tree: {', '.join(sorted(copies))}")
    return None


def junit_witness(counts: TestCounts | None, problems: Sequence[str], notes: Sequence[str] = ()) -> Witness | None:
    """What the JUnit files say that the gate was expected to write; None where none were expected.

    Args:
        counts: of their cases; None for no file.
        problems: why they cannot be believed.
        notes: harmless oddities, for people.
    """
    if problems:
        return Witness(name=JUNIT, outcome=GateOutcome.FAILED, detail="; ".join(problems))
    if counts is None:
        return None
    if counts.bad or counts.lost:
        return Witness(name=JUNIT, outcome=GateOutcome.FAILED, detail=f"{counts.bad + counts.lost} cases are wrong")
    if counts.collected == 0:
        return Witness(name=JUNIT, outcome=GateOutcome.FAILED, detail="holds no case")
    said = "; ".join((f"{counts.run} cases run, none is wrong", *notes))
    return Witness(name=JUNIT, outcome=GateOutcome.PASSED, detail=said)


def agree(records: TestCounts, junit: TestCounts) -> str:
    """How the JUnit of a gate contradicts the records of the same gate; empty where it does not.

    JUnit has no word for tests that were excluded before they ran, and counts xpassed as passed: only what could hide
    something is compared.
    """
    if junit.run + junit.skipped < records.run + records.skipped:
        return f"junit holds {junit.collected} cases, {records.run + records.skipped} tests have results"
    if junit.bad < records.bad:
        return f"junit shows {junit.bad} wrong tests, the results {records.bad}"
    return ""


def is_demanded(tests: TestWitness) -> bool:
    """Whether a gate without records of its tests cannot be believed."""
    return tests == "pytest"


def decide(witnesses: Iterable[Witness]) -> tuple[GateOutcome, bool, str]:
    """Outcome, whether witnesses contradict each other, and the words of the one that decided.

    A witness that says *passed* against one that says *failed* is a contradiction only where it should have known: an
    exit code of 1 with all tests passed is none, for a session does more than its tests.
    """
    found = _explained([witness for witness in witnesses if witness.outcome is not None])
    by_name = {witness.name: witness.outcome for witness in found}
    worst = min(found, key=lambda witness: _WORST_FIRST.index(witness.outcome or GateOutcome.FAILED), default=None)
    if worst is None or worst.outcome is None:
        return GateOutcome.FAILED, True, "no witness says how it ended"
    ends = (by_name.get(EXIT_CODE), by_name.get(NOX_REPORT))
    claims_pass = GateOutcome.PASSED in ends
    denied = any(
        by_name.get(name) is GateOutcome.FAILED for name in (EXIT_CODE, NOX_REPORT, TESTS, JUNIT, REPORTS, IMPORTS)
    )
    inconsistent = worst.outcome is GateOutcome.FAILED and claims_pass and denied and worst.name != LEDGER
    reason = "" if worst.outcome is GateOutcome.PASSED else worst.detail
    if worst.name == EXIT_CODE and reason:
        better = next((w.detail for w in found if w.outcome is worst.outcome and w.name in (TESTS, JUNIT)), "")
        nothing = any(w.name == TESTS and w.detail == NO_TEST for w in found)  # pytest ends with 5 then
        reason = NO_TEST if nothing else better or reason
        # Only the tool's own fault keeps this gate from being judged, and the reader must learn what to do.
        reason = next((witness.detail for witness in found if witness.name == INJECTION), reason)
    if worst.outcome is GateOutcome.SKIPPED:
        reason = reason.removeprefix("skipped: ")
    return worst.outcome, inconsistent, reason


def _explained(found: list[Witness]) -> list[Witness]:
    """Without nox's exit code where nox's report says that it is the environment's fault: the code only repeats it."""
    report = next((witness.outcome for witness in found if witness.name == NOX_REPORT), None)
    if report is not GateOutcome.COULD_NOT_RUN:
        return found
    return [witness for witness in found if witness.name != EXIT_CODE or witness.outcome is not GateOutcome.FAILED]


def leaves_of(gates: Sequence[GateResult], *, whole: bool) -> tuple[FilterLeaf, ...]:
    """What each predicate matched over all gates: a name that one gate does not have may be another's.

    Args:
        gates: results that hold what each of their processes found.
        whole: every gate ran. Otherwise the ledgers may well name tests of gates that did not.
    """
    found: dict[tuple[str, str], list[FilterLeaf]] = {}
    for gate in gates:
        for leaf in gate.leaves:
            found.setdefault((leaf.source, leaf.text), []).append(leaf)
    return tuple(_one_leaf(leaves, whole) for leaves in found.values())


def _one_leaf(leaves: Sequence[FilterLeaf], whole: bool) -> FilterLeaf:
    most = max(leaves, key=lambda leaf: leaf.count)
    if most.count:
        return msgspec.structs.replace(most, error="", warning="")
    if most.source == FILTER:
        return most
    if not whole:
        return msgspec.structs.replace(most, error="", warning="")
    # In a config nothing is written by the way: what matches nothing is out of date, or a typing mistake.
    return msgspec.structs.replace(most, error=most.error or most.warning, warning="")


def conclude(
    gates: Sequence[GateResult],
    *,
    interrupted: bool = False,
    late: bool = False,
    trouble: bool = False,
    leaves: Sequence[FilterLeaf] = (),
) -> tuple[str, ExitCode]:
    """Outcome and exit code of a run.

    Args:
        gates: results of all planned gates.
        interrupted: the user or the system ended the run.
        late: the time of the whole run was over: it failed, even where nothing was left but gates that waited.
        trouble: the run itself could not go on (reports cannot be written).
        leaves: what the predicates of the expressions matched.
    """
    codes = [_exit_of(gate) for gate in gates]
    if interrupted:
        codes.append(ExitCode.INTERRUPTED)
    if trouble:
        codes.append(ExitCode.COULD_NOT_RUN)
    if any(leaf.error for leaf in leaves):
        codes.append(ExitCode.USAGE)
    failed = [gate for gate in gates if _exit_of(gate) is ExitCode.GATE_FAILED]
    if failed and all(gate.reason == NO_TEST for gate in failed):
        codes = [ExitCode.NOTHING_SELECTED if code is ExitCode.GATE_FAILED else code for code in codes]
    if late:
        codes.append(ExitCode.GATE_FAILED)
    if not gates and not codes:
        codes.append(ExitCode.NOTHING_SELECTED)
    code = worst_exit(codes)
    word = {
        ExitCode.PASSED: "passed",
        ExitCode.GATE_FAILED: "failed",
        ExitCode.COULD_NOT_RUN: "could-not-run",
        ExitCode.NOTHING_SELECTED: "nothing-selected",
        ExitCode.USAGE: "wrong-filter",
        ExitCode.INTERRUPTED: "interrupted",
    }[code]
    return word, code


def _exit_of(gate: GateResult) -> ExitCode:
    if gate.outcome is GateOutcome.PASSED or gate.accepted:
        return ExitCode.PASSED
    if gate.outcome in (GateOutcome.FAILED, GateOutcome.TIMEOUT):
        return ExitCode.GATE_FAILED
    if gate.outcome is GateOutcome.INTERRUPTED:
        return ExitCode.INTERRUPTED
    return ExitCode.COULD_NOT_RUN  # skipped counts as not shown, and never looks passed


def _tests(number: int) -> str:
    return "test is" if number == 1 else "tests are"
