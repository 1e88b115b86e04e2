"""Join bytes and free space: a pool hands out spans of one arena and typed views of them."""

from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from kvcache.allocator import Allocator
from kvcache.arena import Arena
from kvcache.errors import ClosedError
from kvcache.values import CACHE_LINE, Array, Span


class MemoryPool:
    """An arena and the allocator over it.

    Offsets, sizes and lengths are in bytes, counts in elements. Not thread-safe: its owner has the lock.

    Raises:
        InvalidSizeError: `capacity` is not a whole number above 0, or `alignment` not a power of two.
        OutOfMemoryError: the operating system has no such buffer to give.
    """

    def __init__(self, capacity: SupportsIndex, *, alignment: SupportsIndex = CACHE_LINE) -> None:
        self._allocator = Allocator(capacity, alignment=alignment)
        # An offset is aligned in memory only as far as the base is.
        self._arena = Arena(capacity, base_alignment=max(CACHE_LINE, int(alignment)))

    @property
    def capacity(self) -> int:
        """Bytes altogether."""
        return self._allocator.capacity

    @property
    def used(self) -> int:
        """Bytes in live spans."""
        return self._allocator.used

    @property
    def free(self) -> int:
        """Bytes in free spans."""
        return self._allocator.free

    @property
    def largest_free(self) -> int:
        """Bytes of the largest free span."""
        return self._allocator.largest_free

    @property
    def fragmentation(self) -> float:
        """1 - largest_free / free; 0.0 when nothing is free."""
        return self._allocator.fragmentation

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._arena.closed

    def allocate(self, size: SupportsIndex, *, alignment: SupportsIndex | None = None) -> Span:
        """Hand out `size` bytes; what they hold is whatever was there before.

        Raises:
            InvalidSizeError: `size` is not a whole number above 0, or `alignment` not a power of two.
            OutOfMemoryError: no free span holds the request.
            ClosedError: the pool is closed.
        """
        if self.closed:
            raise ClosedError("allocate", expected="an open pool", got="closed")
        return self._allocator.allocate(size, alignment=alignment)

    def deallocate(self, span: Span) -> None:
        """Take `span` back. Works on a closed pool too, so that cleaning up needs no order.

        Raises:
            DoubleFreeError: it was taken back before.
            ForeignSpanError: it was never handed out here, or was altered since.
        """
        self._allocator.deallocate(span)

    def is_live(self, span: object) -> bool:
        """Whether `span` was handed out here and not yet taken back."""
        return self._allocator.is_live(span)

    def live_spans(self) -> tuple[Span, ...]:
        """The spans that are handed out, by offset."""
        return self._allocator.live_spans()

    def free_spans(self) -> tuple[Span, ...]:
        """The spans that are free, by offset."""
        return self._allocator.free_spans()

    def zero_range(self, offset: SupportsIndex, length: SupportsIndex) -> None:
        """Set `length` bytes from `offset` on to zero.

        Raises:
            InvalidSizeError, OutOfBoundsError, ClosedError: as for `Arena.zero_range`.
        """
        self._arena.zero_range(offset, length)

    def view(self, offset: SupportsIndex, count: SupportsIndex, dtype: npt.DTypeLike) -> Array:
        """Look at `count` elements from `offset` on, read-only and without a copy.

        Returns:
            Shape [count].

        Raises:
            InvalidSizeError, DtypeError, OutOfBoundsError, MisalignedError, ClosedError: as for `Arena.view`.
        """
        return self._arena.view(offset, count, dtype)

    def view_mut(self, offset: SupportsIndex, count: SupportsIndex, dtype: npt.DTypeLike) -> Array:
        """Look at `count` elements from `offset` on and write to them, without a copy.

        Returns:
            Shape [count].

        Raises:
            InvalidSizeError, DtypeError, OutOfBoundsError, MisalignedError, ClosedError: as for `Arena.view`.
        """
        return self._arena.view_mut(offset, count, dtype)

    def f32_slice(self, offset: SupportsIndex, count: SupportsIndex) -> npt.NDArray[np.float32]:
        """`view` of float32."""
        return self._arena.view(offset, count, np.float32)

    def f32_slice_mut(self, offset: SupportsIndex, count: SupportsIndex) -> npt.NDArray[np.float32]:
        """`view_mut` of float32."""
        return self._arena.view_mut(offset, count, np.float32)

    def check(self) -> None:
        """Prove the allocator's invariants.

        Raises:
            IntegrityError: one of them does not hold.
        """
        self._allocator.check()

    def close(self) -> None:
        """Let go of the bytes; a second time does nothing."""
        self._arena.close()
