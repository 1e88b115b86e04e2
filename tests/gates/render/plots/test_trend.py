from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gates.analysis.trends import grouped, trend_of
from gates.render.plots.trend import Group, draw_trend
from gates.results.past import PastResult
from tests.gates.readers.junit.sample import nasty
from tests.gates.render.plots.reading import outside, paths, texts, tips

OUTCOMES = ("passed", "failed", "flaky", "skipped", "interrupted", "quarantined")


def groups(*results: PastResult) -> list[Group]:
    return [(trend_of(members), members) for members in grouped(results)]


def past(gate: str, *outcomes: str, seconds: float = 2.0, tree: str = "") -> list[PastResult]:
    return [
        PastResult(gate, "", f"run-{number}", 86_400.0 * (number + 1), tree or str(number), "main", outcome, seconds)
        for number, outcome in enumerate(outcomes)
    ]


def test_every_run_has_a_mark_and_says_what_it_was() -> None:
    drawing = draw_trend(groups(*past("lint", "passed", "failed", "skipped", "passed", "passed", tree="t")))
    assert (len(paths(drawing, "mark passed")), len(paths(drawing, "mark failed"))) == (
        3 + 1,
        1 + 1,
    )  # and the legend's
    assert "failed in 2.00s, 1970-01-03 on main, run run-1" in tips(drawing)
    assert "5 runs, 1970-01-02 to 1970-01-06, the latest at the right." in texts(drawing)
    assert "usually 2.00s; failed in 1 of 4 runs: 25% (5% to 70%); flaky in 1: 25% (5% to 70%)" in texts(drawing)
    assert len(paths(drawing, "median")) == 2
    assert len(paths(drawing, "band")) == 1


def test_gates_share_the_runs_from_left_to_right() -> None:
    one, other = past("a", "passed", "passed", "passed"), past("b", "passed", "passed", "passed")[2:]
    marks = paths(draw_trend(groups(*one, *other)), "mark passed")[1:]
    assert marks[2].partition(" ")[0] == marks[3].partition(" ")[0]


def test_one_run_and_none_are_drawn_too() -> None:
    assert outside(draw_trend(groups(*past("lint", "passed")))) == []
    assert "1 run, 1970-01-02, the latest at the right." in texts(draw_trend(groups(*past("lint", "passed"))))
    assert "No finished run is recorded yet." in texts(draw_trend([]))


def test_a_gate_whose_last_run_failed_is_told_apart() -> None:
    drawing = draw_trend(groups(*past("a", "passed", "failed"), *past("b", "failed", "passed")))
    assert len(texts(drawing, "alarm")) == 1


@given(
    st.lists(
        st.tuples(nasty, st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=12), st.floats(0, 1e7)), max_size=4
    )
)
def test_nothing_is_cut_off(given_: list[tuple[str, list[str], float]]) -> None:
    results = [one for name, outcomes, seconds in given_ for one in past(name, *outcomes, seconds=seconds)]
    assert outside(draw_trend(groups(*results))) == []
