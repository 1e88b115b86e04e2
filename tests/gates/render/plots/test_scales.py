from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.render.plots.scales import Scale, ratios, seconds_up_to, tick_words


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0.0, [0.0, 1.0]),
        (-1.0, [0.0, 1.0]),
        (math.inf, [0.0, 1.0]),
        (math.nan, [0.0, 1.0]),
        (0.0003, [0.0, 0.0001, 0.0002, 0.0003]),
        (1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (1.01, [0.0, 0.5, 1.0, 1.5]),
        (59.0, [0.0, 20.0, 40.0, 60.0]),
        (240.0, [0.0, 60.0, 120.0, 180.0, 240.0]),
        (7000.0, [0.0, 1800.0, 3600.0, 5400.0, 7200.0]),
    ],
)
def test_ticks_are_round(most: float, ticks: list[float]) -> None:
    assert seconds_up_to(most) == (ticks, ticks[-1])


@given(st.floats(1e-9, 1e9), st.integers(2, 8))
def test_ticks_reach_the_largest_value_and_are_few(most: float, wanted: int) -> None:
    ticks, top = seconds_up_to(most, wanted)
    assert ticks[0] == 0
    assert ticks[-1] == top >= most * (1 - 1e-6)
    assert 2 <= len(ticks) <= wanted + 1
    assert len(set(ticks)) == len(ticks)


@pytest.mark.parametrize(
    ("seconds", "most", "said"),
    [
        (0, 5, "0"), (0.2, 0.8, "200ms"), (0.0005, 0.002, "0.5ms"), (2, 10, "2s"), (0.5, 1.5, "0.5s"), (20, 100, "20s"),
        (60, 100, "1m"), (90, 100, "1m 30s"), (3600, 7200, "1h"), (5400, 7200, "1h 30m"),
    ],
)  # fmt: skip
def test_ticks_have_no_digits_that_say_nothing(seconds: float, most: float, said: str) -> None:
    assert tick_words(seconds, most) == said


@pytest.mark.parametrize(
    ("scale", "value", "place"),
    [
        (Scale(0, 10, 100, 200), 5, 150),
        (Scale(0, 10, 200, 100), 2, 180),
        (Scale(0, 10, 100, 200), 20, 200),
        (Scale(0, 10, 100, 200), -1, 100),
        (Scale(0, 0, 100, 200), 3, 100),
    ],
)
def test_a_value_has_its_place_and_never_one_outside(scale: Scale, value: float, place: float) -> None:
    assert scale.at(value) == place


@given(st.lists(st.floats(1e-6, 1e6), max_size=20), st.floats(100, 900))
def test_ratios_have_one_among_their_ticks_and_all_values_inside(values: list[float], width: float) -> None:
    ticks, low, high = ratios(values, width)
    assert 1.0 in ticks
    assert all(low <= math.log(value) <= high for value in (*values, *ticks))
    places = [math.log(one) * width / (high - low) for one in ticks]
    assert all(after - before >= 47.9 for before, after in pairwise(places))


@pytest.mark.parametrize(
    ("values", "ticks"),
    [([], [0.9, 1.0, 1.1]), ([0.5, 2.0], [0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0]), ([80.0], [1.0, 1.5, 3.0, 5.0, 10.0, 20.0, 50.0])],
)  # fmt: skip
def test_ratios_are_round(values: list[float], ticks: list[float]) -> None:
    assert ratios(values, 600)[0] == ticks
