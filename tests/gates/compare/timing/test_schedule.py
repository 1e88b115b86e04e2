from __future__ import annotations

import math
from collections import Counter

import pytest

from gates.compare.timing.changes import Suspect, TimingSettings
from gates.compare.timing.schedule import Schedule, enough_for, plan

SETTINGS = TimingSettings(pairs=40, least_pairs=20)


def suspects(*seconds: float) -> list[Suspect]:
    """Candidates in the order of suspicion, with what a pair of each takes."""
    return [
        Suspect(test=f"t{number}", direction="slower", size=1.0, seconds=cost) for number, cost in enumerate(seconds)
    ]


def shared(budget: float, *seconds: float, overhead: float = 0.0) -> tuple[list[int], tuple[str, ...]]:
    schedule = plan(suspects(*seconds), budget, overhead=overhead, settings=SETTINGS)
    assert schedule.seconds <= budget + 1e-9
    return list(schedule.pairs.values()), schedule.left_out


@pytest.mark.parametrize(
    ("budget", "seconds", "pairs", "left_out"),
    [
        (math.inf, (1, 1000), [40, 40], ()),
        (41, (1,), [40], ()),
        (40, (1,), [39], ()),
        # One of the 21 rounds warms up.
        (21, (1,), [20], ()),
        (20, (1,), [], ("t0",)),
        (0, (1, 2), [], ("t0", "t1")),
        # The cheap one needs 4 of 101 s; the dear one gets the rest.
        (101, (0.1, 3), [40, 31], ()),
        (101, (3, 0.1), [31, 40], ()),
        # 20 pairs of both do not fit: the first is more suspicious.
        (60, (2, 2), [29], ("t1",)),
        # What does not fit even alone keeps nobody else from being timed.
        (50, (1000, 1, 1), [24, 24], ("t0",)),
        (math.inf, (), [], ()),
    ],
)
def test_the_budget_is_shared(
    budget: float, seconds: tuple[float, ...], pairs: list[int], left_out: tuple[str, ...]
) -> None:
    assert shared(budget, *seconds) == (pairs, left_out)


@pytest.mark.parametrize(
    ("budget", "pairs"),
    # A round costs two starts and the test.
    [(41 * 21, [40]), (30 * 21, [29]), (21 * 21, [20]), (21 * 21 - 1, [])],
)
def test_the_start_of_each_turn_is_paid_from_the_budget(budget: float, pairs: list[int]) -> None:
    assert shared(budget, 1.0, overhead=10.0)[0] == pairs


def test_rounds_are_given_up_rather_than_a_dear_test() -> None:
    pairs, left_out = shared(1500, 30.0, 0.01, overhead=10.0)
    assert left_out == ()
    assert pairs == [28, 30]


def test_many_candidates_need_more_pairs_each() -> None:
    strict = TimingSettings(pairs=40, least_pairs=20, alpha=1e-5)
    # Holm's smallest level is 1e-5 / 10: 20 pairs of one sign do not reach it, 21 do. For 4 candidates 20 are enough.
    found = suspects(*[1.0] * 10)
    assert len(plan(found, 10 * 22, settings=strict).pairs) == 10
    few = plan(found, 10 * 22 - 1, settings=strict)
    assert set(few.pairs.values()) <= set(range(21, 41))
    assert len(few.pairs) == 9
    assert set(plan(found[:4], 4 * 21, settings=strict).pairs.values()) == {20}


def test_each_round_gives_each_of_its_tests_a_pair() -> None:
    schedule = plan(suspects(0.1, 3), 101, settings=SETTINGS)
    turns = Counter((turn.side, test) for turn in schedule.turns for test in turn.tests if turn.round)
    assert turns == {("base", "t0"): 40, ("head", "t0"): 40, ("base", "t1"): 31, ("head", "t1"): 31}
    for one, other in zip(schedule.turns[::2], schedule.turns[1::2], strict=True):
        assert {one.side, other.side} == {"base", "head"}
        assert (one.round, one.tests) == (other.round, other.tests)
    assert [turn.round for turn in schedule.turns[::2]] == list(range(41))


def test_the_first_round_only_warms_up() -> None:
    schedule = plan(suspects(1, 1), 100, settings=SETTINGS)
    assert [(turn.round, turn.side, turn.tests) for turn in schedule.turns[:2]] == [
        (0, "base", ("t0", "t1")),
        (0, "head", ("t0", "t1")),
    ]


def firsts(schedule: Schedule) -> list[str]:
    return [turn.side for turn in schedule.turns[2::2]]


def test_half_of_the_rounds_begin_with_the_base_so_that_a_drift_cancels() -> None:
    schedule = plan(suspects(1), math.inf, settings=SETTINGS)
    assert Counter(firsts(schedule)) == {"base": 20, "head": 20}
    slots = dict.fromkeys(("base", "head"), 0)
    for slot, turn in enumerate(schedule.turns[2:]):
        slots[turn.side] += slot
    assert slots["base"] == slots["head"]


def test_the_order_has_no_rhythm_and_follows_the_seed() -> None:
    orders = {seed: firsts(plan(suspects(1), math.inf, seed=seed, settings=SETTINGS)) for seed in range(20)}
    assert len({tuple(order) for order in orders.values()}) == 20
    assert orders[3] == firsts(plan(suspects(1), math.inf, seed=3, settings=SETTINGS))
    # In each round both sides have been first.
    assert all(len(set(sides)) == 2 for sides in zip(*orders.values(), strict=True))


def test_nothing_to_time_is_an_empty_schedule() -> None:
    assert plan([], 100.0) == Schedule()


@pytest.mark.parametrize("seconds", [(1.0,), (0.1, 3.0), (2.0, 2.0, 0.01), (1.0,) * 40])
@pytest.mark.parametrize("overhead", [0.0, 0.7])
def test_what_is_enough_leaves_nobody_out_and_less_does(seconds: tuple[float, ...], overhead: float) -> None:
    enough = enough_for(suspects(*seconds), overhead, SETTINGS)
    assert shared(enough * 1.001, *seconds, overhead=overhead)[1] == ()
    assert shared(enough * 0.99, *seconds, overhead=overhead)[1] != ()
