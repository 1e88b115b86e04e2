from __future__ import annotations

import pytest

from gates.portable.values import GateOutcome
from gates.results import TestCounts
from gates.run.witnesses import agree, junit_witness

PASSED, FAILED, TIMEOUT = GateOutcome.PASSED, GateOutcome.FAILED, GateOutcome.TIMEOUT
SKIPPED, COULD_NOT_RUN, INTERRUPTED = GateOutcome.SKIPPED, GateOutcome.COULD_NOT_RUN, GateOutcome.INTERRUPTED

ALL_GOOD = TestCounts(collected=3, run=3, passed=3)
ONE_BAD = TestCounts(collected=3, run=3, passed=2, failed=1)
ONE_LOST = TestCounts(collected=3, run=2, passed=2, not_run=1)


class TestJUnit:
    @pytest.mark.parametrize(
        ("counts", "problems", "outcome"),
        [
            (ALL_GOOD, (), PASSED),
            (ONE_BAD, (), FAILED),
            (ONE_LOST, (), FAILED),
            (TestCounts(), (), FAILED),
            (ALL_GOOD, ("out.xml was not written",), FAILED),
        ],
    )
    def test_files_are_a_witness(self, counts: TestCounts, problems: tuple[str, ...], outcome: GateOutcome) -> None:
        witness = junit_witness(counts, problems)
        assert witness is not None
        assert witness.outcome is outcome

    def test_a_gate_that_owes_no_file_needs_none(self) -> None:
        assert junit_witness(None, ()) is None

    @pytest.mark.parametrize(
        ("records", "junit", "fault"),
        [
            pytest.param(ALL_GOOD, ALL_GOOD, "", id="the same"),
            pytest.param(
                TestCounts(collected=5, run=3, passed=3, excluded=2), ALL_GOOD, "", id="excluded tests never ran"
            ),
            pytest.param(
                TestCounts(collected=3, run=3, passed=1, xfailed=2),
                TestCounts(collected=3, run=1, passed=1, skipped=2),
                "",
                id="expected failures as skipped cases",
            ),
            pytest.param(
                ALL_GOOD,
                TestCounts(collected=2, run=2, passed=2),
                "2 cases, but the results have 3 tests",
                id="a case is missing",
            ),
            pytest.param(
                TestCounts(collected=4, run=4, passed=2, xfailed=2),
                TestCounts(collected=2, run=2, xfailed=2),
                "2 cases, but the results have 4 tests",
                id="expected failures hide no missing case",
            ),
            pytest.param(ONE_BAD, ALL_GOOD, "0 failed tests, the results 1", id="a failure is missing"),
        ],
    )
    def test_files_must_not_hide_what_the_records_say(self, records: TestCounts, junit: TestCounts, fault: str) -> None:
        found = agree(records, junit)
        assert fault in found
        assert bool(found) is bool(fault)
