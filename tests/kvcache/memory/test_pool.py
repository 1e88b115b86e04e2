import numpy as np
import pytest

from kvcache import ClosedError, DoubleFreeError, MemoryPool, MisalignedError, OutOfBoundsError, OutOfMemoryError


def test_float32_slices_share_the_bytes_of_the_arena() -> None:
    pool = MemoryPool(1024)
    span = pool.allocate(64)
    pool.f32_slice_mut(span.offset, 16)[:] = np.arange(16, dtype=np.float32)
    readable = pool.f32_slice(span.offset, 16)
    assert readable.tolist() == list(range(16))
    assert not readable.flags.writeable
    assert np.shares_memory(readable, pool.view_mut(span.offset, 64, np.uint8))


def test_slices_check_bounds_and_alignment() -> None:
    pool = MemoryPool(64)
    with pytest.raises(OutOfBoundsError):
        pool.f32_slice(0, 17)
    with pytest.raises(MisalignedError):
        pool.f32_slice_mut(1, 1)


@pytest.mark.parametrize("alignment", [pytest.param(n, id=f"to-{n}") for n in (8, 64, 4096)])
def test_a_span_is_aligned_in_memory_and_not_only_in_the_arena(alignment: int) -> None:
    pool = MemoryPool(3 * 4096, alignment=alignment)
    pool.allocate(1)
    span = pool.allocate(64)
    assert pool.view(span.offset, 64, np.uint8).ctypes.data % alignment == 0


def test_writing_one_span_leaves_its_neighbour_alone() -> None:
    pool = MemoryPool(128)
    first, second = pool.allocate(64), pool.allocate(64)
    pool.f32_slice_mut(first.offset, 16)[:] = 1
    assert not pool.f32_slice(second.offset, 16).any()
    pool.f32_slice_mut(second.offset, 16)[:] = 2
    pool.zero_range(first.offset, first.length)
    assert (pool.f32_slice(second.offset, 16) == 2).all()


def test_used_and_free_always_add_up_to_the_capacity() -> None:
    pool = MemoryPool(1024)
    assert (pool.used, pool.free, pool.largest_free, pool.fragmentation) == (0, 1024, 1024, 0.0)
    spans = [pool.allocate(256) for _ in range(4)]
    assert (pool.used, pool.free, pool.largest_free) == (1024, 0, 0)
    with pytest.raises(OutOfMemoryError):
        pool.allocate(1)
    pool.deallocate(spans[0])
    pool.deallocate(spans[2])
    assert (pool.used, pool.free, pool.largest_free, pool.fragmentation) == (512, 512, 256, 0.5)
    assert pool.live_spans() == (spans[1], spans[3])
    assert pool.free_spans() == (spans[0], spans[2])
    pool.check()


def test_a_closed_pool_hands_nothing_out_and_still_takes_back() -> None:
    pool = MemoryPool(64)
    span = pool.allocate(64)
    pool.close()
    assert pool.closed
    with pytest.raises(ClosedError):
        pool.allocate(1)
    with pytest.raises(ClosedError):
        pool.f32_slice(0, 1)
    pool.deallocate(span)
    assert not pool.is_live(span)
    with pytest.raises(DoubleFreeError):
        pool.deallocate(span)
