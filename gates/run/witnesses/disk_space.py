"""What the disk says: whether there was room for what the test processes had to tell."""

from __future__ import annotations

from collections.abc import Iterable

from gates.portable.values import GateOutcome
from gates.results import TestCounts, Witness
from gates.run.witnesses.names import ROOM, TESTS


def with_room(
    found: Iterable[Witness | None], complaint: str, place: str, counts: TestCounts | None
) -> list[Witness | None]:
    """The witnesses, and the disk where it had no room: then lost results are its fault, and no failure of the tests.

    A test that failed is a failure all the same, and so is an exit code: those were told.

    Args:
        found: what the others say.
        complaint: what a test process said when it could not write; empty where none had to.
        place: the folder that holds its results.
        counts: of the tests whose results arrived.
    """
    if not complaint:
        return [*found]
    bad = counts is not None and counts.bad
    kept = [witness for witness in found if bad or witness is None or witness.name != TESTS]
    detail = f"the temporary folder {place} has no room for the results of tests: {complaint}"
    return [*kept, Witness(name=ROOM, outcome=GateOutcome.COULD_NOT_RUN, detail=detail)]
