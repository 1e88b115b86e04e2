from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.run.estimate import seconds_left


@pytest.mark.parametrize(
    ("expected", "begun", "ended", "jobs", "left"),
    [
        ({"a": 10.0}, {}, (), 1, 10.0),
        ({"a": 10.0, "b": 5.0}, {}, (), 1, 15.0),
        ({"a": 10.0, "b": 5.0}, {}, (), 2, 10.0),
        ({"a": 10.0, "b": 5.0}, {"a": 96.0}, (), 2, 6.0),
        ({"a": 10.0, "b": 5.0, "c": 5.0}, {"a": 96.0}, (), 2, 10.0),
        ({"a": 10.0, "b": 5.0}, {"a": 80.0}, (), 1, 5.0),
        ({"a": 10.0, "b": 5.0}, {"a": 80.0}, ("a",), 1, 5.0),
        ({"a": 10.0, "b": None}, {}, (), 1, None),
        ({"a": 10.0, "b": None}, {}, ("b",), 1, 10.0),
        ({"a": 10.0}, {}, ("a",), 1, 0.0),
        ({}, {}, (), 1, 0.0),
    ],
)
def test_gates_take_the_slots_as_these_become_free(
    expected: dict[str, float | None], begun: dict[str, float], ended: tuple[str, ...], jobs: int, left: float | None
) -> None:
    assert seconds_left(expected, begun, ended, jobs, now=100.0) == left


@given(st.dictionaries(st.text(max_size=2), st.floats(0.1, 1000.0), max_size=8), st.integers(1, 4))
def test_a_run_takes_at_least_its_longest_gate_and_at_most_all_of_them(expected: dict[str, float], jobs: int) -> None:
    left = seconds_left(expected, {}, (), jobs, now=0.0)
    assert left is not None
    assert max(expected.values(), default=0.0) - 1e-6 <= left <= sum(expected.values()) + 1e-6
