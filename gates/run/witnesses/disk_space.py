"""The disk as a witness: whether it had room for the results of the test processes."""

from __future__ import annotations

from collections.abc import Iterable

from gates.portable.values import GateOutcome
from gates.results import TestCounts, Witness
from gates.run.witnesses.names import ROOM, TESTS


def with_room(
    found: Iterable[Witness | None], complaint: str, place: str, counts: TestCounts | None
) -> list[Witness | None]:
    """Add the disk to the witnesses if it was full: then lost results are its fault, not failures of the tests.

    A reported test failure still counts, and so does an exit code.

    Args:
        found: the other witnesses.
        complaint: the message of a test process that could not write; empty if there is none.
        place: the folder that holds its results.
        counts: of the tests whose results arrived.
    """
    if not complaint:
        return [*found]
    bad = counts is not None and counts.bad
    kept = [witness for witness in found if bad or witness is None or witness.name != TESTS]
    detail = f"the temporary folder {place} has no room for the results of tests: {complaint}"
    return [*kept, Witness(name=ROOM, outcome=GateOutcome.COULD_NOT_RUN, detail=detail)]
