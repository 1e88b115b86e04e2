"""What each gate waits for, and the order in which gates start. Pure."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from gates.portable.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from gates.planning.discover import Gate


def places_of(gates: Sequence[Gate]) -> dict[str, dict[str, int]]:
    """Name or group → its gates, with their places in the checklist."""
    found: dict[str, dict[str, int]] = {}
    for place, gate in enumerate(gates):
        for word in (gate.name, gate.group):
            found.setdefault(word, {})[gate.name] = place
    return found


def start_order(needs: Mapping[str, Collection[str]], expected: Mapping[str, float | None]) -> tuple[str, ...]:
    """Names in an order such that each gate comes after what it needs and, among the free ones, the longest path to the end is first.

    A gate of unknown length counts as long: starting it late is the costlier mistake.

    Args:
        needs: of each gate, in the order of the checklist.
        expected: seconds that each gate takes; None if unknown.
    """
    try:
        topological = list(TopologicalSorter(needs).static_order())
    except CycleError as error:
        raise UsageError(
            "gates need each other in a circle", got=" → ".join(error.args[1]), remedy="remove one of these needs"
        ) from error
    unknown = max((seconds for seconds in expected.values() if seconds is not None), default=1.0)
    length = {name: unknown if seconds is None else seconds for name, seconds in expected.items()}
    # Length of the longest path from the start of a gate to the end of the run.
    way: dict[str, float] = {}
    behind = dict.fromkeys(topological, 0.0)
    for name in reversed(topological):
        way[name] = length[name] + behind[name]
        for need in needs[name]:
            behind[need] = max(behind[need], way[name])
    # Gates that take no time have paths as long as those of their needs: the number of earlier gates decides.
    depth: dict[str, int] = {}
    for name in topological:
        depth[name] = max((depth[need] + 1 for need in needs[name]), default=0)
    place = {name: number for number, name in enumerate(needs)}
    return tuple(sorted(topological, key=lambda name: (-way[name], depth[name], place[name])))
