"""Gates that other gates need: they are part of every run of those. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gates.config.request import Request
from gates.planning.discover import Gate


def with_needs(gates: Sequence[Gate], chosen: Sequence[Gate]) -> list[Gate]:
    """The chosen gates and all gates that they need, in checklist order.

    The output of a needed gate (a build) is not part of the tree, so it may be out of date: the gate runs.
    """
    found = {gate.name for gate in chosen}
    while True:
        wanted = {need for gate in gates if gate.name in found for need in gate.config.needs}
        more = {gate.name for gate in gates if wanted & {gate.name, gate.group}} - found
        if not more:
            return [gate for gate in gates if gate.name in found]
        found |= more


def said_of_needs(needed: Sequence[str], request: Request) -> list[str]:
    """A note about gates that run only because others need them."""
    if not needed:
        return []
    whole = ", with all of their tests" if request.filter or request.partition else ""
    return [f"run because other gates need them{whole}: {', '.join(needed)}"]
