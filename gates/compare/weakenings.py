"""What checks less on the head: findings of every kind in one list, the strongest evidence first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gates.results import SettingChange, Weakening


def weakenings_of(
    found: Iterable[Weakening], settings: Sequence[SettingChange], accepted: Mapping[str, str]
) -> tuple[Weakening, ...]:
    """All findings, each once: confirmed by a mutant, then certain ones, then hints; accepted ones last.

    Args:
        found: what tests check less.
        settings: changed settings; those that got weaker become findings.
        accepted: id of a finding → why it is accepted.
    """
    weaker = [change.weakening for change in settings if change.direction == "weaker"]
    each = {one.id: one for one in sorted((*found, *weaker), key=lambda one: bool(one.mutant))}
    said = [msgspec.structs.replace(one, accepted=accepted.get(one.id, "")) for one in each.values()]
    return tuple(sorted(said, key=_rank))


def _rank(one: Weakening) -> tuple[bool, bool, bool, str, int]:
    return bool(one.accepted), not one.mutant, one.strength != "certain", one.path, one.line
