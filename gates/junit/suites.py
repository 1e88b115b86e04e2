"""The suites of a run: one suite of gates, then one suite per test file.

A reader of JUnit knows four results; we know thirteen. The rule that maps them: what went wrong or is unknown is a
`failure` or an `error`, what did not count is `skipped` with a message that says which kind it is, and nothing else
looks passed. The exact outcome is always there as a property.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gates.junit.elements import Case, Suite, document
from gates.junit.outcomes import GATE_ELEMENTS, TEST_ELEMENTS
from gates.junit.report import split_id
from gates.values import GateOutcome, TestOutcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gates.results import GateResult, Run, TestResult

GATES_SUITE = "gates"
"""Name of the suite that holds a case per gate, and their `classname`."""


def run_document(run: Run, tests: Sequence[TestResult]) -> str:
    """The XML text of all suites: the gates, then the tests file by file."""
    suites = [_gates_suite(run), *_test_suites(run, tests)]
    return document(run.project or GATES_SUITE, suites, timestamp=_iso(run.started))


def _properties(run: Run) -> dict[str, str]:
    return {"run": run.id, "commit": run.subject.commit, "tree": run.subject.identity}


def _gates_suite(run: Run) -> Suite:
    ended = {gate.name for gate in run.gates}
    cases = [_gate_case(run, gate) for gate in run.gates]
    cases += [_missing_gate(name) for name in run.planned if name not in ended]
    return Suite(GATES_SUITE, cases, timestamp=_iso(run.started), properties=_properties(run))


def _gate_case(run: Run, gate: GateResult) -> Case:
    log = f"{run.reports}/{gate.log}" if gate.log else ""
    case = Case(gate.name, GATES_SUITE, time=_seconds(gate.duration), timestamp=_iso(gate.started), log=log)
    case.add_property("outcome", gate.outcome.value)
    case.add_property("command", gate.command_line)
    case.add_property("exit-code", "" if gate.exit_code is None else str(gate.exit_code))
    case.add_property("accepted", "true" if gate.accepted else "")
    case.add_property("inconsistent", "true" if gate.inconsistent else "")
    case.add_property("log-digest", gate.log_digest)
    element = "failure" if gate.inconsistent else GATE_ELEMENTS.get(gate.outcome)
    if gate.outcome is GateOutcome.COULD_NOT_RUN and gate.accepted:
        element = "skipped"
    if element is None:
        case.add_property("reason", gate.reason)
    else:
        message = f"{gate.outcome}: {gate.reason}" if gate.reason else gate.outcome.value
        case.add_result(element, gate.outcome.value, message, _gate_details(gate))
    return case


def _gate_details(gate: GateResult) -> str:
    lines = [f"command: {gate.command_line}"] if gate.command_line else []
    lines += [
        f"{witness.name}: {' '.join(part for part in (witness.outcome and witness.outcome.value, witness.detail) if part)}"
        for witness in gate.witnesses
    ]
    return "\n".join(lines)


def _missing_gate(name: str) -> Case:
    case = Case(name, GATES_SUITE, time=0.0)
    case.add_property("outcome", "not-run")
    case.add_result("error", "not-run", "not-run: planned, but it did not end")
    return case


def _test_suites(run: Run, tests: Iterable[TestResult]) -> list[Suite]:
    groups: dict[tuple[str, str], list[TestResult]] = {}
    for test in tests:
        groups.setdefault((test.gate, test_file(test)), []).append(test)
    several = len({gate for gate, _ in groups}) > 1
    ledger = {record.name: f"{record.owner}, expires {record.expires}" for record in run.exclusions}
    return [
        Suite(
            f"{gate}: {file or gate}" if several else file or gate,
            [_test_case(test, file, ledger) for test in members],
            timestamp=_iso(min((test.started for test in members if test.started > 0), default=run.started)),
            properties={**_properties(run), "gate": gate},
            file=file,
        )
        for (gate, file), members in groups.items()
    ]


def _test_case(test: TestResult, file: str, ledger: Mapping[str, str]) -> Case:
    name, classname = split_id(test.id, file)
    case = Case(
        name,
        classname,
        time=_seconds(test.duration),
        timestamp=_iso(test.started),
        file=file,
        line=test.line,
        stdout=test.stdout,
        stderr=test.stderr,
    )
    case.add_property("outcome", test.outcome.value)
    case.add_property("worker", test.worker)
    case.add_property("process", str(test.process) if test.process else "")
    case.add_property("phase", "" if test.phase == "call" else test.phase)
    case.add_property("exclusion", test.exclusion)
    element = TEST_ELEMENTS.get(test.outcome)
    if element == "skipped":
        said = test.reason or test.message
        if test.exclusion in ledger:
            said = f"{said} ({ledger[test.exclusion]})".strip()
        case.add_result(
            element, test.outcome.value, f"{test.outcome}: {said}" if said else test.outcome.value, test.details
        )
    elif element:
        case.add_property("reason", test.reason)
        case.add_result(element, test.outcome.value, test.message or test.reason or test.outcome.value, test.details)
    else:
        case.add_property("reason", test.reason)
        if test.outcome is TestOutcome.FLAKY:
            # The element that Surefire and nextest write for an attempt that failed before one passed.
            case.add_result("flakyFailure", "flaky", test.message or "failed before it passed", test.details)
    return case


def test_file(test: TestResult) -> str:
    """The file of a test: its own word, else the first part of its id where that looks like a path."""
    if test.file:
        return test.file
    first, separator, _ = test.id.partition("::")
    return first if separator and ("/" in first or "." in first) else ""


def _iso(seconds: float) -> str | None:
    """An ISO 8601 time in UTC; None where the time is unknown or impossible."""
    if not seconds > 0:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return None


def _seconds(value: float) -> float:
    """A duration that can be summed: a clock that went backwards, or `nan`, counts as zero."""
    return value if 0 < value < float("inf") else 0.0
