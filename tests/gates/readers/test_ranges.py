from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gates.readers.ranges import from_ranges, to_ranges


@given(st.frozensets(st.integers(1, 60)))
def test_what_is_written_is_read_again(lines: frozenset[int]) -> None:
    assert from_ranges(to_ranges(lines)) == lines


def test_neighbours_are_written_as_one() -> None:
    assert to_ranges([9, 1, 2, 3, 3]) == "1-3,9"
    assert to_ranges([]) == ""
