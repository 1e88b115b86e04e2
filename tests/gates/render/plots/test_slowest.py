from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.values import TestOutcome
from gates.render.plots.slowest import draw_slowest
from tests.gates.readers.junit.sample import a_run, a_test, nasty
from tests.gates.render.plots.reading import outside, paths, rects, texts, tips

LONG = "tests/gates/storage/test_history.py::test_a_killed_writer_leaves_whole_runs_only_and_each_once[a-parameter-that-is-long-{}]"


def test_the_slowest_come_first_and_their_bars_have_the_length_of_their_times() -> None:
    tests = [a_test(f"t{seconds}", duration=seconds) for seconds in (1.0, 4.0, 2.0)]
    drawing = draw_slowest(a_run(), tests, shown=2)
    first, second = rects(drawing, "passed")
    assert first["width"] == pytest.approx(2 * second["width"], abs=0.2)
    assert texts(drawing, "name") == [tests[1].id, tests[2].id]
    assert "2 tests of 3: 86% of the 7.00s that all of them take together." in texts(drawing)


def test_a_failed_test_says_so_and_the_usual_time_is_drawn_with_its_interval() -> None:
    one = a_test("t", TestOutcome.FAILED, duration=2.0)
    drawing = draw_slowest(a_run(), [one], {(one.gate, one.id): (1.0, 0.5)})
    assert "2.00s ✗ failed" in texts(drawing, "alarm")
    assert tips(drawing) == [f"{one.id}: 2.00s ✗ failed, usually 1.00s ± 0.50s"]
    bar = rects(drawing, "failed")[0]
    *_, usual = paths(drawing, "whisker")
    low, high = (bar["x"] + bar["width"] * share for share in (0.25, 0.75))
    assert usual.startswith(f"M{low:.1f} ")
    assert f"H{high:.1f}M" in usual


def test_without_times_there_is_nothing_to_draw() -> None:
    for tests in ([], [a_test("t", duration=0.0)]):
        assert "No test of this run took any time." in texts(draw_slowest(a_run(), tests))


def test_eighty_tests_with_long_names_are_not_cut_off() -> None:
    tests = [a_test(id=LONG.format(number), duration=number + 1.0) for number in range(80)]
    drawing = draw_slowest(a_run(), tests, {(one.gate, one.id): (100.0, 50.0) for one in tests}, shown=80)
    assert outside(drawing) == []
    assert "".join(texts(drawing, "name")) == "".join(one.id for one in reversed(tests))


@given(st.lists(st.tuples(nasty, st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6)), max_size=6))
def test_nothing_is_cut_off(given_: list[tuple[str, float, float, float]]) -> None:
    tests = [a_test(id=name, duration=seconds) for name, seconds, _, _ in given_]
    usual = {("test", name): (median, spread) for name, _, median, spread in given_}
    assert outside(draw_slowest(a_run(), tests, usual)) == []
