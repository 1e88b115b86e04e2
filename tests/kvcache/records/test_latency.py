import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache.records.latency import Histogram, Latency, Rate


def filled(durations: list[int]) -> Histogram:
    histogram = Histogram()
    for nanoseconds in durations:
        histogram.add(nanoseconds)
    return histogram


def test_without_durations_nothing_is_known() -> None:
    assert Histogram().latency() == Latency(0, 0.0, None, None, None, None)


def test_a_single_duration_is_every_quantile() -> None:
    latency = filled([1_000_000]).latency()
    assert latency.count == 1
    assert latency.total == latency.longest == 1e-3
    assert latency.p50 == latency.p99 == pytest.approx(1e-3, rel=1 / 32)


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=200))
def test_a_quantile_is_off_by_a_thirty_second_at_most(durations: list[int]) -> None:
    latency = filled(durations).latency()
    for share, quantile in ((0.5, latency.p50), (0.9, latency.p90), (0.99, latency.p99)):
        exact = np.quantile(durations, share, method="inverted_cdf") / 1e9
        assert quantile == pytest.approx(exact, rel=1 / 31, abs=1e-9)
    assert latency.longest == max(durations) / 1e9


@pytest.mark.parametrize("nanoseconds", [pytest.param(-5, id="negative"), pytest.param(1 << 60, id="years")])
def test_a_duration_that_cannot_be_is_clamped(nanoseconds: int) -> None:
    longest = filled([nanoseconds]).latency().longest
    assert longest is not None
    assert 0 <= longest < 2000


def test_the_rate_is_that_of_the_window() -> None:
    rate = Rate(60.0)
    assert rate.per_second(0.0) is None
    for second in range(120):
        rate.add(float(second))
        rate.add(second + 0.5)
    assert rate.per_second(120.0) == pytest.approx(2.0, rel=0.05)
    assert rate.per_second(1000.0) == 0.0


def test_before_the_window_is_full_the_rate_is_that_of_the_time_so_far() -> None:
    rate = Rate(60.0)
    rate.add(100.0)
    assert rate.per_second(100.0) is None
    for _ in range(9):
        rate.add(101.0)
    assert rate.per_second(102.0) == 5.0


def test_a_clock_that_goes_back_or_begins_below_zero_breaks_nothing() -> None:
    rate = Rate(60.0)
    for moment in (-1000.0, -2000.0, -999.0, 5.0, 4.0, -3.0):
        rate.add(moment)
    assert rate.per_second(6.0) == pytest.approx(3 / 60)
