from __future__ import annotations

import math
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.compare.timing.changes import DEFAULTS, TimingSettings, classify_changes, find_suspects
from gates.compare.values import TimingChange

FAST = TimingSettings(resamples=200)
TIMES = st.lists(st.tuples(st.floats(0.01, 10), st.floats(0.01, 10)), min_size=1, max_size=25)


def times(ratio: float, pairs: int = 40, noise: float = 0.02, seed: int = 1) -> tuple[list[float], list[float]]:
    dice = random.Random(seed)
    base = [0.5 * math.exp(dice.gauss(0, noise)) for _ in range(pairs)]
    return base, [0.5 * ratio * math.exp(dice.gauss(0, noise)) for _ in range(pairs)]


def judged(*sides: tuple[list[float], list[float]], settings: TimingSettings = FAST) -> tuple[TimingChange, ...]:
    return classify_changes({f"t{number}": side for number, side in enumerate(sides)}, settings)


@pytest.mark.parametrize(
    ("sides", "verdict"),
    [
        (times(1.20), "slower"),
        (times(1 / 1.20), "faster"),
        (times(1.0), "same"),
        (times(1.03), "same"),
        # Certainly slower, and by too little to matter, or by as much as the threshold.
        (times(1.03, pairs=200, noise=0.01), "same"),
        (times(1.047), "inconclusive"),
        (times(1.10, noise=0.5), "inconclusive"),
        (times(1.0, noise=0.5), "inconclusive"),
        (times(3.0, pairs=9), "inconclusive"),
        (times(1.0, pairs=9, noise=0.0001), "inconclusive"),
        (times(3.0, pairs=1), "inconclusive"),
        (([], []), "inconclusive"),
        (([0.0] * 20, [0.0] * 20), "same"),
    ],
)
def test_a_verdict_needs_certainty_and_size(sides: tuple[list[float], list[float]], verdict: str) -> None:
    (change,) = judged(sides)
    assert change.verdict == verdict


def test_a_change_tells_what_it_was_taken_from() -> None:
    (change,) = judged(times(1.20, noise=0.05))
    assert change.test == "t0"
    assert change.pairs == 40
    assert change.timed == 1
    assert change.p == change.adjusted_p < 0.001
    assert None not in (change.ratio, change.low, change.high, change.base_seconds, change.head_seconds)
    assert 1.1 < (change.low or 0) < (change.ratio or 0) < (change.high or 0) < 1.3
    assert (change.base_seconds, change.head_seconds) == pytest.approx((0.5, 0.6), rel=0.05)


def test_every_test_that_was_timed_again_makes_the_others_prove_more() -> None:
    marginal = times(1.25, pairs=12, noise=0.16, seed=4)
    (alone,) = judged(marginal)
    among = judged(marginal, *(times(1.0, seed=seed) for seed in range(50)))[0]
    assert (alone.verdict, among.verdict) == ("slower", "inconclusive")
    assert among.p == alone.p
    assert among.adjusted_p == pytest.approx(51 * alone.p)
    # 12 pairs of one sign could not reach 0.01 / 51 either: so nothing was detectable.
    assert alone.detectable is not None
    assert among.detectable is None


def test_the_p_that_decides_is_the_adjusted_one() -> None:
    weak = times(1.15, pairs=40, noise=0.18, seed=2)
    (alone,) = judged(weak)
    among = judged(weak, *(times(1.0, seed=seed) for seed in range(50)))[0]
    assert 0.01 / 51 < alone.p < 0.01
    assert among.detectable is not None
    assert (alone.verdict, among.verdict) == ("slower", "inconclusive")


def test_a_test_without_a_pair_is_inconclusive_and_makes_no_other_prove_more() -> None:
    nothing, judged_one, failed = judged(([1.0], []), times(1.2), ([math.nan] * 30, [1.0] * 30))
    assert nothing == TimingChange(test="t0", verdict="inconclusive", pairs=0, timed=1)
    assert failed == msgspec.structs.replace(nothing, test="t2")
    assert judged_one.adjusted_p == judged_one.p


def test_a_round_without_a_time_is_no_pair() -> None:
    base, head = times(1.2)
    (whole,) = judged((base, head))
    (holes,) = judged(([math.nan, *base, 1.0], [9.9, *head]))
    assert holes == whole


def test_what_is_inconclusive_says_how_many_pairs_it_takes() -> None:
    (noisy,) = judged(times(1.0, pairs=30, noise=0.15))
    (quiet,) = judged(times(1.0, pairs=30, noise=0.05))
    assert noisy.verdict == "inconclusive"
    assert quiet.verdict == "same"
    assert (noisy.pairs_needed or 0) > 100
    assert (quiet.pairs_needed or 99) < 30
    assert (noisy.detectable or 0) > 1.10 > (quiet.detectable or 9)


def test_never_fewer_pairs_are_asked_for_than_are_judged() -> None:
    for pairs in (9, 10):
        (change,) = judged(([1.0] * pairs, [1.2] * pairs))
        assert change.pairs_needed == 10
        assert change.verdict == ("slower" if pairs == 10 else "inconclusive")


def test_one_pair_does_not_say_how_many_it_takes() -> None:
    (change,) = judged(times(1.2, pairs=1))
    assert (change.detectable, change.pairs_needed) == (None, None)


def test_no_samples_are_no_changes() -> None:
    assert classify_changes({}) == ()


@settings(max_examples=50)
@given(TIMES)
def test_swapped_sides_swap_the_verdict(pairs: list[tuple[float, float]]) -> None:
    base, head = map(list, zip(*pairs, strict=True))
    (one,) = judged((base, head))
    (other,) = judged((head, base))
    swapped = {"slower": "faster", "faster": "slower"}
    assert other.verdict == swapped.get(one.verdict, one.verdict)
    assert other.p == one.p
    assert (other.base_seconds, other.head_seconds) == (one.head_seconds, one.base_seconds)
    assert other.ratio == pytest.approx(1 / (one.ratio or 0))
    assert (other.low, other.high) == pytest.approx((1 / (one.high or 0), 1 / (one.low or 0)))
    assert other.detectable == pytest.approx(one.detectable)


@settings(max_examples=50)
@given(TIMES, st.sampled_from([0.5, 3.0, 60.0, 1000.0]))
def test_the_unit_of_time_does_not_matter(pairs: list[tuple[float, float]], unit: float) -> None:
    base, head = map(list, zip(*pairs, strict=True))
    (one,) = judged((base, head))
    (other,) = judged(([unit * time for time in base], [unit * time for time in head]))
    assert other.p == one.p
    assert other.verdict == one.verdict
    assert (other.ratio, other.low, other.high) == pytest.approx((one.ratio, one.low, one.high))


def test_the_same_data_give_the_same_answer() -> None:
    assert judged(times(1.1), times(0.9)) == judged(times(1.1), times(0.9))


def test_a_change_survives_json() -> None:
    for change in judged(times(1.2), ([], [])):
        assert msgspec.json.decode(msgspec.json.encode(change), type=TimingChange) == change


@pytest.mark.parametrize(
    ("base", "head", "direction"),
    [
        (1.0, 1.3, "slower"),
        (1.3, 1.0, "faster"),
        (1.0, 1.19, None),
        (1.19, 1.0, None),
        (1.0, 1.0, None),
        # Twice as long, and yet within what the machine does by itself.
        (0.005, 0.010, None),
        (0.010, 0.030, "slower"),
        (0.0, 0.0, None),
        (0.0, 0.5, "slower"),
        (math.nan, 1.0, None),
        (1.0, math.inf, None),
        (-1.0, 1.0, None),
    ],
)
def test_a_candidate_differs_by_a_part_and_by_seconds(base: float, head: float, direction: str | None) -> None:
    found = find_suspects({"it": base}, {"it": head})
    assert [candidate.direction for candidate in found] == ([direction] if direction else [])


def test_only_tests_of_both_sides_are_candidates() -> None:
    (found,) = find_suspects({"old": 1.0, "both": 1.0}, {"both": 3.0, "new": 9.0})
    assert (found.test, found.direction, found.seconds) == ("both", "slower", 4.0)
    assert found.size == pytest.approx(math.log(3))


def test_slowdowns_come_first_and_the_largest_of_them_at_the_front() -> None:
    base = dict.fromkeys("abcde", 1.0)
    found = find_suspects(base, {"a": 1.3, "b": 0.1, "c": 2.0, "d": 0.5, "e": 1.0})
    assert [candidate.test for candidate in found] == ["c", "a", "b", "d"]


@pytest.mark.parametrize(
    ("machine", "real", "direction"),
    [(1.0, 1.3, "slower"), (0.75, 1.3, "slower"), (0.75, 1 / 1.3, "faster"), (1.15, 1 / 1.3, "faster")],
)
def test_a_machine_that_was_faster_or_slower_hides_no_change(machine: float, real: float, direction: str) -> None:
    base = {f"t{number}": 1.0 for number in range(31)}
    found = find_suspects(base, {**dict.fromkeys(base, machine), "t7": machine * real})
    assert ("t7", direction) in [(candidate.test, candidate.direction) for candidate in found]


def test_everything_slower_makes_everything_a_candidate() -> None:
    base = {f"t{number}": 1.0 for number in range(31)}
    found = find_suspects(base, dict.fromkeys(base, 1.3))
    assert len(found) == 31


def test_few_tests_say_nothing_of_the_machine() -> None:
    base = {f"t{number}": 1.0 for number in range(19)}
    assert not find_suspects(base, {**dict.fromkeys(base, 1.15), "t7": 1.0})
    assert not find_suspects(base, {**dict.fromkeys(base, 0.9), "t7": 1.15})


def test_the_settings_are_used() -> None:
    sides = times(1.20, pairs=25, noise=0.05)
    for changed, verdict in (
        (TimingSettings(alpha=1e-9, resamples=200), "inconclusive"),
        (TimingSettings(threshold=0.5, effect=1.0, resamples=200), "same"),
        (FAST, "slower"),
    ):
        (change,) = judged(sides, settings=changed)
        assert change.verdict == verdict
    assert DEFAULTS.effect > DEFAULTS.threshold
