"""What it means that a pytest ran without our plugin."""

from __future__ import annotations

from gates.results import Witness
from gates.run.witnesses.names import INJECTION
from gates.values import GateOutcome

FALLBACK = "the plugin could not be injected, so pytest's own JUnit is the witness of its tests"


def injection_witness(gate: str) -> Witness:
    """What to do where the test process cannot load our plugin."""
    detail = (
        "this pytest cannot load our plugin (the session replaces PYTHONPATH, or starts Python with -I): let it keep "
        f"what PYTHONPATH holds, or write tests = 'none', or tests = 'junit' with reports, into the table of gate {gate!r}"
    )
    return Witness(name=INJECTION, outcome=GateOutcome.COULD_NOT_RUN, detail=detail)
