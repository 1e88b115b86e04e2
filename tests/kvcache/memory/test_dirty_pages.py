import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache import Arena, InvalidSizeError
from kvcache.memory.dirty_pages import PAGE, DirtyPages
from kvcache.memory.sealed import SealedRows

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


def test_a_range_that_shows_sealed_rows_is_zeroed_without_touching_them() -> None:
    arena = Arena(SIZE, base_alignment=PAGE)
    if not arena.can_share:
        pytest.skip("no other system has sealed files of memory")
    rows = SealedRows(PAGE)
    rows.keep(np.full(PAGE, 7, np.uint8))
    rows.seal()
    for _ in range(2):
        arena.show(rows, PAGE, PAGE, stride=PAGE)
        view = arena.view(PAGE, PAGE, np.uint8)
        assert (view == 7).all()
        assert arena.resident == 0
        arena.mark_dirty(PAGE, PAGE)
        assert arena.resident == PAGE
        arena.zero_range(0, SIZE)
        assert not view.any()
        assert arena.is_zero(0, SIZE)
        assert arena.resident == 0
    arena.show(rows, PAGE, PAGE, stride=PAGE)
    arena.mark_pages(arena.clean_rows(PAGE, PAGE, rows=1, stride=PAGE))
    assert arena.resident == PAGE
    assert arena.release(0, SIZE) == PAGE
    assert not arena.view(PAGE, PAGE, np.uint8).any(), "a page that was written to is mapped as a sealed one is"
    rows.close()
