"""Describe what the project itself leaves out of its test sessions."""

from __future__ import annotations

from collections.abc import Sequence

from gates.portable.values import plural
from gates.render.text import one_line
from gates.results import GateResult, LeftOut, Run

NAMED = 3
"""How many sources of omitted tests are named."""


def left_out_note(gate: GateResult) -> str:
    """For a line of the table of gates; empty if nothing was left out."""
    words = left_out_words(gate.left_out)
    return f"left out: {words}" if words else ""


def left_out_of(run: Run) -> str:
    """What was left out of all gates, for the checklist; empty if nothing was."""
    several = sum(bool(gate.left_out) for gate in run.gates) > 1
    found = [
        f"{gate.name}: {left_out_words(gate.left_out)}" if several else left_out_words(gate.left_out)
        for gate in run.gates
        if gate.left_out
    ]
    return "; ".join(found)


def left_out_words(left_out: Sequence[LeftOut]) -> str:
    """How many tests, and what leaves them out, the largest number first."""
    named = [f"{_number(one)} by {one_line(one.who, 100)}" for one in left_out[:NAMED]]
    more = len(left_out) - NAMED
    return ", ".join(named) + (f", and more by {plural(more, 'other')}" if more > 0 else "")


def _number(one: LeftOut) -> str:
    counts = [plural(one.tests, "test") if one.tests else "", plural(one.files, "test file") if one.files else ""]
    return " and ".join(count for count in counts if count)
