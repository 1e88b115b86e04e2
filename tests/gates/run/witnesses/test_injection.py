from __future__ import annotations

from typing import Any

import pytest

from gates.portable.values import GateOutcome
from gates.run.verdict import decide
from gates.run.witnesses import exit_witness, refusal_witness, runner_witness, unspoken_witness
from gates.run.witnesses.injection import RunnerTraces

FAILED, COULD_NOT_RUN = GateOutcome.FAILED, GateOutcome.COULD_NOT_RUN


def heard(seen: RunnerTraces, spoken: int = 0, **more: Any) -> Any:
    return unspoken_witness("test", seen, spoken, **{"quotes": False, "excused": False, **more})


@pytest.mark.parametrize(
    ("seen", "spoken", "more"),
    [
        pytest.param(RunnerTraces(), 0, {}, id="nothing seen"),
        pytest.param(RunnerTraces(headers=1, footers=1, commands=("pytest",)), 1, {}, id="it spoke"),
        pytest.param(RunnerTraces(headers=2, footers=3), 2, {}, id="more closing lines: tests print such lines"),
        pytest.param(RunnerTraces(headers=5), 1, {"quotes": True}, id="it prints what tests print"),
        pytest.param(RunnerTraces(unittest="FAILED (failures=1)"), 0, {}, id="unittest is another matter"),
    ],
)
def test_a_pytest_that_speaks_is_believed(seen: RunnerTraces, spoken: int, more: dict[str, Any]) -> None:
    assert heard(seen, spoken, **more) is None


@pytest.mark.parametrize(
    ("seen", "spoken", "words"),
    [
        (RunnerTraces(headers=1, footers=1), 0, "its log shows 1 session of pytest; none reported to gates"),
        (RunnerTraces(footers=1), 0, "its log shows 1 session of pytest"),
        (RunnerTraces(commands=("pytest -qq",)), 0, "`pytest -qq`, according to nox"),
        (RunnerTraces(commands=("pytest a", "pytest b")), 1, "`pytest b`, according to nox; only 1 reported to gates"),
        (RunnerTraces(processes=("python -m pytest",)), 2, "the process `python -m pytest`; only 2 reported to gates"),
        (RunnerTraces(headers=2), 1, "its log shows 2 sessions of pytest; only 1 reported"),
    ],
)
def test_a_pytest_that_was_seen_and_did_not_speak_keeps_the_gate_from_passing(
    seen: RunnerTraces, spoken: int, words: str
) -> None:
    witness = heard(seen, spoken)
    assert witness.outcome is COULD_NOT_RUN
    assert words in witness.detail
    assert "set tests = 'none'" in witness.detail
    assert decide([exit_witness(0, "command"), witness])[:2] == (COULD_NOT_RUN, False)


@pytest.mark.parametrize(
    ("seen", "spoken", "words"),
    [
        (
            RunnerTraces(footers=1, failed=("1 failed in 0.12s",)),
            0,
            "reported '1 failed in 0.12s', but the gate did not fail",
        ),
        (
            RunnerTraces(processes=("pytest",), left=("pytest",)),
            0,
            "the gate ended, and its pytest (`pytest`) still ran",
        ),
    ],
)
def test_what_contradicts_the_gate_fails_it(seen: RunnerTraces, spoken: int, words: str) -> None:
    witness = heard(seen, spoken)
    assert (witness.outcome, words in witness.detail) == (FAILED, True)
    assert decide([exit_witness(0, "command"), witness])[:2] == (FAILED, True)


def test_where_the_gate_failed_anyway_or_others_are_the_witnesses_it_is_only_told() -> None:
    witness = heard(RunnerTraces(headers=1, failed=("1 failed in 0.12s",)), excused=True)
    assert witness.outcome is None
    assert decide([exit_witness(1, "command"), witness]) == (FAILED, False, "exit code 1")


def test_a_refusal_says_what_to_do() -> None:
    witness = refusal_witness("test")
    assert (witness.outcome, "PYTHONPATH" in witness.detail) == (COULD_NOT_RUN, True)
    assert decide([exit_witness(1, "command"), witness])[2] == witness.detail


@pytest.mark.parametrize(("exit_code", "outcome"), [(0, FAILED), (1, None), (None, None)])
def test_unittest_that_failed_at_last_contradicts_an_exit_code_of_0(
    exit_code: int | None, outcome: GateOutcome | None
) -> None:
    witness = runner_witness(RunnerTraces(unittest="FAILED (failures=1)"), exit_code, quotes=False, has_tests=False)
    assert (witness and witness.outcome) == outcome
    assert runner_witness(RunnerTraces(), 0, quotes=False, has_tests=False) is None


@pytest.mark.parametrize(
    ("exit_code", "has_tests", "quotes", "outcome"),
    [
        pytest.param(0, False, False, GateOutcome.FAILED, id="alone"),
        pytest.param(0, True, False, None, id="beside tests of others"),
        pytest.param(0, False, True, None, id="printed by a test"),
        pytest.param(5, False, False, None, id="failed anyway"),
    ],
)
def test_unittest_without_a_test_shows_nothing(
    exit_code: int, has_tests: bool, quotes: bool, outcome: GateOutcome | None
) -> None:
    witness = runner_witness(RunnerTraces(empty=True), exit_code, quotes=quotes, has_tests=has_tests)
    assert (witness and witness.outcome) == outcome


def test_what_a_test_prints_is_no_word_of_unittest() -> None:
    assert runner_witness(RunnerTraces(unittest="FAILED (failures=1)"), 0, quotes=True, has_tests=True) is None
