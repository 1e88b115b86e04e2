"""A pytest without the plugin of gates, as a witness: a pytest that was seen must have reported."""

from __future__ import annotations

import msgspec

from gates.portable.values import GateOutcome, plural
from gates.results import Witness
from gates.run.witnesses.names import INJECTION, RUNNER

FALLBACK = "the plugin could not be injected, so pytest's own JUnit is the witness of its tests"
_REMEDY = (
    "let it keep PYTHONPATH, PYTEST_ADDOPTS and all GATES_ variables, or set tests = 'none', or tests = 'junit' "
    "with reports, in the table of gate {!r}"
)


class RunnerTraces(msgspec.Struct, frozen=True, kw_only=True):
    """Traces of pytest, and of unittest, that a gate left.

    Attributes:
        headers: lines `test session starts` in its log.
        footers: lines `2 passed in 0.12s`.
        failed: footers that report failures.
        commands: calls of pytest that nox printed.
        processes: commands of processes that ran pytest and never reported themselves.
        left: those of them that were still running when the gate had ended.
        unittest: unittest's last line, if that was a failure.
        empty: unittest ran, but never had a test.
    """

    headers: int = 0
    footers: int = 0
    failed: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    unittest: str = ""
    empty: bool = False


def refusal_witness(gate: str) -> Witness:
    """What to do if the test process cannot load the plugin of gates."""
    detail = (
        "this pytest cannot load the plugin of gates (the session replaces PYTHONPATH, or starts Python with -I): "
        + _REMEDY.format(gate)
    )
    return Witness(name=INJECTION, outcome=GateOutcome.COULD_NOT_RUN, detail=detail)


def unspoken_witness(gate: str, seen: RunnerTraces, spoken: int, *, quotes: bool, excused: bool) -> Witness | None:
    """The witness for pytest processes that were seen but did not report; None if each did.

    If one has reported, printed lines prove nothing: its tests may run pytest themselves. Unless it shows the output of tests,
    the log has no more sessions than have reported; and nox never prints more.

    Args:
        gate: its name.
        seen: the traces.
        spoken: how many pytest processes reported themselves.
        quotes: one of these shows the output of its tests.
        excused: the gate has failed anyway, or has other witnesses for its tests: then this is only a note.
    """
    trace = ""
    if seen.left:
        detail = f"the gate ended, and its pytest (`{_short(seen.left[0])}`) still ran"
        return Witness(name=INJECTION, outcome=GateOutcome.FAILED, detail=detail)
    if seen.processes:
        trace = f"the process `{_short(seen.processes[0])}`"
    elif len(seen.commands) > spoken:
        trace = f"`{_short(seen.commands[-1])}`, according to nox"
    elif (seen.headers > spoken and not quotes) or (seen.footers and not spoken):
        trace = f"its log shows {plural(max(seen.headers, seen.footers), 'session')} of pytest"
    if not trace:
        return None
    if seen.failed and not excused and len(seen.failed) > spoken:
        detail = f"pytest ran without the plugin of gates and reported {seen.failed[-1]!r}, but the gate did not fail"
        return Witness(name=INJECTION, outcome=GateOutcome.FAILED, detail=detail)
    heard = f"only {spoken} reported to gates" if spoken else "none reported to gates"
    detail = f"pytest ran without the plugin of gates ({trace}; {heard}): {_REMEDY.format(gate)}"
    return Witness(name=INJECTION, outcome=None if excused else GateOutcome.COULD_NOT_RUN, detail=detail)


def runner_witness(seen: RunnerTraces, exit_code: int | None, *, quotes: bool, has_tests: bool) -> Witness | None:
    """The witness for a unittest that ended with failures, or without tests, although the gate did not fail.

    Args:
        seen: the traces.
        exit_code: of the gate.
        quotes: a pytest shows the output of its tests: the lines may come from them.
        has_tests: other witnesses have shown tests.
    """
    if exit_code != 0 or quotes:
        return None
    if seen.unittest:
        detail = f"unittest ended with {seen.unittest!r}, but the exit code is 0"
        return Witness(name=RUNNER, outcome=GateOutcome.FAILED, detail=detail)
    if seen.empty and not has_tests:  # from Python 3.12 on, it exits with 5 by itself
        return Witness(name=RUNNER, outcome=GateOutcome.FAILED, detail="unittest found no test")
    return None


def _short(command: str) -> str:
    return command if len(command) <= 80 else f"{command[:79]}…"
