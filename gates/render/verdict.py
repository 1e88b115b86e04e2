"""The verdict of a run: one word, and the reason in one sentence."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gates.portable.values import GateOutcome, listed
from gates.render.filters import wrong_names
from gates.render.text import one_line, plural
from gates.results import GateResult, Run, TestCounts
from gates.results.tests import odd_outcomes

WORDS = {
    "passed": "PASS",
    "failed": "FAIL",
    "could-not-run": "COULD NOT RUN",
    "interrupted": "INTERRUPTED",
    "nothing-selected": "NOTHING SELECTED",
    "wrong-filter": "WRONG FILTER",
    "running": "INCOMPLETE",
}
"""Outcome of a run → word of its verdict."""

SHOWN_GATES = 4
"""Maximum number of gates in the sentence; the table has them all."""


class Verdict(msgspec.Struct, frozen=True):
    """The verdict of a run.

    Attributes:
        word: one of `WORDS`' values.
        sentence: the reason.
        passed: whether the word is `PASS`.
    """

    word: str
    sentence: str

    @property
    def passed(self) -> bool:
        """Whether it is a pass: only one word is."""
        return self.word == "PASS"


def verdict_of(run: Run, counts: TestCounts | None) -> Verdict:
    """The verdict. A run that claims to have passed, but contradicts itself, is a FAIL."""
    word = WORDS.get(run.outcome, "FAIL")
    if not run.complete:
        # A killed run leaves an unfinished file; its claims about itself are not final.
        word = "INTERRUPTED" if run.outcome == "interrupted" else "INCOMPLETE"
    if word == "PASS":
        contradiction = next(_contradictions(run, counts), "")
        if contradiction:
            return Verdict("FAIL", f"The run calls itself passed, but {contradiction}: inconsistent.")
    return Verdict(word, _sentence(run, counts, word))


def not_ended(run: Run) -> tuple[str, ...]:
    """Planned gates that have no result."""
    ended = {gate.name for gate in run.gates}
    return tuple(name for name in run.planned if name not in ended)


def _contradictions(run: Run, counts: TestCounts | None) -> Iterator[str]:
    stopped = {GateOutcome.FAILED, GateOutcome.TIMEOUT, GateOutcome.INTERRUPTED}
    for gate in run.gates:
        if gate.outcome in stopped or gate.inconsistent:
            yield f"gate {gate.name} is {'inconsistent' if gate.inconsistent else gate.outcome}"
        if gate.outcome is GateOutcome.COULD_NOT_RUN and not gate.accepted:
            yield f"gate {gate.name} could not run"
    if run.altered:
        yield f"recorded files were changed: {listed(run.altered, SHOWN_GATES)}"
    if missing := not_ended(run):
        yield f"{plural(len(missing), 'planned gate')} did not end ({missing[0]})"
    if not any(gate.outcome is GateOutcome.PASSED for gate in run.gates):
        yield "no gate passed"
    if counts and counts.bad:
        yield " and ".join(_bad(counts))
    if counts and counts.lost:
        yield _lost(counts)


def _sentence(run: Run, counts: TestCounts | None, word: str) -> str:
    if word == "NOTHING SELECTED":
        return f"No {'test' if run.gates else 'gate'} was selected, so nothing was shown."
    parts = [wrong_names(run)] if word == "WRONG FILTER" else []
    if run.altered:
        parts.append(f"recorded files were changed during the run: {listed(run.altered, SHOWN_GATES)}")
    parts += _gate_parts(run)
    if counts:
        parts.append(_test_part(counts))
    sentence = "; ".join(part for part in parts if part)
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _gate_parts(run: Run) -> list[str]:
    total = len(set(run.planned) | {gate.name for gate in run.gates})
    passed = [gate for gate in run.gates if gate.outcome is GateOutcome.PASSED]
    if total == 0:
        return ["no gate was run"]
    if len(passed) == total:
        return [f"{_all(total, 'gate')} passed"]
    parts = [_named(run, outcome, verb) for outcome, verb in _VERBS.items()]
    if missing := not_ended(run):
        parts.append(f"did not end: {listed(missing, SHOWN_GATES)}")
    return [f"{len(passed)} of {plural(total, 'gate')} passed", *(part for part in parts if part)]


_VERBS = {
    GateOutcome.INTERRUPTED: "interrupted",
    GateOutcome.FAILED: "failed",
    GateOutcome.TIMEOUT: "timed out",
    GateOutcome.COULD_NOT_RUN: "could not run",
    GateOutcome.SKIPPED: "skipped",
}


def _all(number: int, word: str) -> str:
    return {1: f"the only {word}", 2: f"both {word}s"}.get(number, f"all {plural(number, word)}")


def _named(run: Run, outcome: GateOutcome, verb: str) -> str:
    gates = [gate for gate in run.gates if gate.outcome is outcome]
    if not gates:
        return ""
    # The end of the sentence counts failed tests: with one gate, they are its reason.
    several = sum(gate.tests is not None and gate.tests.bad > 0 for gate in run.gates) > 1
    told = (_with_reason(gate, "" if only_counts(gate) and not several else gate.reason) for gate in gates)
    return f"{verb}: {listed(tuple(told), SHOWN_GATES)}"


def only_counts(gate: GateResult) -> bool:
    """Whether its reason says no more than how many of its tests failed."""
    tests = gate.tests
    return tests is not None and gate.reason == f"{plural(tests.bad - tests.error, 'test')} failed"


def _with_reason(gate: GateResult, why: str) -> str:
    reason = one_line(why, 120)
    accepted = "accepted" if gate.accepted else ""
    said = ": ".join(part for part in (accepted, reason) if part)
    return f"{gate.name} ({said})" if said else gate.name


def _bad(counts: TestCounts) -> list[str]:
    """Errors are separate: a test whose setup fails, or a module that cannot be collected, did not itself fail."""
    failed = counts.bad - counts.error
    said = [f"{plural(failed, 'test')} failed"] if failed else []
    return [*said, *([plural(counts.error, "error")] if counts.error else [])]


def _lost(counts: TestCounts) -> str:
    said = [f"{plural(counts.interrupted, 'test')} did not end"] if counts.interrupted else []
    return ", ".join([*said, *([f"{plural(counts.not_run, 'test')} did not run"] if counts.not_run else [])])


def _test_part(counts: TestCounts) -> str:
    if counts.collected == 0:
        return "no test was collected"
    said = _bad(counts)
    said += [_lost(counts)] if counts.lost else []
    if not said and counts.run and counts.passed == counts.run:
        return f"{_all(counts.run, 'test')} that ran passed"
    ran = [f"{counts.passed:,} of {plural(counts.run, 'test')} that ran passed"] if counts.run else []
    ran += odd_outcomes(counts)
    return ", ".join([*said, *ran]) or "no test ran"
