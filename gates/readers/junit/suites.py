"""The suites of a run: one suite of gates, then one suite per test file (its cases: see `testcase`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gates.portable.values import GateOutcome
from gates.readers.junit.elements import Case, Suite, document
from gates.readers.junit.outcomes import GATE_ELEMENTS
from gates.readers.junit.report import GATES_SUITE, OWN_MARK
from gates.readers.junit.testcase import iso, seconds, test_case
from gates.results import GateResult, Run, TestResult


def run_document(run: Run, tests: Sequence[TestResult]) -> str:
    """The XML text of all suites: the gates, then the tests file by file."""
    suites = [_gates_suite(run), *_test_suites(run, tests)]
    return document(run.project or GATES_SUITE, suites, timestamp=iso(run.started))


def _properties(run: Run) -> dict[str, str]:
    return {"run": run.id, "commit": run.subject.commit, "tree": run.subject.identity}


def _gates_suite(run: Run) -> Suite:
    ended = {gate.name for gate in run.gates}
    cases = [_gate_case(run, gate) for gate in run.gates]
    cases += [_missing_gate(name) for name in run.planned if name not in ended]
    properties = {**dict([OWN_MARK]), **_properties(run)}
    return Suite(GATES_SUITE, cases, timestamp=iso(run.started), properties=properties)


def _gate_case(run: Run, gate: GateResult) -> Case:
    log = f"{run.reports}/{gate.log}" if gate.log else ""
    case = Case(gate.name, GATES_SUITE, time=seconds(gate.duration), timestamp=iso(gate.started), log=log)
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
    return "\n".join([*lines, *(("why, from its log:", *gate.excerpt) if gate.excerpt else ())])


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
    ledger = {record.name: f"{record.owner}, expires {record.expires}" for record in (*run.exclusions, *run.quarantine)}
    return [
        Suite(
            f"{gate}: {file or gate}" if several else file or gate,
            [test_case(test, file, ledger) for test in members],
            timestamp=iso(min((test.started for test in members if test.started > 0), default=run.started)),
            properties={**_properties(run), "gate": gate},
            file=file,
        )
        for (gate, file), members in groups.items()
    ]


def test_file(test: TestResult) -> str:
    """The file of a test: as recorded, else the first part of its id if that looks like a path."""
    if test.file:
        return test.file
    first, separator, _ = test.id.partition("::")
    return first if separator and ("/" in first or "." in first) else ""
