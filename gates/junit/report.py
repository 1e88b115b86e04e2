"""What a JUnit file says, as values, and its cases as test results of a gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gates.junit.outcomes import worst_outcome
from gates.results import AttemptResult, SubtestResult, TestResult
from gates.values import TestOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable

PYTEST = "pytest"
"""Producer whose dialect is known: see `JUnitReport.producer`."""


GATES_SUITE = "gates"
"""Name of the suite of our own files that holds a case per gate, and the `classname` of these."""


class JUnitCase(msgspec.Struct, frozen=True, kw_only=True):
    """One `<testcase>`, whatever the number of its results.

    Attributes:
        name: without its class.
        classname: as written; runners put a module, a class, a package or a binary there.
        suite: name of the innermost suite around it.
        file: its own word, else that of a suite around it; may be empty.
        line: counted from 1; 0 where unknown.
        outcome: worst of its results.
        time: seconds, of the last attempt; 0 where missing or unreadable.
        started: seconds since the epoch, of the last attempt; 0 where unknown.
        message: of the result that decided; the last attempt's, the first failure's of a flaky test.
        details: texts of all its results but those of `attempts` and `subtests`.
        phase: as of a `TestResult`, where the file says it; so are the fields below.
        reason: beside a result that is no `skipped`.
        worker: xdist's worker, where the file says it.
        exclusion: ledger entry, where the file says it.
        signature: where the file does not say it, made of type and message.
        attempts: those before the last one.
    """

    name: str
    classname: str = ""
    suite: str = ""
    file: str = ""
    line: int = 0
    outcome: TestOutcome = TestOutcome.PASSED
    time: float = 0.0
    started: float = 0.0
    message: str = ""
    details: str = ""
    phase: str = "call"
    reason: str = ""
    worker: str = ""
    exclusion: str = ""
    signature: str = ""
    attempts: tuple[AttemptResult, ...] = ()
    subtests: tuple[SubtestResult, ...] = ()
    subtests_passed: int = 0
    subtests_skipped: int = 0
    subtests_xfailed: int = 0


class JUnitReport(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file.

    Attributes:
        cases: in the order of the file.
        contradictions: what keeps the file from being believed when it is green: counts in attributes that the elements
            do not bear out where that could hide a failure or a lost test, errors of a suite itself, `status="failed"`
            on a case without a result, no case at all.
        notes: harmless oddities of a known producer, for people.
        producer: `pytest`, `nextest`, or empty where unknown.
    """

    cases: tuple[JUnitCase, ...]
    contradictions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    producer: str = ""

    @property
    def consistent(self) -> bool:
        """Whether the file may be believed when it is green. An inconsistent file is never a pass."""
        return not self.contradictions


def case_results(gate: str, report: JUnitReport) -> tuple[TestResult, ...]:
    """The cases as results of `gate`. Equal ids become `#2`, `#3`, …, so that no case hides another.

    pytest writes a second case with the same name when the teardown of a failed test fails too: these are one test.
    """
    cases = _merge_teardowns(report.cases) if report.producer == PYTEST else report.cases
    seen: dict[str, int] = {}
    results = []
    for case in cases:
        name = case_id(case)
        seen[name] = number = seen.get(name, 0) + 1
        skipped = case.outcome in {
            TestOutcome.SKIPPED,
            TestOutcome.XFAILED,
            TestOutcome.EXCLUDED,
            TestOutcome.QUARANTINED,
        }
        results.append(
            TestResult(
                gate=gate,
                id=name if number == 1 else f"{name}#{number}",
                outcome=case.outcome,
                duration=case.time,
                file=case.file,
                line=case.line,
                worker=case.worker,
                exclusion=case.exclusion,
                reason=case.message if skipped else case.reason,
                message="" if skipped else case.message,
                details=case.details,
                started=case.started,
                phase=case.phase,
                signature=case.signature,
                attempts=case.attempts,
                subtests=case.subtests,
                subtests_passed=case.subtests_passed,
                subtests_skipped=case.subtests_skipped,
                subtests_xfailed=case.subtests_xfailed,
            )
        )
    return tuple(results)


def case_id(case: JUnitCase) -> str:
    """The id of a case: pytest's node id where file and class agree, else `classname::name`."""
    module = module_name(case.file)
    if module and (case.classname == module or case.classname.startswith(f"{module}.")):
        classes = case.classname.removeprefix(module).strip(".")
        return "::".join((case.file, *(classes.split(".") if classes else ()), case.name))
    return "::".join(part for part in (case.classname or case.file or case.suite, case.name) if part)


def module_name(file: str) -> str:
    """The dotted name that pytest writes for a file: `tests/a_test.py` → `tests.a_test`."""
    return file.removesuffix(".py").replace("/", ".").strip(".")


def split_id(test_id: str, file: str) -> tuple[str, str]:
    """`(name, classname)` of a node id, as pytest writes them: `tests/a_test.py::C::t[x]` → `t[x]`, `tests.a_test.C`.

    A parameter may hold `::`, so only what stands before the first `[` is split.
    """
    inside = bool(file) and test_id.startswith(f"{file}::")
    rest = test_id.removeprefix(f"{file}::") if inside else test_id
    head, bracket, parameters = rest.partition("[")
    *classes, name = head.split("::")
    return name + bracket + parameters or test_id, ".".join(part for part in (module_name(file), *classes) if part)


def _merge_teardowns(cases: Iterable[JUnitCase]) -> list[JUnitCase]:
    merged: list[JUnitCase] = []
    for case in cases:
        last = merged[-1] if merged else None
        if last and (last.classname, last.name) == (case.classname, case.name) and case.outcome is TestOutcome.ERROR:
            merged[-1] = msgspec.structs.replace(
                last,
                outcome=worst_outcome((last.outcome, case.outcome)),
                time=last.time + case.time,
                message=last.message or case.message,
                signature=last.signature or case.signature,
                details="\n\n".join(text for text in (last.details, case.details) if text),
            )
        else:
            merged.append(case)
    return merged
