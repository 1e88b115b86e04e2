"""The gate's own report as a witness."""

from __future__ import annotations

from typing import Any

from gates.portable.values import GateOutcome
from gates.results import Witness
from gates.run.witnesses.names import OWN_WORD


def own_word_witness(word: Any) -> Witness | None:
    """What the gate itself wrote to `$GATES_OUTCOME`. It can make things worse, never better."""
    if word is None:
        return None
    try:
        outcome = GateOutcome(word["outcome"])
        reason = str(word.get("reason", ""))
    except (TypeError, KeyError, ValueError, AttributeError):
        return Witness(name=OWN_WORD, outcome=GateOutcome.FAILED, detail="unreadable: expected {outcome, reason}")
    return Witness(name=OWN_WORD, outcome=outcome, detail=reason)
