"""A full disk excuses results that are missing, and nothing else."""

from __future__ import annotations

import pytest

from gates.portable.values import GateOutcome
from gates.results import TestCounts, Witness
from gates.run.verdict import decide
from gates.run.witnesses import with_room

PASSED, FAILED, COULD_NOT_RUN = GateOutcome.PASSED, GateOutcome.FAILED, GateOutcome.COULD_NOT_RUN
FULL = "the temporary folder /tmp has no room for the results of tests: No space left on device"
EXIT_0 = Witness(name="exit code", outcome=PASSED, detail="exit code 0")
EXIT_1 = Witness(name="exit code", outcome=FAILED, detail="exit code 1")
LOST = Witness(name="test results", outcome=FAILED, detail="1 of 2 collected tests without a result")
JUNIT = Witness(name="junit", outcome=FAILED, detail="1 test failed")


@pytest.mark.parametrize(
    ("found", "counts", "expected"),
    [
        pytest.param([EXIT_0, LOST], TestCounts(passed=1, not_run=1), (COULD_NOT_RUN, False, FULL), id="lost results"),
        pytest.param([EXIT_0, LOST], None, (COULD_NOT_RUN, False, FULL), id="no result arrived"),
        pytest.param(
            [EXIT_0, LOST], TestCounts(failed=1, not_run=1), (FAILED, True, LOST.detail), id="a failure that arrived"
        ),
        pytest.param(
            [EXIT_1, LOST], TestCounts(passed=1, not_run=1), (FAILED, False, f"exit code 1; {FULL}"), id="an exit code"
        ),
        pytest.param([EXIT_0, JUNIT], None, (FAILED, True, JUNIT.detail), id="another witness"),
    ],
)
def test_only_what_could_not_be_told_is_excused(
    found: list[Witness], counts: TestCounts | None, expected: tuple[GateOutcome, bool, str]
) -> None:
    witnesses = with_room(found, "No space left on device", "/tmp", counts)
    assert decide([witness for witness in witnesses if witness is not None]) == expected


def test_without_a_complaint_nothing_changes() -> None:
    assert with_room([EXIT_0, LOST, None], "", "/tmp", None) == [EXIT_0, LOST, None]
