from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gates.render.plots.flakes import draw_flakes
from gates.results.past import PastResult
from tests.gates.readers.junit.sample import nasty
from tests.gates.render.plots.reading import outside, paths, rects, texts, tips
from tests.gates.render.plots.test_slowest import LONG
from tests.gates.render.plots.test_trend import OUTCOMES, groups


def past(test: str, *outcomes: str, trees: str = "") -> list[PastResult]:
    return [
        PastResult("test", test, f"run-{number}", 86_400.0 * (number + 1), trees[number : number + 1] or str(number), "main", outcome, 1.0, "E @ x" if outcome == "failed" else "")
        for number, outcome in enumerate(outcomes)
    ]  # fmt: skip


def test_the_flakiest_come_first_and_each_outcome_has_a_form_of_its_own() -> None:
    steady = past("a.py::steady", "failed", "failed", "failed", "failed")
    shaky = past("a.py::shaky", "passed", "failed", "flaky", "quarantined", trees="aabb")
    drawing = draw_flakes(groups(*steady, *shaky))
    assert texts(drawing, "name") == ["a.py::shaky", "a.py::steady"]
    # Each with one of the legend.
    assert [len(rects(drawing, kind)) for kind in ("failed", "forgiven")] == [1 + 5, 1 + 1]
    assert len(paths(drawing, "half")) == 1 + 1
    assert len(paths(drawing, "calm")) == 1
    assert "failed, 1970-01-03 on main, run run-1: E @ x" in tips(drawing)
    assert "flaky in 3 of 4 runs: 75% (30% to 95%)" in tips(drawing)
    assert "flaky in 0 of 4 runs: 0% (0% to 49%)" in tips(drawing)


def test_runs_on_the_same_tree_are_joined() -> None:
    drawing = draw_flakes(groups(*past("t", "passed", "failed", "failed", trees="aab")))
    joined, alone = rects(drawing, "shade")[-2:]
    assert joined["width"] > 2 * alone["width"]


def test_if_nothing_failed_the_picture_says_so() -> None:
    assert "No test failed or flaked in the recorded runs." in texts(draw_flakes([]))


def test_eighty_tests_with_long_names_are_not_cut_off() -> None:
    results = [one for number in range(80) for one in past(LONG.format(number), *["passed", "failed"] * 50)]
    drawing = draw_flakes(groups(*results))
    assert outside(drawing) == []
    assert sum(name.startswith("tests/gates/storage") for name in texts(drawing, "name")) == 80


def test_what_is_left_out_is_counted() -> None:
    results = [one for number in range(5) for one in past(f"t{number}", "failed")]
    drawing = draw_flakes(groups(*results), shown=3)
    assert len(texts(drawing, "name")) == 3
    assert "5 tests in 1 run, 1970-01-02, the latest at the right." in texts(drawing)
    assert "The 3 flakiest are shown." in texts(drawing)


@given(st.lists(st.tuples(nasty, st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=60)), max_size=5))
def test_nothing_is_cut_off(given_: list[tuple[str, list[str]]]) -> None:
    assert outside(draw_flakes(groups(*(one for name, outcomes in given_ for one in past(name, *outcomes))))) == []
