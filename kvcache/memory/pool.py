"""Join bytes and free space: a pool hands out spans of one arena and typed views of them."""

from typing import SupportsIndex

import numpy as np
import numpy.typing as npt

from kvcache import checks
from kvcache.errors import ClosedError
from kvcache.memory.allocator import Allocator
from kvcache.memory.arena import Arena, Backing
from kvcache.memory.sealed import SealedRows
from kvcache.values import CACHE_LINE, Array, Span, Unique


class MemoryPool(Unique):
    """An arena and the allocator over it.

    Offsets, sizes and lengths are in bytes, counts in elements. Not thread-safe: its owner has the lock.

    Args:
        capacity: bytes of the arena, rounded down to a multiple of `alignment`.
        alignment: bytes; what offsets and sizes of blocks are multiples of.
        base_alignment: bytes; what the address of the arena is a multiple of, at least; see `SYSTEM_PAGE` and `HUGE_PAGE`.
        backing: where the bytes come from.

    Raises:
        InvalidSizeError: `capacity` is not a whole number of at least `alignment`, or an alignment no power of two.
        OutOfMemoryError: the operating system has no such buffer to give.
    """

    def __init__(
        self,
        capacity: SupportsIndex,
        *,
        alignment: SupportsIndex = CACHE_LINE,
        base_alignment: SupportsIndex = CACHE_LINE,
        backing: Backing = "mapping",
    ) -> None:
        self._allocator = Allocator(capacity, alignment=alignment)
        # An offset is aligned in memory only as far as the base is.
        base = max(checks.power_of_two("pool base alignment", base_alignment), self._allocator.alignment)
        self._sealed = set[SealedRows]()
        self._arena = Arena(self._allocator.capacity, base_alignment=base, backing=backing)

    @property
    def capacity(self) -> int:
        """Bytes altogether."""
        return self._allocator.capacity

    @property
    def alignment(self) -> int:
        """What every offset is a multiple of, in bytes."""
        return self._allocator.alignment

    @property
    def used(self) -> int:
        """Bytes in live blocks, each rounded up to a multiple of the alignment."""
        return self._allocator.used

    @property
    def free(self) -> int:
        """Bytes that are not used."""
        return self._allocator.capacity - self._allocator.used

    @property
    def largest_free(self) -> int:
        """Bytes of the largest span that a request could have."""
        return self._allocator.largest_free

    @property
    def fragmentation(self) -> float:
        """1 - largest_free / free; 0.0 when nothing is free."""
        return self._allocator.fragmentation

    @property
    def resident(self) -> int:
        """Bytes of the pages that may hold something else than zeros: what the pool takes of memory, at most."""
        return self._arena.resident + sum(rows.size for rows in self._sealed)

    @property
    def can_release(self) -> bool:
        """Whether the system takes single pages back."""
        return self._arena.can_release

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._arena.closed

    def allocate(self, size: SupportsIndex, *, alignment: SupportsIndex | None = None) -> Span:
        """Hand out `size` bytes; they hold what was there before.

        Raises:
            InvalidSizeError: `size` is not a whole number above 0, or `alignment` not a power of two.
            OutOfMemoryError: no free span holds the request.
            ClosedError: the pool is closed.
        """
        self._refuse_if_closed("allocate")
        return self._allocator.allocate(size, alignment=alignment)

    def deallocate(self, span: Span) -> None:
        """Take `span` back. Works on a closed pool too, so that cleaning up needs no order.

        Raises:
            DoubleFreeError: it was taken back before.
            ForeignSpanError: it was never handed out here, or was altered since.
        """
        self._allocator.deallocate(span)

    def mend(self) -> None:
        """Take as free whatever no live block has, see `Allocator.mend`."""
        self._allocator.mend()

    def extent(self, span: Span) -> Span:
        """What would be free in one piece if this live span were taken back."""
        return self._allocator.extent(span)

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

    def is_zero(self, offset: SupportsIndex, length: SupportsIndex) -> bool:
        """Whether the range is known to be zero without looking.

        Raises:
            InvalidSizeError, OutOfBoundsError: as for `Arena.is_zero`.
        """
        return self._arena.is_zero(offset, length)

    def use_small_pages(self) -> None:
        """Ask the system for small pages only, see `Arena.use_small_pages`."""
        self._arena.use_small_pages()

    def release(self, offset: SupportsIndex, length: SupportsIndex) -> int:
        """Give the whole pages of a range back to the system; they are zero from now on.

        Returns:
            How many bytes less the pool takes.

        Raises:
            InvalidSizeError, OutOfBoundsError, ClosedError: as for `Arena.release`.
        """
        return self._arena.release(offset, length)

    def trim(self) -> int:
        """Give the pages of all that is free back to the system.

        Returns:
            How many bytes less the pool takes.

        Raises:
            ClosedError: the pool is closed.
        """
        self._refuse_if_closed("trim")
        return sum(self._arena.release(span.offset, span.length) for span in self.free_spans())

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

    def view_unmarked(self, offset: SupportsIndex, count: SupportsIndex, dtype: npt.DTypeLike) -> Array:
        """`view_mut` for a caller that calls `mark_dirty` before each write.

        Raises:
            InvalidSizeError, DtypeError, OutOfBoundsError, MisalignedError, ClosedError: as for `Arena.view`.
        """
        return self._arena.view_unmarked(offset, count, dtype)

    def lend(self, offset: SupportsIndex, length: SupportsIndex) -> Array:
        """Bytes to write to, as an array that lives for as long as any view of it.

        Raises:
            InvalidSizeError, OutOfBoundsError, ClosedError: as for `Arena.zero_range`.
        """
        return self._arena.lend(offset, length)

    @property
    def can_share(self) -> bool:
        """Whether sealed rows can be shown in the arena, see `Arena.can_share`."""
        return self._arena.can_share

    def sealed_rows(self, length: int) -> SealedRows:
        """Make room for rows of `length` bytes that several blocks show; they count until no block holds them.

        Raises:
            OSError: the system has no such file to give.
        """
        rows = SealedRows(length)
        self._sealed.add(rows)
        return rows

    def hold(self, rows: SealedRows) -> None:
        """Say that one more holds sealed rows."""
        rows.holders += 1

    def drop(self, rows: SealedRows) -> None:
        """Say that a block no longer holds sealed rows."""
        rows.holders -= 1
        if not rows.holders:
            self._sealed.discard(rows)
            rows.close()

    @property
    def mapped_rows(self) -> int:
        """Rows that are shown, each as often as it is."""
        return self._arena.mapped_rows

    def shown_no_more(self, rows: SealedRows) -> None:
        """Say that sealed rows are not shown any more in one of the places, see `Arena.shown_no_more`."""
        self._arena.shown_no_more(rows)

    def own_bytes(self, offset: int, length: int) -> int:
        """Bytes of the pages of a range that may hold something and show no sealed row."""
        return self._arena.own_bytes(offset, length)

    def show(self, rows: SealedRows, offset: int, length: int, *, stride: int) -> None:
        """Show the beginning of sealed rows, see `Arena.show`."""
        self._arena.show(rows, offset, length, stride=stride)

    def clean_rows(self, offset: int, length: int, *, rows: int, stride: int) -> npt.NDArray[np.int64]:
        """The numbers of the pages that `mark_pages` would have to mark, see `DirtyPages.clean_rows`."""
        return self._arena.clean_rows(offset, length, rows=rows, stride=stride)

    def mark_pages(self, pages: npt.NDArray[np.int64]) -> None:
        """Say that pages of `clean_rows` are about to be written to through a view of `view_unmarked` or `lend`."""
        self._arena.mark_pages(pages)

    def mark_dirty(self, offset: int, length: int) -> None:
        """Say that a range is about to be written to through a view of `view_unmarked`."""
        self._arena.mark_dirty(offset, length)

    def f32_slice(self, offset: SupportsIndex, count: SupportsIndex) -> npt.NDArray[np.float32]:
        """`view` of float32."""
        return self.view(offset, count, np.float32)

    def f32_slice_mut(self, offset: SupportsIndex, count: SupportsIndex) -> npt.NDArray[np.float32]:
        """`view_mut` of float32."""
        return self.view_mut(offset, count, np.float32)

    def check(self) -> None:
        """Prove the allocator's invariants.

        Raises:
            IntegrityError: one of them does not hold.
        """
        self._allocator.check()

    def close(self) -> None:
        """Let go of the bytes; a second time does nothing."""
        self._arena.close()

    def _refuse_if_closed(self, subject: str) -> None:
        if self.closed:
            raise ClosedError(subject, expected="an open pool", got="closed")
