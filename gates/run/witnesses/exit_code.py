"""The exit code of a gate as a witness."""

from __future__ import annotations

import signal

from gates.portable.values import GateOutcome
from gates.results import Witness
from gates.run.witnesses.names import EXIT_CODE

_NOT_FOUND = (126, 127)
_MEANING: dict[int, str] = {
    signal.SIGKILL: "killed from outside, often because memory ran out",
    signal.SIGSEGV: "it crashed",
    signal.SIGBUS: "it crashed",
    signal.SIGABRT: "it gave up (abort)",
    signal.SIGILL: "it crashed",
    signal.SIGFPE: "it crashed",
    signal.SIGTERM: "terminated from outside",
    signal.SIGPIPE: "its output was not read",
}


_UNKNOWN = "the process that starts gates was killed, so it is unknown how this one ended"


def exit_witness(exit_code: int | None, kind: str, *, lost: bool = False) -> Witness:
    """The witness of the exit code.

    Args:
        exit_code: of the gate's first process.
        kind: of the gate.
        lost: the process that waited for it was killed; the exit code is artificial.
    """
    if lost:
        return Witness(name=EXIT_CODE, outcome=GateOutcome.FAILED, detail=_UNKNOWN)
    if exit_code is None:
        return Witness(name=EXIT_CODE, outcome=GateOutcome.FAILED, detail="the process has no exit code")
    if exit_code == 0:
        return Witness(name=EXIT_CODE, outcome=GateOutcome.PASSED, detail="exit code 0")
    if exit_code < 0:
        return Witness(name=EXIT_CODE, outcome=GateOutcome.FAILED, detail=f"ended by {_signal(-exit_code)}")
    if kind == "command" and exit_code in _NOT_FOUND:
        return Witness(name=EXIT_CODE, outcome=GateOutcome.COULD_NOT_RUN, detail=f"exit code {exit_code}: not found")
    # A shell reports this for its children, and Python's subprocess passes the number on unchanged.
    told = f" (a process was ended by {_signal(exit_code - 128)})" if exit_code - 128 in _MEANING else ""
    return Witness(name=EXIT_CODE, outcome=GateOutcome.FAILED, detail=f"exit code {exit_code}{told}")


def _signal(number: int) -> str:
    """The name of a signal, and its usual meaning."""
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    return f"{name}: {_MEANING[number]}" if number in _MEANING else name
