"""What the exit code of a gate says."""

from __future__ import annotations

from gates.results import Witness
from gates.run.witnesses.names import EXIT_CODE
from gates.values import GateOutcome

_NOT_FOUND = (126, 127)


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
