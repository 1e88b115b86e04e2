"""What it means that a pytest ran without the plugin of gates: a pytest that was seen must have spoken."""

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
        failed: footers that tell of failures.
        commands: calls of pytest that nox announced.
        processes: commands of processes that ran pytest and never said that they were there.
        left: of these, the ones that still ran when the gate had ended.
        unittest: unittest's last word, where that was a failure.
        empty: unittest ran, and never had a test.
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
    """What to do where the test process cannot load the plugin of gates."""
    detail = (
        "this pytest cannot load the plugin of gates (the session replaces PYTHONPATH, or starts Python with -I): "
        + _REMEDY.format(gate)
    )
    return Witness(name=INJECTION, outcome=GateOutcome.COULD_NOT_RUN, detail=detail)


def unspoken_witness(gate: str, seen: RunnerTraces, spoken: int, *, quotes: bool, excused: bool) -> Witness | None:
    """What it means that pytest was seen and did not speak; None where each did.

    Where one has spoken, what is printed is no proof: its tests may run pytest themselves. Unless it prints what tests
    print, there are no more sessions in the log than have spoken; and nox never announces more.

    Args:
        gate: its name.
        seen: what was.
        spoken: how many pytests said that they were there.
        quotes: one of these prints what its tests print.
        excused: the gate has failed anyway, or others are the witnesses of its tests: then it is only told.
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
    """What it means that unittest said at last that tests failed, or that there were none, where the gate did not fail.

    Args:
        seen: what was.
        exit_code: of the gate.
        quotes: a pytest prints what its tests print: the words may be theirs.
        has_tests: others have shown tests.
    """
    if exit_code != 0 or quotes:
        return None
    if seen.unittest:
        detail = f"unittest ended with {seen.unittest!r}, but the exit code is 0"
        return Witness(name=RUNNER, outcome=GateOutcome.FAILED, detail=detail)
    if seen.empty and not has_tests:  # from Python 3.12 on, it ends with 5 itself
        return Witness(name=RUNNER, outcome=GateOutcome.FAILED, detail="unittest found no test")
    return None


def _short(command: str) -> str:
    return command if len(command) <= 80 else f"{command[:79]}…"
