import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache import Arena, InvalidSizeError
from kvcache.memory.dirty_pages import PAGE, DirtyPages

SIZE = 8 * PAGE


def test_a_new_mapping_is_known_to_be_zero_and_the_heap_is_not() -> None:
    assert Arena(SIZE).is_zero(0, SIZE)
    heap = Arena(SIZE, backing="heap")
    assert not heap.is_zero(0, SIZE)
    assert heap.dirty_watermark == SIZE
    heap.zero_range(0, SIZE)
    assert heap.is_zero(0, SIZE)
    assert not heap.view(0, SIZE, np.uint8).any()


def test_an_unknown_backing_is_refused() -> None:
    with pytest.raises(InvalidSizeError, match="'mapping' or 'heap'"):
        Arena(SIZE, backing="disk")  # type: ignore[arg-type]


def test_the_watermark_lies_behind_the_last_page_that_was_written_to() -> None:
    arena = Arena(SIZE)
    assert arena.dirty_watermark == 0
    arena.view_mut(PAGE + 8, 1, np.uint8)[:] = 1
    assert arena.dirty_watermark == 2 * PAGE
    assert arena.is_zero(0, PAGE)
    assert not arena.is_zero(PAGE, 1)
    assert arena.is_zero(2 * PAGE, 6 * PAGE)


def test_fresh_pages_are_not_zeroed_again() -> None:
    arena = Arena(SIZE)
    secret = arena.view_unmarked(0, SIZE, np.uint8)
    secret[PAGE] = 7  # against the rules, so that it shows who writes
    arena.zero_range(0, SIZE)
    assert secret[PAGE] == 7
    arena.mark_dirty(PAGE, 1)
    arena.zero_range(0, SIZE)
    assert secret[PAGE] == 0


def test_a_page_that_was_zeroed_is_not_zeroed_twice_unless_somebody_may_still_write_to_it() -> None:
    arena = Arena(SIZE)
    arena.mark_dirty(0, PAGE)
    handed_out = arena.view_mut(PAGE, PAGE, np.uint8)
    arena.zero_range(0, PAGE)
    arena.zero_range(PAGE, PAGE)
    assert arena.is_zero(0, PAGE)
    assert not arena.is_zero(PAGE, PAGE)
    handed_out[:] = 5
    arena.zero_range(PAGE, PAGE)
    assert not handed_out.any()


RANGES = st.tuples(st.integers(0, SIZE), st.integers(0, SIZE)).map(sorted)


@given(st.lists(st.tuples(RANGES, st.booleans()), max_size=12), RANGES)
def test_what_is_not_in_a_run_is_zero(steps: list[tuple[list[int], bool]], asked: list[int]) -> None:
    pages, model = DirtyPages(SIZE, dirty=False), np.zeros(SIZE, dtype=bool)
    for (start, end), writing in steps:
        if writing:
            pages.mark(start, end)
        else:
            pages.zeroed(start, end)
        model[start:end] = writing
    covered = np.zeros(SIZE, dtype=bool)
    last = asked[0]
    for start, end in pages.runs(*asked):
        assert last <= start < end <= asked[1]
        covered[start:end] = True
        last = end
    assert not (model & ~covered)[asked[0] : asked[1]].any()
    assert pages.any(*asked) or not covered.any()
    assert not model[pages.watermark :].any()
