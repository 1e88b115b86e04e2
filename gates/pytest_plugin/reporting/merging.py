"""The single result of a test that several workers ran (`--dist each`): the worst of theirs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...portable.values import WORST_FIRST, TestOutcome, plural

_RANK = {outcome.value: rank for rank, outcome in enumerate(WORST_FIRST)}


def worst_of(results: Sequence[Mapping[str, Any]], copies: int) -> dict[str, Any]:
    """The fields of the one record.

    Args:
        results: of the workers that have one, in order of arrival.
        copies: how many workers should run the test.
    """
    found = list(results)
    if len(found) < copies:
        reason = f"only {len(found)} of {plural(copies, 'worker')} ran it"
        found.append({"outcome": TestOutcome.NOT_RUN.value, "phase": "setup", "reason": reason})
    worst = min(found, key=lambda result: _RANK[str(result["outcome"])])
    others = {result["outcome"] for result in found} - {worst["outcome"]}
    if others and not worst.get("reason"):
        alike = sum(result["outcome"] == worst["outcome"] for result in found)
        return {**worst, "reason": f"{worst['outcome']} on {alike} of {plural(copies, 'worker')}"}
    return dict(worst)
