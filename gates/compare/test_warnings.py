"""Distinguish new warnings of tests from old ones. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gates.compare.values import WarningsComparison
from gates.portable.failure_signature import normalise
from gates.results import GateResult, TestWarning

if TYPE_CHECKING:
    Key = tuple[str, str, str, str]


def compare_warnings(
    base: Sequence[GateResult], head: Sequence[GateResult], renamed: Mapping[str, str]
) -> WarningsComparison | None:
    """The warnings that only the head has; None if no gate on either side ran pytest.

    Args:
        base: gates of the base.
        head: gates of the head.
        renamed: path on the head → path on the base, for renamed files.
    """
    sides = {"base": base, "head": head}
    if not any(gate.test_warnings for gates in sides.values() for gate in gates):
        return None
    with_pytest = {gate.name for gates in sides.values() for gate in gates if gate.test_warnings}
    why = {
        side: [
            f"{side}: {name}: {_why(next((gate for gate in gates if gate.name == name), None))}"
            for name in sorted(with_pytest)
            if _why(next((gate for gate in gates if gate.name == name), None))
        ]
        for side, gates in sides.items()
    }
    known = {_key(name, group, {}) for name, group in _groups(base)}
    new = [group for name, group in _groups(head) if _key(name, group, renamed) not in known]
    return WarningsComparison(
        base=None if why["base"] else _count(base),
        head=None if why["head"] else _count(head),
        # A warning that the base does not report may still have existed there.
        new=() if why["base"] else tuple(new),
        unknown="; ".join((*why["base"], *why["head"])),
    )


def _why(gate: GateResult | None) -> str:
    if gate is None:
        return "the gate was not run"
    if gate.test_warnings is None:
        return f"pytest did not run ({gate.outcome})"
    return gate.test_warnings.unknown


def _count(gates: Sequence[GateResult]) -> int:
    return sum(gate.test_warnings.count for gate in gates if gate.test_warnings is not None)


def _groups(gates: Sequence[GateResult]) -> list[tuple[str, TestWarning]]:
    return [
        (gate.name, group) for gate in gates if gate.test_warnings is not None for group in gate.test_warnings.groups
    ]


def _key(gate: str, group: TestWarning, renamed: Mapping[str, str]) -> Key:
    return gate, group.category, normalise(group.message), renamed.get(group.file, group.file)
