"""Expired ledger entries as a witness."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from gates.config.values import Suppression
from gates.portable.exclusions import Exclusion, expired
from gates.portable.values import GateOutcome
from gates.results import Witness
from gates.run.witnesses.names import LEDGER


def exclusions_witness(
    exclusions: Sequence[Exclusion],
    quarantine: Sequence[Exclusion],
    today: dt.date,
    suppressions: Sequence[Suppression] = (),
) -> Witness | None:
    """An expired entry fails a gate with tests; None if there is none."""
    late = expired((*exclusions, *quarantine), today)
    ended = [entry for entry in suppressions if entry.is_expired(today)]
    if not late and not ended:
        return None
    names = [f"{'exclusion' if entry in exclusions else 'quarantine'} {entry.name} ({entry.expires})" for entry in late]
    names += [f"mutants {entry.name} ({entry.expires})" for entry in ended]
    return Witness(name=LEDGER, outcome=GateOutcome.FAILED, detail=f"expired: {', '.join(names)}")
