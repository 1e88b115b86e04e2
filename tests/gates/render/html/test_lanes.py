from __future__ import annotations

from gates.portable.values import TestOutcome
from gates.render.html.lanes import MOST, Lane, lanes
from gates.results import TestResult
from tests.gates.readers.junit.sample import NOON, a_gate, a_run, a_test


def ran(worker: str, start: float, seconds: float = 1.0, outcome: TestOutcome = TestOutcome.PASSED) -> TestResult:
    return a_test(f"{worker}{start}", outcome, worker=worker, started=NOON + start, duration=seconds)


RUN = a_run(gates=(a_gate(duration=99.0, started=NOON),), duration=99.0)


def test_tests_without_a_visible_gap_are_one_stretch_and_failures_stand_out() -> None:
    tests = [
        ran("gw1", 50.0),
        ran("gw0", 0.0),
        ran("gw0", 1.1),
        ran("gw0", 20.0),
        ran("gw0", 21.0, 2.0, TestOutcome.FAILED),
    ]
    assert lanes(RUN, tests, NOON) == (
        Lane("test", "gw0", 4, ((0.0, 2.1, False), (20.0, 1.0, False), (21.0, 2.0, True))),
        Lane("test", "gw1", 1, ((50.0, 1.0, False),)),
    )  # fmt: skip


def test_workers_stand_in_the_order_of_their_numbers() -> None:
    tests = [ran(f"gw{number}", 0.0) for number in (10, 2, 1)]
    assert [lane.worker for lane in lanes(RUN, tests, NOON)] == ["gw1", "gw2", "gw10"]


def test_a_gate_without_workers_has_no_lanes() -> None:
    assert lanes(RUN, [ran("", 0.0), ran("", 5.0)], NOON) == ()


def test_a_test_that_never_began_or_took_an_impossible_time_is_in_no_lane() -> None:
    odd = [a_test("a", worker="gw0", started=0.0), ran("gw0", 1.0, float("nan")), ran("gw0", 1.0, 1e12)]
    assert [lane.tests for lane in lanes(RUN, [*odd, ran("gw0", 3.0), ran("gw1", 3.0)], NOON)] == [1, 1]


def test_a_large_run_has_no_lanes() -> None:
    assert lanes(RUN, [ran("gw0", 0.0), ran("gw1", 0.0)] * MOST, NOON) == ()
