from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.values import GateOutcome
from gates.render.plots.waterfall import draw_waterfall
from tests.gates.readers.junit.sample import NOON, a_gate, a_run, nasty
from tests.gates.render.plots.reading import outside, rects, texts, tips


def test_bars_are_where_gates_ran_and_say_how_long() -> None:
    gates = (a_gate("a", started=NOON, duration=2.0), a_gate("b", started=NOON + 2, duration=8.0))
    drawing = draw_waterfall(a_run(gates=gates, duration=10.0, jobs=2))
    first, second = rects(drawing, "passed")
    assert second["x"] == pytest.approx(first["x"] + first["width"], abs=0.2)
    assert second["width"] == pytest.approx(4 * first["width"], abs=0.5)
    assert "2 gates in 10.0s, up to 2 at once." in texts(drawing)
    assert {"2.00s", "8.00s", "0", "10s"} <= set(texts(drawing))


@pytest.mark.parametrize(
    ("outcome", "kind", "said"),
    [
        (GateOutcome.PASSED, "passed", "3.00s"),
        (GateOutcome.FAILED, "failed", "3.00s ✗ failed"),
        (GateOutcome.TIMEOUT, "failed", "3.00s ✗ timeout"),
        (GateOutcome.COULD_NOT_RUN, "other", "3.00s could not run"),
        (GateOutcome.INTERRUPTED, "other", "3.00s interrupted"),
    ],
)
def test_how_a_gate_ended_is_written_beside_its_bar(outcome: GateOutcome, kind: str, said: str) -> None:
    drawing = draw_waterfall(a_run(gates=(a_gate("a", outcome, started=NOON, duration=3.0, reason="because"),)))
    assert len(rects(drawing, kind)) == 1
    assert said in texts(drawing)
    assert tips(drawing) == [f"a: {said}, because"]


def test_a_gate_that_did_not_start_has_no_bar_and_a_run_without_gates_says_so() -> None:
    drawing = draw_waterfall(a_run(gates=(a_gate("a", GateOutcome.SKIPPED, started=0.0, duration=0.0),)))
    assert "did not start, skipped" in texts(drawing)
    assert not rects(drawing, "other")
    assert "No gate ended in this run." in texts(draw_waterfall(a_run(gates=())))


@given(st.lists(st.tuples(nasty, st.sampled_from(list(GateOutcome)), st.floats(0, 1e6), st.floats(0, 1e6)), max_size=8))
def test_nothing_is_cut_off(gates: list[tuple[str, GateOutcome, float, float]]) -> None:
    made = [a_gate(name, outcome, started=NOON + at, duration=lasts) for name, outcome, at, lasts in gates]
    assert outside(draw_waterfall(a_run(gates=tuple(made)))) == []
