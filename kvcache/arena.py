"""Own the bytes: one contiguous buffer, zeroed and viewed within checked bounds.

The arena knows no free list and no sessions. Whoever holds an offset may look at it; who holds which offset is the business of
the floors above.
"""

from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from kvcache import checks
from kvcache.errors import ClosedError, MisalignedError, OutOfMemoryError
from kvcache.values import CACHE_LINE, MAX_BYTES, Array


class Arena:
    """One buffer of `capacity` bytes, all zero at first, whose base address is a multiple of `base_alignment`.

    Offsets and lengths are in bytes, counted from the base.

    Raises:
        InvalidSizeError: `capacity` is not a whole number above 0, or `base_alignment` not a power of two.
        OutOfMemoryError: the operating system has no such buffer to give.
    """

    def __init__(self, capacity: SupportsIndex, *, base_alignment: SupportsIndex = CACHE_LINE) -> None:
        self._capacity = checks.whole_number("arena capacity", capacity, minimum=1)
        self._base_alignment = checks.power_of_two("arena base alignment", base_alignment)
        buffer = _allocate_buffer(self._capacity, self._base_alignment)
        self._writable: Array | None = buffer
        # Made from a read-only buffer, not from an array: NumPy lets the flag of an array's view be switched back on.
        self._readable: Array | None = np.frombuffer(buffer.data.toreadonly(), dtype=np.uint8)

    @property
    def capacity(self) -> int:
        """Bytes in the buffer."""
        return self._capacity

    @property
    def base_alignment(self) -> int:
        """What the base address is a multiple of, in bytes."""
        return self._base_alignment

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._writable is None

    def zero_range(self, offset: SupportsIndex, length: SupportsIndex) -> None:
        """Set `length` bytes from `offset` on to zero; a length of 0 does nothing.

        Raises:
            InvalidSizeError: not whole numbers, or a negative length.
            OutOfBoundsError: the range leaves the arena; nothing was written.
            ClosedError: the arena is closed.
        """
        buffer = self._open(self._writable)
        start, size = checks.byte_range("zero_range", offset, length, capacity=self._capacity)
        buffer[start : start + size].fill(0)

    def view(self, offset: SupportsIndex, count: SupportsIndex, dtype: npt.DTypeLike = np.float32) -> Array:
        """Look at `count` elements from `offset` on without a copy, and without the right to write.

        Returns:
            Shape [count]; it shares the arena's memory and its write flag cannot be switched on.

        Raises:
            InvalidSizeError: not whole numbers, or a negative count.
            DtypeError: not a dtype of plain bytes.
            OutOfBoundsError: the range leaves the arena.
            MisalignedError: `offset` is no multiple of the dtype's alignment.
            ClosedError: the arena is closed.
        """
        return self._typed(self._open(self._readable), offset, count, dtype)

    def view_mut(self, offset: SupportsIndex, count: SupportsIndex, dtype: npt.DTypeLike = np.float32) -> Array:
        """Look at `count` elements from `offset` on without a copy, and write to them.

        Returns:
            Shape [count]; it shares the arena's memory.

        Raises:
            InvalidSizeError, DtypeError, OutOfBoundsError, MisalignedError, ClosedError: as for `view`.
        """
        return self._typed(self._open(self._writable), offset, count, dtype)

    def close(self) -> None:
        """Let go of the buffer. Views that are still held keep their memory alive, so that none of them dangles."""
        self._writable = self._readable = None

    def _typed(self, buffer: Array, offset: SupportsIndex, count: SupportsIndex, spec: npt.DTypeLike) -> Array:
        dtype = checks.dtype_of("view", spec)
        elements = checks.whole_number("view: count", count, minimum=0)
        # The product may pass MAX_BYTES; clamped it is still larger than any arena, so that the bounds are what fails.
        length = min(elements * dtype.itemsize, MAX_BYTES)
        start, size = checks.byte_range("view", offset, length, capacity=self._capacity)
        # The base is a multiple of a power of two; a dtype that needs more than that is refused as a whole.
        if start % dtype.alignment or dtype.alignment > self._base_alignment:
            expected = f"an offset that is a multiple of {dtype.alignment} for {dtype}"
            raise MisalignedError("view", expected=expected, got=start)
        typed: Array = buffer[start : start + size].view(dtype)
        return typed

    def _open(self, buffer: Array | None) -> Array:
        if buffer is None:
            raise ClosedError("arena", expected="an open arena", got="closed")
        return buffer


def _allocate_buffer(capacity: int, base_alignment: int) -> Array:
    """Get `capacity` zero bytes at a multiple of `base_alignment`.

    `np.zeros` leaves fresh pages to the operating system, so bytes that nobody touches cost no memory.
    """
    try:
        raw = np.zeros(capacity + base_alignment - 1, dtype=np.uint8)
    except (MemoryError, ValueError) as problem:
        error = OutOfMemoryError("arena buffer", needed=capacity, free=0, largest=0, capacity=capacity)
        raise error from problem
    start = -raw.ctypes.data % base_alignment
    return raw[start : start + capacity]
