from __future__ import annotations

import itertools
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.compare.timing import statistics
from gates.compare.timing.statistics import (
    bootstrap,
    detectable,
    fewest_pairs,
    finite_pairs,
    holm,
    log_ratios,
    pairs_for,
    shift,
    signed_rank,
)

# Whole numbers: ties and zeros, without the noise of floats.
DIFFERENCES = st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=10)
FIVE_PERCENT = math.log1p(0.05)

DARWIN = (49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48)
"""Crossed minus self-fertilised maize, in eighths of an inch (Darwin 1876; Fisher, "The Design of Experiments", 1935)."""

HAMILTON = (0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01)
"""Depression scale factor before and after therapy (Hollander, Wolfe & Chicken, table 3.1)."""


def brute_force(differences: list[float]) -> float:
    """Two-sided p by dealing out all signs; Pratt's treatment of zeros."""
    sizes = [abs(difference) for difference in differences]
    ranks = [sum(other < size for other in sizes) + (sizes.count(size) + 1) / 2 for size in sizes]
    kept = [(rank, difference > 0) for rank, difference in zip(ranks, differences, strict=True) if difference]
    middle = sum(rank for rank, _ in kept) / 2
    seen = abs(sum(rank for rank, up in kept if up) - middle)
    sums = [
        abs(sum(itertools.compress((rank for rank, _ in kept), signs)) - middle)
        for signs in itertools.product((0, 1), repeat=len(kept))
    ]
    return sum(other >= seen for other in sums) / len(sums)


@pytest.mark.parametrize(
    ("differences", "p"),
    [
        (DARWIN, 0.041259765625),  # W = 24
        (HAMILTON, 0.0390625),  # T+ = 40
        ((1, 2, 3, 4, 5), 2 / 32),
        ((1, 2, 3, 4, 5, 6, 7, 8), 2 / 256),
        # The tables' critical values at 5%: W = 8 of 10 pairs, W = 52 of 20.
        ((1, 2, 3, 4, 5, 6, 7, -8, 9, 10), 50 / 1024),
        ((*range(1, 13), 13, -14, 15, 16, 17, -18, 19, -20), 0.0484),
        ((0, 0, 0), 1.0),
        ((3,), 1.0),
        ((-1, 1), 1.0),
    ],
)
def test_the_signed_rank_test_gives_the_published_values(differences: tuple[float, ...], p: float) -> None:
    assert signed_rank(differences) == pytest.approx(p, abs=0.00005)


@given(DIFFERENCES)
def test_the_signed_rank_test_counts_all_ways_with_ties_and_zeros(differences: list[float]) -> None:
    assert signed_rank(differences) == pytest.approx(brute_force(differences))


@pytest.mark.parametrize(("size", "repeated", "p"), [(33, 1, 0.15), (33, 3, 0.011), (12, 1, 0.52)])
def test_the_normal_approximation_takes_over_where_it_fits(
    size: int, repeated: int, p: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    differences = [float(-n if n % 3 == 0 else n) for n in range(1, size + 1) for _ in range(repeated)]
    exact = signed_rank(differences)
    assert exact == pytest.approx(p, rel=0.05)
    monkeypatch.setattr(statistics, "EXACT_UP_TO", 0)
    assert signed_rank(differences) == pytest.approx(exact, rel=0.05)


def test_the_normal_approximation_never_makes_little_of_a_small_p(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = [float(size) for size in range(1, 66)]
    exact = signed_rank(differences)
    monkeypatch.setattr(statistics, "EXACT_UP_TO", 0)
    assert exact == 2**-64
    assert exact < signed_rank(differences) < 1e-9


@pytest.mark.parametrize(
    ("values", "adjusted"),
    [
        ((0.01, 0.04, 0.03, 0.005), (0.03, 0.06, 0.06, 0.02)),
        ((0.02,), (0.02,)),
        ((0.5, 0.6, 0.7), (1.0, 1.0, 1.0)),
        ((0.01, 0.01), (0.02, 0.02)),
        ((), ()),
    ],
)
def test_holm_multiplies_the_smallest_the_most(values: tuple[float, ...], adjusted: tuple[float, ...]) -> None:
    found = holm({str(number): value for number, value in enumerate(values)})
    assert tuple(found.values()) == pytest.approx(adjusted)
    assert list(found) == [str(number) for number in range(len(values))]


@pytest.mark.parametrize(
    ("differences", "expected"),
    [(HAMILTON, 0.46), ((1, 2, 9), 3.5), ((5,), 5), ((-1, 1), 0), ((0, 0, 0, 0, 1e6), 0)],
)
def test_the_shift_is_hodges_and_lehmanns(differences: tuple[float, ...], expected: float) -> None:
    assert shift(differences) == pytest.approx(expected, abs=0.0051)


@pytest.mark.parametrize(
    ("base", "head", "expected"),
    [
        ([1.0, 2.0], [math.e, 2.0], [1.0, 0.0]),
        ([1.0, 1.0, 1.0], [1.0], [0.0]),
        ([1.0, math.nan, 1.0], [1.0, 5.0, math.inf], [0.0]),
        ([0.0, 1e-9], [0.0, 0.0], [0.0, 0.0]),
        ([0.0], [1e-5], [math.log(10)]),
        ([], [1.0], []),
    ],
)
def test_pairs_are_what_both_sides_have(base: list[float], head: list[float], expected: list[float]) -> None:
    assert log_ratios(finite_pairs(base, head)) == pytest.approx(expected)


def test_ties_survive_a_change_of_unit() -> None:
    seconds = log_ratios([(0.1, 0.3), (0.2, 0.6), (0.3, 0.9)])
    assert len(set(seconds)) == 1
    assert seconds == log_ratios([(0.7, 2.1), (1.4, 4.2), (2.1, 6.3)])


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=30))
def test_swapped_sides_have_the_mirrored_interval(differences: list[float]) -> None:
    one = bootstrap(differences, 0.95, 200)
    other = bootstrap([-difference for difference in differences], 0.95, 200)
    assert (-other.high, -other.low, other.error) == pytest.approx(one, abs=1e-9)


def test_the_bootstrap_takes_the_shift_of_each_resample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against the slow way: every resample written out."""
    differences = [0.3, -0.1, 0.25, 0.9, 0.0, -0.4, 0.3]
    size, resamples = len(differences), 300
    slow = [
        shift([value for value, count in zip(differences, row, strict=True) for _ in range(count)])
        for row in statistics._taken(size, resamples).tolist()
    ]
    widened = [shift(differences) + (value - shift(differences)) * math.sqrt(7 / 6) for value in slow]
    mean = sum(widened) / resamples
    whole = bootstrap(differences, 1.0, resamples)
    assert (whole.low, whole.high) == pytest.approx((min(widened), max(widened)))
    assert whole.error == pytest.approx(math.sqrt(sum((value - mean) ** 2 for value in widened) / resamples))
    monkeypatch.setattr(statistics, "_CHUNK", 64)
    assert bootstrap(differences, 1.0, resamples) == whole


@pytest.mark.parametrize("differences", [[0.5], [0.5, 0.5, 0.5]])
def test_what_never_varies_has_an_interval_of_no_width(differences: list[float]) -> None:
    assert bootstrap(differences, 0.95, 50) == pytest.approx((0.5, 0.5, 0.0))


@pytest.mark.parametrize(("level", "pairs"), [(0.01, 8), (0.05, 6), (0.01 / 1000, 18), (0.5, 2)])
def test_the_fewest_pairs_reach_the_level_with_all_signs_alike(level: float, pairs: int) -> None:
    assert fewest_pairs(level) == pairs
    assert signed_rank([float(size) for size in range(1, pairs + 1)]) <= level
    assert signed_rank([float(size) for size in range(1, pairs)]) > level


def test_ten_percent_in_noise_of_fifteen_need_about_65_pairs() -> None:
    # The shift of n pairs of normal noise varies with sigma · √(2 / n) · √(π / 3).
    error = 0.15 * math.sqrt(2 / 65) * math.sqrt(math.pi / 3)
    assert math.expm1(detectable(error, 0.01, 0.80, FIVE_PERCENT)) == pytest.approx(0.0965, abs=0.0005)


def test_without_noise_anything_beyond_the_threshold_is_detectable() -> None:
    assert detectable(0.0, 0.01, 0.80, FIVE_PERCENT) == FIVE_PERCENT


def test_the_pairs_that_are_needed_make_the_effect_detectable() -> None:
    error, pairs, effect = 0.03, 20, math.log1p(0.10)
    # With no use for `same`: an interval of no confidence, a power that is not asked for.
    needed = pairs_for(error, pairs, effect=effect, threshold=0.04, level=0.01, power=0.8, confidence=0.0)
    assert needed > pairs / 2
    for found, enough in ((needed, True), (needed - 1, False)):
        reached = detectable(error * math.sqrt(pairs / found), 0.01, 0.8, 0.04) <= effect
        assert reached is enough


def test_an_effect_near_the_threshold_takes_many_pairs() -> None:
    needed = pairs_for(0.03, 20, effect=0.05, threshold=0.04, level=0.01, power=0.8, confidence=0.0)
    assert needed == pytest.approx(20 * (0.03 * 0.8416 / 0.01) ** 2, abs=1)


def test_without_noise_the_fewest_pairs_are_needed() -> None:
    assert pairs_for(0.0, 20, effect=0.1, threshold=0.05, level=1e-4, power=0.8, confidence=0.95) == 15


def test_to_show_that_nothing_changed_takes_more_pairs() -> None:
    error = 0.15 * math.sqrt(2 / 65) * math.sqrt(math.pi / 3)
    needed = pairs_for(
        error, 65, effect=math.log1p(0.1), threshold=FIVE_PERCENT, level=0.01, power=0.8, confidence=0.95
    )
    assert needed == pytest.approx(65 * (error * (1.96 + 1.2816) / FIVE_PERCENT) ** 2, abs=1)


def test_numpy_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, gates.compare.timing.schedule, gates.compare.timing.changes; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
