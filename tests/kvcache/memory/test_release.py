"""Pages go back to the system, and are zero when they come again."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache import SYSTEM_PAGE, Arena, ClosedError, MemoryPool, OutOfBoundsError
from kvcache.memory.dirty_pages import PAGE, DirtyPages

linux = pytest.mark.skipif(sys.platform != "linux", reason="no other system promises zeros")


def resident_bytes(view: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> int:
    """What the system itself says of a mapping that begins where `view` does."""
    address = f"{view.ctypes.data:x}-"
    with Path("/proc/self/smaps").open() as file:
        lines = iter(file)
        for line in lines:
            if line.startswith(address):
                return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss:"))
    raise AssertionError("no such mapping")


@linux
def test_released_pages_are_zero_and_take_no_memory() -> None:
    arena = Arena(64 * PAGE, base_alignment=SYSTEM_PAGE)
    view = arena.view_unmarked(0, 64 * PAGE, np.uint8)
    arena.mark_dirty(0, 64 * PAGE)
    view[:] = 7
    assert arena.resident == 64 * PAGE
    assert arena.release(0, 60 * PAGE) == 60 * PAGE
    assert arena.resident == 4 * PAGE
    assert not view[: 60 * PAGE].any()
    assert (view[60 * PAGE :] == 7).all()
    assert arena.is_zero(0, 60 * PAGE)


@linux
def test_the_system_agrees() -> None:
    size = 1024 * PAGE
    arena = Arena(size + PAGE, base_alignment=SYSTEM_PAGE)
    arena.mark_dirty(0, size)
    view = arena.view_unmarked(0, size, np.uint8)
    view[:] = 7
    before = resident_bytes(view)
    assert before >= size
    arena.release(0, size)
    assert resident_bytes(view) <= before - size


@linux
def test_parts_of_pages_stay() -> None:
    arena = Arena(4 * PAGE)
    view = arena.view_mut(0, 4 * PAGE, np.uint8)
    view[:] = 7
    arena.release(PAGE - 1, PAGE + 2)
    assert not view[PAGE : 2 * PAGE].any()
    assert (np.delete(view, range(PAGE, 2 * PAGE)) == 7).all()
    assert arena.release(1, 5) == 0


def test_a_page_that_somebody_may_write_to_still_counts() -> None:
    arena = Arena(4 * PAGE)
    view = arena.view_mut(0, PAGE, np.uint8)
    view[:] = 7
    assert arena.release(0, 4 * PAGE) == 0
    assert arena.resident == PAGE
    view[:] = 8
    arena.zero_range(0, PAGE)
    assert not view.any()


def test_the_heap_gives_nothing_back() -> None:
    arena = Arena(4 * PAGE, backing="heap")
    assert not arena.can_release
    assert arena.release(0, 4 * PAGE) == 0
    assert arena.resident == 4 * PAGE


def test_a_range_outside_is_refused() -> None:
    arena = Arena(PAGE)
    with pytest.raises(OutOfBoundsError):
        arena.release(0, PAGE + 1)
    arena.close()
    with pytest.raises(ClosedError):
        arena.release(0, PAGE)


@linux
def test_a_pool_trims_what_is_free_and_nothing_else() -> None:
    pool = MemoryPool(8 * PAGE, alignment=SYSTEM_PAGE)
    kept, gone = pool.allocate(2 * PAGE), pool.allocate(3 * PAGE)
    for span in (kept, gone):
        pool.mark_dirty(span.offset, span.length)
        pool.view_unmarked(span.offset, span.length, np.uint8)[:] = 7
    pool.deallocate(gone)
    assert pool.trim() == 3 * PAGE
    assert pool.resident == 2 * PAGE
    assert (pool.view(kept.offset, kept.length, np.uint8) == 7).all()
    pool.close()
    with pytest.raises(ClosedError):
        pool.trim()


@given(
    start=st.integers(0, 3 * PAGE),
    length=st.integers(1, 2 * PAGE),
    rows=st.integers(1, 5),
    stride=st.integers(1, 3 * PAGE),
    before=st.lists(st.integers(0, 19), max_size=8),
)
def test_pages_of_rows_are_those_that_each_row_touches(
    start: int, length: int, rows: int, stride: int, before: list[int]
) -> None:
    pages, model = DirtyPages(20 * PAGE, dirty=False), set(before)
    for page in before:
        pages.mark(page * PAGE, page * PAGE + 1)
    touched = {
        page
        for row in range(rows)
        for page in range((start + row * stride) // PAGE, (start + row * stride + length - 1) // PAGE + 1)
    }
    clean = pages.clean_rows(start, length, rows=rows, stride=stride)
    assert clean.tolist() == sorted(touched - model)
    pages.mark_pages(clean)
    assert pages.dirty == len(touched | model) * PAGE
    assert pages.watermark == (max(touched | model) + 1) * PAGE
    assert len(pages.clean_rows(start, length, rows=rows, stride=stride)) == 0
