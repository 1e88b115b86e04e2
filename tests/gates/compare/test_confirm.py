"""The head is blamed for what fails there each time, and on the base never."""

from __future__ import annotations

import msgspec
import pytest

from gates.compare.confirm import RepeatedOutcomes, confirm
from gates.compare.values import TestsComparison
from gates.portable.values import TestOutcome

OUTCOMES = {
    "F": TestOutcome.FAILED,
    "C": TestOutcome.CRASHED,
    "P": TestOutcome.PASSED,
    "Y": TestOutcome.FLAKY,
    "S": TestOutcome.SKIPPED,
    "L": TestOutcome.NOT_RUN,
}


def times(letters: str) -> tuple[dict[str, TestOutcome], ...]:
    """A run for each letter; a dot is one in which the test is not there."""
    return tuple({} if letter == "." else {"it": OUTCOMES[letter]} for letter in letters)


@pytest.mark.parametrize(
    ("head", "base", "finding", "counts"),
    [
        ("FFF", "PPP", "newly failing", (3, 3, 0, 3)),
        ("FCF", "PPP", "newly failing", (3, 3, 0, 3)),
        ("FPF", "PPP", "unconfirmed", (2, 3, 0, 3)),
        ("PPP", "PPP", "unconfirmed", (0, 3, 0, 3)),
        ("FYF", "PPP", "unconfirmed", (2, 3, 0, 3)),
        ("FFF", "PFP", "flaky on both sides", (3, 3, 1, 3)),
        ("FPF", "PFF", "flaky on both sides", (2, 3, 2, 3)),
        ("PPP", "FPP", "flaky on both sides", (0, 3, 1, 3)),
        # What shows nothing takes no blame away.
        ("LLL", "PPP", "newly failing", (0, 0, 0, 3)),
        ("FFF", "LSL", "newly failing", (3, 3, 0, 0)),
        ("F.", "P.", "newly failing", (1, 1, 0, 1)),
        ("", "", "newly failing", (0, 0, 0, 0)),
        ("FS", "PP", "newly failing", (1, 1, 0, 2)),
    ],
)
def test_counts_decide_whether_the_head_is_to_blame(
    head: str, base: str, finding: str, counts: tuple[int, int, int, int]
) -> None:
    tests, (found,) = confirm(
        TestsComparison(newly_failing=("it",)), RepeatedOutcomes(base=times(base), head=times(head))
    )
    assert found.finding == finding
    assert (found.head_failed, found.head_runs, found.base_failed, found.base_runs) == counts
    fields = {"newly failing": "newly_failing", "unconfirmed": "unconfirmed", "flaky on both sides": "flaky_on_both"}
    assert tests == msgspec.convert({fields[finding]: ("it",)}, TestsComparison)


def test_what_was_not_run_again_stays_as_it_is() -> None:
    before = TestsComparison(new=("a",), newly_failing=("it",), still_failing=("b",), fixed=("c",))
    tests, _ = confirm(before, RepeatedOutcomes(base=times("P"), head=times("P")))
    assert tests == TestsComparison(new=("a",), unconfirmed=("it",), still_failing=("b",), fixed=("c",))
