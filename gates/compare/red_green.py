"""Which tests of the head show its change: they fail on the code that it changed, and because of the change."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from gates.analysis.needed_names import imported_names, needs_any
from gates.analysis.recorded.records import without_parameters
from gates.compare.added_names import AddedNames
from gates.portable.values import RAN_TESTS, GateOutcome, TestOutcome
from gates.readers.junit.hints import junit_hint
from gates.results import GateResult, RedGreenTest, TestResult

Finding = Literal["red", "green", "unknown"]

SHOWN = frozenset({TestOutcome.PASSED, TestOutcome.FLAKY})
"""Outcomes on the head of tests that can show its change."""

EXPECTED = frozenset({TestOutcome.XFAILED, TestOutcome.XPASSED, TestOutcome.QUARANTINED, TestOutcome.EXCLUDED})
"""Outcomes on the head of tests that are not meant to show anything yet."""


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """A test of the head that is run without the change.

    Attributes:
        name: in the comparison.
        result: on the head.
        kind: only the head has it, or it differs.
        in_code: its file also holds code that changed, so the one cannot be had without the other.
    """

    name: str
    result: TestResult
    kind: Literal["new", "changed"]
    in_code: bool = False

    @property
    def can_show(self) -> bool:
        """Whether it passes on the head, and can be run without the change."""
        return self.result.outcome in SHOWN and not self.in_code


def choose(
    head: Mapping[str, TestResult], new: Collection[str], changed: Collection[str], code: Collection[str]
) -> tuple[tuple[Chosen, ...], tuple[str, ...]]:
    """The tests to run, and doctests of changed code, which cannot be told from it.

    Args:
        head: name → result.
        new: names of tests that only the head has.
        changed: names of tests that differ.
        code: changed files that do not come with the tests.
    """
    names, differing = frozenset(new), frozenset(changed)
    found, left_out = [], []
    for name, result in head.items():
        if result.outcome in EXPECTED or result.phase == "collect" or name not in names | differing:
            continue
        if result.file in code and _is_doctest(result):
            left_out.append(name)
            continue
        kind: Literal["new", "changed"] = "new" if name in names else "changed"
        found.append(Chosen(name=name, result=result, kind=kind, in_code=result.file in code))
    return tuple(found), tuple(left_out)


def _is_doctest(result: TestResult) -> bool:
    """Whether a test is in a docstring: it is named by the dotted name of what that describes."""
    name = result.id.partition("[")[0].rpartition("::")[2]
    return "." in name or name == result.file.rpartition("/")[2].removesuffix(".py")


def judge(
    chosen: Sequence[Chosen],
    ended: Mapping[str, TestResult],
    gates: Sequence[GateResult],
    added: AddedNames,
    texts: Mapping[str, str] | None = None,
) -> tuple[RedGreenTest, ...]:
    """What each test shows.

    Args:
        chosen: the tests.
        ended: name → result on the code without the change.
        gates: how their gates ended there.
        added: names that the change adds.
        texts: file of tests → its text on the head.
    """
    needed = {file: added.imported(text) for file, text in (texts or {}).items() if file.endswith(".py")}
    by_gate = {gate.name: gate for gate in gates}
    uncollected = {(result.gate, result.id): result for result in ended.values() if result.phase == "collect"}
    found = []
    for one in chosen:
        result, gate = ended.get(one.name), by_gate.get(one.result.gate)
        broken = next((uncollected[key] for key in _collectors(one.result) if key in uncollected), None)
        finding, said = _judged(one, result, broken, gate, added)
        module = needed.get(one.result.file, "")
        if finding == "green" and module:
            finding, said = (
                "unknown",
                f"it imports {module}, which only the change has, so its code came from elsewhere",
            )
        elif finding == "red" and broken is not None and not _needs_change(one.result, broken, added, texts or {}):
            finding = "unknown"
            said = f"its file {said}; the test itself uses nothing that is missing"
        found.append(
            RedGreenTest(
                test=one.name,
                function=one.result.id.partition("[")[0],
                kind=one.kind,
                finding=finding,
                outcome=result.outcome if result is not None else None,
                said=said,
            )
        )
    return tuple(found)


def without_names(gates: Sequence[GateResult]) -> tuple[str, ...]:
    """Gates that passed and run tests, as far as their names and commands show, but do not name them."""
    return tuple(
        gate.name for gate in gates if gate.tests is None and gate.outcome is GateOutcome.PASSED and _runs_tests(gate)
    )


def _runs_tests(gate: GateResult) -> bool:
    called = gate.name.partition("-")[0] in ("test", "tests", "unittest", "unittests")
    return called or "unittest" in gate.command_line or bool(junit_hint([gate.command_line]))


def judge_gates(names: Sequence[str], gates: Sequence[GateResult], added: AddedNames) -> tuple[RedGreenTest, ...]:
    """What gates show whose tests have no names: all of their tests together.

    Args:
        names: of the gates.
        gates: how they ended without the change.
        added: names that the change adds.
    """
    by_gate = {gate.name: gate for gate in gates}
    found = []
    for name in names:
        finding, said = _of_gate(by_gate.get(name), added)
        found.append(
            RedGreenTest(test=f"gate {name}", function=f"gate {name}", kind="gate", finding=finding, said=said)
        )
    return tuple(found)


def _of_gate(gate: GateResult | None, added: AddedNames) -> tuple[Finding, str]:
    if gate is None:
        return "unknown", "the gate does not exist there"
    if gate.outcome is GateOutcome.PASSED:
        return "green", ""
    said = next(iter(gate.excerpt), "") or gate.reason
    if gate.outcome is not GateOutcome.FAILED or any(map(added.not_the_change, gate.excerpt)):
        return "unknown", f"{gate.outcome}{_because(said)}"
    return "red", said


def _needs_change(result: TestResult, broken: TestResult, added: AddedNames, texts: Mapping[str, str]) -> bool:
    """Whether a test whose file cannot be collected uses what the file cannot import; if in doubt, it does."""
    text = texts.get(result.file, "")
    missing = imported_names(text, added.lacks) if broken.id == result.file and added.cause_of(broken.message) else None
    return not missing or needs_any(text, without_parameters(result.id).partition("::")[2], missing)


def _collectors(result: TestResult) -> list[tuple[str, str]]:
    """What may have failed to be collected instead of a test: its class, its file, a folder."""
    parts = result.id.partition("[")[0].split("::")
    folders = parts[0].split("/")
    names = ["::".join(parts[:number]) for number in range(len(parts) - 1, 0, -1)]
    return [
        (result.gate, name)
        for name in (*names, *("/".join(folders[:number]) for number in range(len(folders) - 1, 0, -1)))
    ]


def _judged(
    one: Chosen, result: TestResult | None, broken: TestResult | None, gate: GateResult | None, added: AddedNames
) -> tuple[Finding, str]:
    cannot = _why_not(one, gate)
    if cannot:
        return "unknown", cannot
    if result is not None and result.outcome in RAN_TESTS:
        return _of_run(result, added)
    if broken is not None and broken.outcome is not TestOutcome.ERROR:
        return "unknown", _not_run(one.result, broken, gate)
    message, place = (broken.message, broken.place) if broken is not None else (_could_not_go_on(gate), "")
    if not message:
        return "unknown", _not_run(one.result, result, gate)
    cause = added.cause_of(message) or (message if added.is_in(place) and not added.not_the_change(message) else "")
    if cause:
        return "red", f"cannot be collected without the change: {cause}"
    return "unknown", f"cannot be collected, and not known to be because of the change: {message}"


def _could_not_go_on(gate: GateResult | None) -> str:
    """Why a gate collected no test at all, such as an error in a `conftest.py`; empty if it did, or did not try."""
    failed = gate is not None and gate.outcome is GateOutcome.FAILED
    return gate.reason if gate is not None and failed and gate.tests is not None and not gate.tests.collected else ""


def _why_not(one: Chosen, gate: GateResult | None) -> str:
    """Why a test cannot show anything, however it ends."""
    if one.in_code:
        return f"{one.result.file} holds the test and code of the change, so it cannot be run without that"
    if not one.can_show:
        return f"{one.result.outcome} on the head{_because(one.result.reason or one.result.message)}"
    return _foreign(gate)


def _not_run(head: TestResult, result: TestResult | None, gate: GateResult | None) -> str:
    """Why a test has no result that counts."""
    if result is not None:
        return f"{result.outcome} without the change{_because(result.reason or result.message)}"
    if gate is None:
        return f"the gate {head.gate} does not exist there"
    if gate.outcome not in (GateOutcome.PASSED, GateOutcome.FAILED) or gate.tests is None:
        return f"the gate {gate.name} did not run it{_because(gate.reason)}"
    return "there is no such test without the change"


def _of_run(result: TestResult, added: AddedNames) -> tuple[Finding, str]:
    if result.outcome is TestOutcome.PASSED:
        return "green", ""
    if result.outcome in (TestOutcome.FLAKY, TestOutcome.XFAILED, TestOutcome.XPASSED, TestOutcome.QUARANTINED):
        what = "failed, then passed when it ran again" if result.outcome is TestOutcome.FLAKY else str(result.outcome)
        return "unknown", f"{what}{_because(result.message or result.reason)}"
    if added.not_the_change(result.message):
        return "unknown", f"not known to be because of the change: {result.message}"
    return "red", result.message or str(result.outcome)


def _foreign(gate: GateResult | None) -> str:
    """Why nothing that a gate says counts: its tests import the code of another folder."""
    witnesses = gate.witnesses if gate is not None else ()
    return next((one.detail for one in witnesses if one.name == "imports" and one.outcome is GateOutcome.FAILED), "")


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
