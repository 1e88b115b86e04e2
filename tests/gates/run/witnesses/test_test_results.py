from __future__ import annotations

from typing import Any

import pytest

from gates.portable.values import GateOutcome, TestOutcome
from gates.results import TestCounts, TestResult, Witness, count_tests
from gates.run.verdict import decide
from gates.run.witnesses import is_demanded, results_witness
from gates.run.witnesses.test_results import ALL_SKIPPED, NO_TEST, ProcessSummary

PASSED, FAILED, TIMEOUT = GateOutcome.PASSED, GateOutcome.FAILED, GateOutcome.TIMEOUT
SKIPPED, COULD_NOT_RUN, INTERRUPTED = GateOutcome.SKIPPED, GateOutcome.COULD_NOT_RUN, GateOutcome.INTERRUPTED


def says(name: str, outcome: GateOutcome | None, detail: str = "") -> Witness:
    return Witness(name=name, outcome=outcome, detail=detail or f"{name} says {outcome}")


def process(exit_code: int | None = 0, **fields: Any) -> ProcessSummary:
    return ProcessSummary(**{"exit_code": exit_code, "collected": 3, **fields})


def a_broken(file: str, message: str) -> TestResult:
    """A module that could not be collected."""
    return TestResult(gate="test", id=file, file=file, outcome=TestOutcome.ERROR, phase="collect", message=message)


ALL_GOOD = TestCounts(collected=3, run=3, passed=3)
ONE_BAD = TestCounts(collected=3, run=3, passed=2, failed=1)
ONE_ERROR = TestCounts(collected=3, run=3, passed=2, error=1)
ONE_LOST = TestCounts(collected=3, run=2, passed=2, not_run=1)
ALL_SKIPPED_COUNTS = TestCounts(collected=3, skipped=3)
ALL_EXCLUDED = TestCounts(collected=3, excluded=3)


class TestTests:
    @pytest.mark.parametrize(
        ("processes", "counts", "demanded", "outcome", "words"),
        [
            pytest.param([process()], ALL_GOOD, True, PASSED, "3 of 3 passed", id="all passed"),
            pytest.param([process(1)], ONE_BAD, True, FAILED, "1 test failed", id="one failed"),
            pytest.param(
                [process(1)], ONE_ERROR, True, FAILED, "1 test had an error in setup or teardown", id="one error"
            ),
            pytest.param([process(0)], ONE_BAD, True, FAILED, "1 test failed", id="exit code 0 hides nothing"),
            pytest.param([process(0)], ONE_LOST, True, FAILED, "1 of 3 collected tests without", id="one lost"),
            pytest.param([process(None)], ALL_GOOD, True, FAILED, "1 of 1 pytest process ended", id="no finish"),
            pytest.param([process(), process(None)], ALL_GOOD, True, FAILED, "1 of 2 pytest", id="one of two"),
            pytest.param([process(unreadable=2)], ALL_GOOD, True, FAILED, "2 records cannot be read", id="garbage"),
            pytest.param(
                [process(uncollected=("x",))], ALL_GOOD, True, FAILED, "1 test with a result, but never", id="more"
            ),
            pytest.param(
                [process(uncollected=("a", "b")), process(uncollected=("c", "d"))],
                ALL_GOOD,
                True,
                FAILED,
                "4 tests with a result, but never collected: a, b, c, …",
                id="many more",
            ),
            pytest.param([process(listed=False)], ALL_GOOD, False, FAILED, "1 of 1 pytest process never", id="no list"),
            pytest.param(
                [process(None, listed=False)], TestCounts(), False, FAILED, "never reported", id="killed early"
            ),
            pytest.param([process(3)], ALL_GOOD, True, FAILED, "pytest exited with 3", id="internal error"),
            pytest.param([process(1)], ALL_GOOD, True, FAILED, "pytest exited with 1", id="exit 1 with nothing wrong"),
            pytest.param([process(1), process(2)], ONE_BAD, True, FAILED, "exited with 2", id="more than failures"),
            pytest.param([process(5)], TestCounts(), True, FAILED, NO_TEST, id="none selected, demanded"),
            pytest.param([process(5)], TestCounts(), False, PASSED, NO_TEST, id="none selected"),
            pytest.param([process(0)], ALL_EXCLUDED, True, FAILED, NO_TEST, id="all excluded"),
            pytest.param([], TestCounts(), True, FAILED, "no test results were written", id="nothing came"),
            pytest.param([process(5, workers=2)], TestCounts(), False, PASSED, NO_TEST, id="none, say all workers"),
            pytest.param(
                [process(5, collected=0, workers=2, silent_workers=1)],
                TestCounts(),
                False,
                FAILED,
                "1 of 2 workers of pytest-xdist never finished collecting",
                id="none, says one worker",
            ),
            pytest.param(
                [process(workers=2, silent_workers=1)], ALL_GOOD, True, PASSED, "3 of 3", id="a worker was not needed"
            ),
            pytest.param(
                [process(workers=2, silent_workers=1, dead_workers=("gw1",))],
                ALL_GOOD,
                False,
                FAILED,
                "1 worker of pytest-xdist died, and no test is reported as crashed: gw1",
                id="a worker died",
            ),
            pytest.param(
                [process(again=("a",))], ALL_GOOD, True, FAILED, "1 test failed when run once more: a", id="twice"
            ),
            pytest.param(
                [process(forked=("a: no",))],
                ALL_GOOD,
                True,
                FAILED,
                "1 process that tests forked failed: a: no",
                id="fork",
            ),
            pytest.param([process(asserts=False)], ALL_GOOD, False, FAILED, "`assert` does nothing", id="python -O"),
            pytest.param([process()], ALL_SKIPPED_COUNTS, True, FAILED, ALL_SKIPPED, id="all skipped, demanded"),
            pytest.param([process()], ALL_SKIPPED_COUNTS, False, PASSED, ALL_SKIPPED, id="all skipped"),
            pytest.param(
                [process(listed=False, asked="--markers")],
                TestCounts(),
                False,
                FAILED,
                "pytest was only asked for --markers",
                id="asked for something else",
            ),
            pytest.param(
                [process(listed=False, asked="--version"), process()],
                ALL_GOOD,
                True,
                PASSED,
                "3 of 3",
                id="asked first",
            ),
        ],
    )
    def test_records_are_a_witness(
        self, processes: list[ProcessSummary], counts: TestCounts, demanded: bool, outcome: GateOutcome, words: str
    ) -> None:
        witness = results_witness(processes, counts, demanded)
        assert witness is not None
        assert witness.outcome is outcome
        assert words in witness.detail

    @pytest.mark.parametrize(
        ("lost", "words"),
        [
            ((), "1 of 3 collected tests without a result"),
            (("a",), "1 of 3 collected tests without a result: a"),
            (("a", "b", "c"), "without a result: a, b, c"),
            (("a", "b", "c", "d"), "without a result: a, b, c, …"),
        ],
    )
    def test_lost_tests_are_named(self, lost: tuple[str, ...], words: str) -> None:
        tests = [TestResult(gate="test", id=name, outcome=TestOutcome.INTERRUPTED) for name in lost]
        witness = results_witness([process()], ONE_LOST, demanded=True, tests=tests)
        assert witness is not None
        assert witness.detail.endswith(words)

    def test_a_set_of_tests_that_does_not_fit_contradicts_an_exit_code_of_0(self) -> None:
        for summary in (process(uncollected=("x",)), process(listed=False)):
            tests = results_witness([summary], ALL_GOOD, demanded=False)
            assert tests is not None
            assert decide([says("exit code", PASSED), tests])[:2] == (FAILED, True)

    @pytest.mark.parametrize("no_tests", ["warn", "pass"])
    def test_nothing_is_forgiven_where_a_process_never_finished_collecting(self, no_tests: str) -> None:
        summaries = [process(5, collected=0, workers=2, silent_workers=2), process(0, collected=0, listed=False)]
        for summary in summaries:
            witness = results_witness([summary], TestCounts(), demanded=False, no_tests=no_tests)
            assert witness is not None
            assert witness.outcome is FAILED
        whole = results_witness([process(5, collected=0)], TestCounts(), demanded=True, no_tests=no_tests)
        assert whole is None or whole.outcome is PASSED

    def test_a_gate_that_owes_no_tests_needs_none(self) -> None:
        assert results_witness([], TestCounts(), demanded=False) is None

    @pytest.mark.parametrize(
        ("processes", "demanded", "said", "words"),
        [
            ([process(None, listed=False, trouble="conftest.py:1: OSError")], True, "", "conftest.py:1: OSError"),
            ([process(3, trouble="conftest.py:1: OSError")], False, "", "conftest.py:1: OSError"),
            ([process(0, trouble="conftest.py:1: SystemExit: 0")], False, "", "conftest.py:1: SystemExit: 0"),
            ([process(None, listed=False)], True, "set DATABASE first", "set DATABASE first"),
            ([process(4)], True, "file not found: a.py", "file not found: a.py"),
            ([], True, "pytest.ini:1: unexpected", "pytest.ini:1: unexpected"),
        ],
    )
    def test_why_pytest_could_not_go_on_is_all_that_is_said(
        self, processes: list[ProcessSummary], demanded: bool, said: str, words: str
    ) -> None:
        witness = results_witness(processes, TestCounts(), demanded, said=said)
        assert witness == Witness(name="test results", outcome=FAILED, detail=f"pytest could not go on: {words}")

    def test_what_a_finished_pytest_printed_is_no_trouble(self) -> None:
        witness = results_witness([process(1)], ONE_BAD, demanded=True, said="ERROR of the test's own")
        assert witness == Witness(name="test results", outcome=FAILED, detail="1 test failed")

    def test_what_cannot_be_collected_comes_first_and_explains_the_rest(self) -> None:
        broken = [a_broken(f"test_{name}.py", "ModuleNotFoundError: No module named 'pretend'") for name in "abcde"]
        stopped = [
            TestResult(gate="test", id=f"t{n}", outcome=TestOutcome.NOT_RUN, reason="the session stopped: 5 errors during collection")
            for n in range(644)
        ]  # fmt: skip
        tests = [*stopped, *broken]
        witness = results_witness([process(2)], count_tests(tests), demanded=True, tests=tests)
        assert witness is not None
        assert witness.detail == "5 errors: No module named 'pretend'; 644 tests did not run because of them"

    def test_every_fault_is_named(self) -> None:
        witness = results_witness([process(None, unreadable=1)], ONE_LOST, demanded=True)
        assert witness is not None
        assert witness.detail.count(";") == 2


def test_only_a_gate_that_owes_pytest_results_is_disbelieved_without_them() -> None:
    assert is_demanded("pytest")
    assert not any(is_demanded(word) for word in ("auto", "junit", "none"))
