from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache import (
    Arena,
    ClosedError,
    DtypeError,
    InvalidSizeError,
    MisalignedError,
    OutOfBoundsError,
    OutOfMemoryError,
)


@pytest.mark.parametrize("alignment", [pytest.param(n, id=f"to-{n}") for n in (1, 64, 4096, 2 * 1024 * 1024)])
def test_the_base_is_aligned(alignment: int) -> None:
    arena = Arena(1000, base_alignment=alignment)
    assert arena.view(0, 1000, np.uint8).ctypes.data % alignment == 0
    assert arena.capacity == 1000


def test_the_base_is_aligned_to_64_bytes_unless_told_otherwise() -> None:
    arena = Arena(1)
    assert arena.base_alignment == 64
    assert arena.view(0, 1, np.uint8).ctypes.data % 64 == 0


def test_a_new_arena_is_zero() -> None:
    assert not Arena(4096).view(0, 4096, np.uint8).any()


def test_zero_range_clears_its_bytes_and_no_other() -> None:
    arena = Arena(64)
    arena.view_mut(0, 64, np.uint8)[:] = 7
    arena.zero_range(10, 20)
    assert np.flatnonzero(arena.view(0, 64, np.uint8) == 0).tolist() == list(range(10, 30))


@pytest.mark.parametrize(
    ("offset", "length", "kind"),
    [
        pytest.param(0, 65, OutOfBoundsError, id="too-long"),
        pytest.param(-1, 2, OutOfBoundsError, id="before"),
        pytest.param(65, 0, OutOfBoundsError, id="behind"),
        pytest.param(0, -1, InvalidSizeError, id="negative"),
        pytest.param(0, 1.5, InvalidSizeError, id="not-whole"),
        pytest.param(float("nan"), 1, InvalidSizeError, id="nan"),
    ],
)
def test_zero_range_outside_raises_and_writes_nothing(offset: int, length: int, kind: type[Exception]) -> None:
    arena = Arena(64)
    arena.view_mut(0, 64, np.uint8)[:] = 7
    with pytest.raises(kind):
        arena.zero_range(offset, length)
    assert (arena.view(0, 64, np.uint8) == 7).all()


@pytest.mark.parametrize(
    "dtype", [pytest.param(d, id=d) for d in ("float32", "float16", "bfloat16", "int8", "float64", "complex64")]
)
def test_a_view_of_any_dtype_shares_the_bytes(dtype: str) -> None:
    arena = Arena(256)
    writable, readable = arena.view_mut(64, 4, dtype), arena.view(64, 4, dtype)
    writable[:] = 3
    assert (readable == 3).all()
    assert np.shares_memory(writable, readable)
    assert readable.shape == (4,)


def test_a_view_is_float32_unless_told_otherwise() -> None:
    assert Arena(64).view(0, 16).dtype == np.float32


def test_a_read_only_view_cannot_be_made_writable() -> None:
    view = Arena(64).view(0, 16)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1.0
    with pytest.raises(ValueError, match="WRITEABLE"):
        view.flags.writeable = True


@pytest.mark.parametrize("look", [pytest.param(Arena.view, id="view"), pytest.param(Arena.view_mut, id="view_mut")])
@pytest.mark.parametrize(
    ("offset", "count", "dtype", "kind"),
    [
        pytest.param(0, 17, np.float32, OutOfBoundsError, id="too-long"),
        pytest.param(-4, 1, np.float32, OutOfBoundsError, id="before"),
        pytest.param(0, 2**61, np.float64, OutOfBoundsError, id="bytes-that-would-wrap"),
        pytest.param(2, 1, np.float32, MisalignedError, id="misaligned"),
        pytest.param(4, 1, np.float64, MisalignedError, id="aligned-for-another-dtype"),
        pytest.param(0, -1, np.float32, InvalidSizeError, id="negative-count"),
        pytest.param(0, 1, object, DtypeError, id="objects"),
    ],
)
def test_a_view_outside_of_its_bounds_is_refused(
    look: Callable[..., npt.NDArray[Any]], offset: int, count: int, dtype: npt.DTypeLike, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        look(Arena(64), offset, count, dtype)


def test_a_dtype_that_needs_more_than_the_base_gives_is_refused() -> None:
    with pytest.raises(MisalignedError):
        Arena(64, base_alignment=1).view(0, 1, np.float64)


@pytest.mark.parametrize("capacity", [pytest.param(n, id=f"capacity-{n}") for n in (0, -1, 1.0, float("nan"), "64")])
def test_an_arena_has_a_whole_number_of_bytes(capacity: int) -> None:
    with pytest.raises(InvalidSizeError):
        Arena(capacity)


def test_an_arena_that_nobody_can_give_is_out_of_memory() -> None:
    with pytest.raises(OutOfMemoryError) as caught:
        Arena(2**62)
    assert caught.value.needed == 2**62


def test_a_closed_arena_refuses_use_and_old_views_stay_readable() -> None:
    arena = Arena(64)
    old = arena.view(0, 16)
    arena.close()
    arena.close()
    assert arena.closed
    assert not old.any()
    with pytest.raises(ClosedError):
        arena.view(0, 16)
    with pytest.raises(ClosedError):
        arena.zero_range(0, 64)


@pytest.mark.slow
@given(st.integers(-8, 72), st.integers(-8, 72))
def test_a_view_exists_exactly_where_all_of_its_bytes_do(offset: int, count: int) -> None:
    arena = Arena(64)
    if count >= 0 and 0 <= offset <= 64 - count:
        assert arena.view(offset, count, np.uint8).size == count
    else:
        with pytest.raises((InvalidSizeError, OutOfBoundsError)):
            arena.view(offset, count, np.uint8)
