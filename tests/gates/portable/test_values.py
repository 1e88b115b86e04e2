from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.values import (
    BAD_TESTS,
    EXIT_PRECEDENCE,
    LOST_TESTS,
    RAN_TESTS,
    ExitCode,
    GateOutcome,
    TestOutcome,
    format_duration,
    listed,
    parse_duration,
    worst_exit,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("250ms", 0.25),
        ("10m", 600.0),
        ("2h", 7200.0),
        ("1m30s", 90.0),
        ("1h 2m 3s 4ms", 3723.004),
        (" 1.5 m ", 90.0),
    ],
)
def test_a_duration_is_a_sum_of_numbers_with_units(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", " ", "90", "s", "90 x", "-1s", "1s,2s", "1.s", ".5s", "0s", "0m 0s", "1s 2"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.00s"),
        (0.824, "0.82s"),
        (9.994, "9.99s"),
        (9.996, "10.0s"),
        (46.81, "46.8s"),
        (59.94, "59.9s"),
        (59.96, "1m 00s"),
        (125, "2m 05s"),
        (3599.6, "1h 00m"),
        (3725, "1h 02m"),
        (360000, "100h 00m"),
    ],
)
def test_a_duration_is_shown_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.floats(0.01, 1e6))
def test_a_shown_duration_can_be_read_again_and_is_off_by_less_than_its_last_figure(seconds: float) -> None:
    last_figure = 0.01 if seconds < 10 else 0.1 if seconds < 60 else 1 if seconds < 3600 else 60
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=last_figure)


def test_every_outcome_of_a_test_is_bad_or_lost_or_good_or_was_left_out() -> None:
    good = {TestOutcome.PASSED, TestOutcome.XFAILED, TestOutcome.XPASSED, TestOutcome.FLAKY, TestOutcome.QUARANTINED}
    left_out = {TestOutcome.SKIPPED, TestOutcome.EXCLUDED}
    groups = [good, left_out, BAD_TESTS, LOST_TESTS]
    assert set().union(*groups) == set(TestOutcome)
    assert sum(map(len, groups)) == len(TestOutcome)
    assert good | BAD_TESTS == RAN_TESTS


@pytest.mark.parametrize("outcome", [*TestOutcome, *GateOutcome], ids=repr)
def test_an_outcome_shows_itself_as_its_word(outcome: TestOutcome | GateOutcome) -> None:
    assert str(outcome) == f"{outcome}" == outcome.value


def test_exit_codes_are_a_contract() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "PASSED": 0,
        "GATE_FAILED": 1,
        "USAGE": 2,
        "COULD_NOT_RUN": 3,
        "NOTHING_SELECTED": 4,
        "REGRESSION": 5,
        "VERIFICATION_FAILED": 6,
        "INTERRUPTED": 130,
    }


def test_every_exit_code_has_its_rank() -> None:
    assert sorted(EXIT_PRECEDENCE) == sorted(ExitCode)


@pytest.mark.parametrize(("worse", "better"), [*itertools.pairwise([130, 2, 1, 5, 6, 3, 4, 0])])
def test_the_worse_of_two_exit_codes_is_given(worse: int, better: int) -> None:
    assert worst_exit([ExitCode(better), ExitCode(worse)]) == worse
    assert worst_exit([ExitCode(worse), ExitCode(better), ExitCode.PASSED]) == worse


def test_nothing_at_all_passed() -> None:
    assert worst_exit([]) is ExitCode.PASSED


@pytest.mark.parametrize(
    ("names", "text"),
    [((), ""), (("a", "b"), "a, b"), (("a", "b", "c"), "a, b, c"), (("a",) * 2000, "a, a, a and 1,997 more")],
)
def test_a_list_of_very_many_names_says_how_many_more_there_are(names: tuple[str, ...], text: str) -> None:
    assert listed(names, 3) == text
