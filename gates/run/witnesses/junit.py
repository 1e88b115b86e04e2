"""The contents of the JUnit files of a gate."""

from __future__ import annotations

from collections.abc import Sequence

from gates.portable.values import GateOutcome, plural
from gates.results import TestCounts, Witness
from gates.run.witnesses.names import JUNIT


def junit_witness(counts: TestCounts | None, problems: Sequence[str], notes: Sequence[str] = ()) -> Witness | None:
    """The witness of the JUnit files that the gate was expected to write; None if none were expected.

    Args:
        counts: of their cases; None for no file.
        problems: reasons not to trust them.
        notes: harmless oddities, for people.
    """
    if problems:
        return Witness(name=JUNIT, outcome=GateOutcome.FAILED, detail="; ".join(problems))
    if counts is None:
        return None
    if counts.bad or counts.lost:
        return Witness(
            name=JUNIT, outcome=GateOutcome.FAILED, detail=f"{plural(counts.bad + counts.lost, 'case')} failed"
        )
    if counts.collected == 0:
        return Witness(name=JUNIT, outcome=GateOutcome.FAILED, detail="has no case")
    said = "; ".join((f"{plural(counts.run, 'case')} run, none failed", *notes))
    return Witness(name=JUNIT, outcome=GateOutcome.PASSED, detail=said)


def agree(records: TestCounts, junit: TestCounts) -> str:
    """How the JUnit of a gate contradicts its records; empty if it does not.

    JUnit cannot express tests that were excluded before they ran, and counts xpassed as passed: only what could hide
    something is compared.
    """
    if junit.run + junit.skipped < records.run + records.skipped:
        return f"junit has {plural(junit.collected, 'case')}, but the results have {plural(records.run + records.skipped, 'test')}"
    if junit.bad < records.bad:
        return f"junit shows {plural(junit.bad, 'failed test')}, the results {records.bad}"
    return ""
