from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gates.compare.values import Comparison, GateTimes, TestsComparison, Timing, TimingChange
from gates.render.plots.before_after import draw_before_after
from gates.results import TestCounts
from tests.gates.readers.junit.sample import nasty
from tests.gates.render.plots.reading import outside, paths, texts, tips
from tests.gates.render.plots.test_slowest import LONG


def a_change(test: str, verdict: Any = "slower", ratio: float | None = 1.5, width: float = 1.1) -> TimingChange:
    ends = (None, None) if ratio is None else (ratio / width, ratio * width)
    return TimingChange(test=test, verdict=verdict, pairs=20, base_seconds=0.5, head_seconds=0.75, ratio=ratio, low=ends[0], high=ends[1])  # fmt: skip


def a_comparison(*changes: TimingChange, gates: tuple[GateTimes, ...] = (), **fields: Any) -> Comparison:
    values: dict[str, Any] = {"base": "main", "head": "feature", "base_run": "a", "head_run": "b", "base_identity": "x", "head_identity": "y"}  # fmt: skip
    counts = {"tests": TestsComparison(), "base_counts": TestCounts(), "head_counts": TestCounts()}
    timing = Timing(changes=changes, rounds=20)
    return Comparison(**{**values, **counts, "timing": timing, "gate_times": gates, **fields})


def test_a_slower_test_is_right_of_the_base_with_its_interval_and_a_faster_one_left() -> None:
    drawing = draw_before_after(a_comparison(a_change("a", "faster", 0.5), a_change("b")))
    (slower,), (faster,) = paths(drawing, "mark slower")[1:], paths(drawing, "mark faster")[1:]
    base = float(paths(drawing, "axis")[0].partition(" ")[0].removeprefix("M"))
    assert float(faster.partition(" ")[0].removeprefix("M")) < base < float(slower.partition(" ")[0].removeprefix("M"))
    assert "+50.0% (+36.4% to +65.0%), 500ms → 750ms" in texts(drawing, "alarm")
    assert "b: slower, +50.0% (+36.4% to +65.0%)" in tips(drawing)
    assert texts(drawing, "name") == ["b", "a"]  # what became slower comes first


def test_the_axis_is_logarithmic_so_half_and_twice_are_equally_far() -> None:
    drawing = draw_before_after(a_comparison(a_change("a", "faster", 0.5), a_change("b", "slower", 2.0)))
    (twice,), (half,) = paths(drawing, "mark slower")[1:], paths(drawing, "mark faster")[1:]
    base = float(paths(drawing, "axis")[0].partition(" ")[0].removeprefix("M"))
    far, near = (float(one.partition(" ")[0].removeprefix("M")) for one in (twice, half))
    assert math.isclose(far - base, base - near, abs_tol=0.3)


def test_gates_have_both_times() -> None:
    gates = (GateTimes(gate="g", base_seconds=1.0, head_seconds=2.0, head_outcome="failed"), GateTimes(gate="new", head_seconds=1.0))  # fmt: skip
    drawing = draw_before_after(a_comparison(gates=gates))
    assert "1.00s → 2.00s" in texts(drawing)
    assert texts(drawing, "name") == ["g"]
    assert "Gates were timed once on each side, which proves nothing." in texts(drawing)


def test_without_times_on_both_sides_there_is_nothing_to_draw() -> None:
    for comparison in (a_comparison(), a_comparison(a_change("a", "inconclusive", None)), a_comparison(timing=None)):
        assert "Nothing was timed on both sides." in texts(draw_before_after(comparison))


def test_eighty_tests_with_long_names_are_not_cut_off() -> None:
    changes = [a_change(LONG.format(number), "slower", 1 + number) for number in range(80)]
    assert outside(draw_before_after(a_comparison(*changes))) == []


@given(st.lists(st.tuples(nasty, st.sampled_from(["slower", "faster", "same", "inconclusive"]), st.floats(1e-4, 1e4), st.floats(1, 50)), max_size=6), nasty)  # fmt: skip
def test_nothing_is_cut_off(changes: list[tuple[str, str, float, float]], gate: str) -> None:
    gates = (GateTimes(gate=gate, base_seconds=1.0, head_seconds=1e6),)
    drawn = draw_before_after(a_comparison(*(a_change(*one) for one in changes), gates=gates, head=gate * 5))
    assert outside(drawn) == []
