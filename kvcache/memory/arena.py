"""Own the bytes: one contiguous buffer, zeroed, given back and viewed within checked bounds.

The arena knows no free list and no sessions. A caller that holds an offset may look at it; the layers above keep
which offset belongs to whom.
"""

import mmap
import platform
import sys
from contextlib import suppress
from typing import Final, Literal, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from kvcache import checks
from kvcache.errors import ClosedError, InvalidSizeError, MisalignedError, OutOfMemoryError
from kvcache.memory.dirty_pages import DirtyPages
from kvcache.memory.sealed import Holding, SealedRows, mappings, show_zeros
from kvcache.values import CACHE_LINE, MAX_BYTES, Array, Unique

Backing: TypeAlias = Literal["mapping", "heap"]
"""Where the bytes come from: a private mapping, or `np.empty`."""

SYSTEM_PAGE: Final = mmap.PAGESIZE
"""Bytes. As a base alignment: the arena begins at a page of the system."""

HUGE_PAGE: Final = 2 * 1024 * 1024
"""Bytes. As a base alignment: the arena begins at a huge page, and the system is asked to use such pages where it can."""

_NO_RESERVE: Final = 0x4000 if sys.platform == "linux" and platform.machine() in {"x86_64", "aarch64"} else 0
"""MAP_NORESERVE, which `mmap` does not name."""


class Arena(Unique):
    """One buffer of `capacity` bytes whose base address is a multiple of `base_alignment`.

    Offsets and lengths are in bytes, counted from the base. A mapping is all zero at first, takes memory only where it was
    written to, and leaves the heap alone; bytes of the heap hold what was there before.

    Raises:
        InvalidSizeError: `capacity` is not a whole number above 0, `base_alignment` not a power of two, or `backing` unknown.
        OutOfMemoryError: the operating system has no such buffer to give.
    """

    def __init__(
        self, capacity: SupportsIndex, *, base_alignment: SupportsIndex = CACHE_LINE, backing: Backing = "mapping"
    ) -> None:
        self._capacity = checks.whole_number("arena capacity", capacity, minimum=1)
        self._base_alignment = checks.power_of_two("arena base alignment", base_alignment)
        if backing not in {"mapping", "heap"}:
            raise InvalidSizeError("arena backing", expected="'mapping' or 'heap'", got=backing)
        buffer, self._lead, self._mapping = _allocate_buffer(self._capacity, self._base_alignment, backing)
        self._pages = DirtyPages(self._capacity, dirty=backing == "heap")
        self._address: int = buffer.ctypes.data
        self._small_pages = False
        self._mappings = Holding(mappings)
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

    @property
    def dirty_watermark(self) -> int:
        """Bytes from the start behind which nothing was ever written, in whole pages."""
        return self._pages.watermark

    def is_zero(self, offset: SupportsIndex, length: SupportsIndex) -> bool:
        """Whether the range is known to be zero without looking; False where it was once written to.

        Raises:
            InvalidSizeError, OutOfBoundsError: as for `zero_range`.
        """
        start, size = checks.byte_range("is_zero", offset, length, capacity=self._capacity)
        return not self._pages.any(start, start + size)

    def zero_range(self, offset: SupportsIndex, length: SupportsIndex) -> None:
        """Set `length` bytes from `offset` on to zero; what is known to be zero is not touched.

        Raises:
            InvalidSizeError: not whole numbers, or a negative length.
            OutOfBoundsError: the range leaves the arena; nothing was written.
            ClosedError: the arena is closed.
        """
        buffer = self._open(self._writable)
        start, size = checks.byte_range("zero_range", offset, length, capacity=self._capacity)
        if self._pages.any_shown(start, start + size):
            self.release(start, size)
        for first, last in self._pages.runs(start, start + size):
            buffer[first:last].fill(0)
        self._pages.zeroed(start, start + size)

    @property
    def resident(self) -> int:
        """Bytes of the pages that may hold something else than zeros: what the arena takes of memory, at most."""
        return self._pages.dirty

    @property
    def can_release(self) -> bool:
        """Whether the system takes single pages back."""
        return self._mapping is not None

    def use_small_pages(self) -> None:
        """Ask the system never to serve a huge page where a small one was written to: then `resident` says what is taken."""
        self._small_pages = True
        self._advise_small(0, len(self._mapping) if self._mapping is not None else 0)

    def release(self, offset: SupportsIndex, length: SupportsIndex) -> int:
        """Give the whole pages of a range back to the system, even those that are known to be zero; they are zero from now on.

        Returns:
            How many bytes less the arena takes by its own count; 0 where the system takes no pages back.

        Raises:
            InvalidSizeError, OutOfBoundsError, ClosedError: as for `zero_range`.
        """
        self._open(self._writable)
        start, size = checks.byte_range("release", offset, length, capacity=self._capacity)
        # The base lies `lead` bytes behind the start of the mapping, which is a page.
        first = -(-(self._lead + start) // SYSTEM_PAGE) * SYSTEM_PAGE
        last = (self._lead + start + size) // SYSTEM_PAGE * SYSTEM_PAGE
        if self._mapping is None or first >= last:
            return 0
        before = self._pages.dirty
        if self._pages.any_shown(first - self._lead, last - self._lead):
            with suppress(OSError):  # without mappings left it stays, and is not known to be zero
                self._hide(first - self._lead, last - self._lead)
            return before - self._pages.dirty
        self._mapping.madvise(mmap.MADV_DONTNEED, first, last - first)
        self._pages.zeroed(first - self._lead, last - self._lead)
        return before - self._pages.dirty

    @property
    def can_share(self) -> bool:
        """Whether sealed rows can be shown at pages of the arena."""
        return self._mapping is not None and self._address % SYSTEM_PAGE == 0 and mappings.limit > 0

    def show(self, rows: SealedRows, offset: int, length: int, *, stride: int) -> None:
        """Show the first `length` bytes of sealed rows from `offset` on, one every `stride` bytes, copy-on-write; all in whole pages.

        Raises:
            OSError: the system has no mappings left; some rows may be shown by then.
        """
        self._open(self._writable)
        start, size = checks.byte_range("show", offset, (rows.rows - 1) * stride + length, capacity=self._capacity)
        self._mappings.take(rows.rows)
        # First, because what is not known to be zero, and is, does no harm.
        self._pages.show(start, length, rows=rows.rows, stride=stride)
        for row, place in enumerate(range(start, start + size, stride)):
            rows.show(row, self._address + place, length)

    @property
    def mapped_rows(self) -> int:
        """Rows that are shown, each as often as it is."""
        return self._mappings.rows

    def shown_no_more(self, rows: SealedRows) -> None:
        """Say that sealed rows are not shown any more in one of the places, so that their mappings can serve others."""
        self._mappings.give(rows.rows)

    def own_bytes(self, offset: int, length: int) -> int:
        """Bytes of the pages of a range that may hold something and show no sealed row."""
        return self._pages.own(offset, offset + length)

    def _hide(self, start: int, end: int) -> None:
        show_zeros(self._address + start, end - start, _NO_RESERVE)
        if self._small_pages:
            self._advise_small(self._lead + start, end - start)
        self._pages.hide(start, end)

    def _advise_small(self, start: int, length: int) -> None:
        if self._mapping is not None and hasattr(mmap, "MADV_NOHUGEPAGE"):
            with suppress(OSError):  # a kernel without huge pages knows no such wish
                self._mapping.madvise(mmap.MADV_NOHUGEPAGE, start, length)

    def clean_rows(self, offset: int, length: int, *, rows: int, stride: int) -> npt.NDArray[np.int64]:
        """The numbers of the pages inside the arena that `mark_pages` would have to mark, see `DirtyPages.clean_rows`."""
        return self._pages.clean_rows(offset, length, rows=rows, stride=stride)

    def mark_pages(self, pages: npt.NDArray[np.int64]) -> None:
        """Say that pages of `clean_rows` are about to be written to."""
        self._pages.mark_pages(pages)

    def mark_dirty(self, offset: int, length: int) -> None:
        """Say that a range inside the arena is about to be written to through a view of `view_unmarked`."""
        self._pages.mark(offset, offset + length)

    def view(self, offset: SupportsIndex, count: SupportsIndex, dtype: npt.DTypeLike = np.float32) -> Array:
        """Look at `count` elements from `offset` on without a copy, and without the right to write.

        Returns:
            Shape [count]; it shares the arena's memory and its write flag cannot be switched on.

        Raises:
            InvalidSizeError: not whole numbers, or a negative count.
            DtypeError: not a dtype of numbers.
            OutOfBoundsError: the range leaves the arena.
            MisalignedError: `offset` is no multiple of the dtype's alignment.
            ClosedError: the arena is closed.
        """
        return self._typed(self._open(self._readable), offset, count, dtype)

    def view_mut(self, offset: SupportsIndex, count: SupportsIndex, dtype: npt.DTypeLike = np.float32) -> Array:
        """Look at `count` elements from `offset` on and write to them, without a copy.

        The pages of the range count as written to from now on: the arena cannot know when the view is used.

        Returns:
            Shape [count]; it shares the arena's memory.

        Raises:
            InvalidSizeError, DtypeError, OutOfBoundsError, MisalignedError, ClosedError: as for `view`.
        """
        view = self.view_unmarked(offset, count, dtype)
        start = int(offset)
        self._pages.expose(start, start + view.nbytes)
        return view

    def view_unmarked(self, offset: SupportsIndex, count: SupportsIndex, dtype: npt.DTypeLike = np.float32) -> Array:
        """The same as `view_mut` for a caller that calls `mark_dirty` before each write.

        Raises:
            InvalidSizeError, DtypeError, OutOfBoundsError, MisalignedError, ClosedError: as for `view`.
        """
        return self._typed(self._open(self._writable), offset, count, dtype)

    def lend(self, offset: SupportsIndex, length: SupportsIndex) -> Array:
        """Bytes to write to, as an array that lives for as long as any view of it: a weak reference to it tells when all are gone.

        The caller marks what is written to.

        Raises:
            InvalidSizeError, OutOfBoundsError, ClosedError: as for `zero_range`.
        """
        buffer = self._open(self._writable)
        start, size = checks.byte_range("lend", offset, length, capacity=self._capacity)
        # From a memoryview: a view of an array's view would refer to the arena's own array, and skip the one in between.
        return np.frombuffer(buffer.data[start : start + size], dtype=np.uint8)

    def close(self) -> None:
        """Let go of the buffer. Views that are still held keep their memory alive, so that none of them dangles."""
        self._writable = self._readable = self._mapping = None

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


def _allocate_buffer(capacity: int, base_alignment: int, backing: Backing) -> tuple[Array, int, mmap.mmap | None]:
    """Get `capacity` bytes at a multiple of `base_alignment`; how far behind a page they start; a mapping that gives pages back."""
    length = capacity + base_alignment - 1
    mapping = None
    try:
        if backing == "mapping":
            mapping = _mapped(length, base_alignment)
            raw = np.frombuffer(mapping, dtype=np.uint8)
        else:
            raw = np.empty(length, dtype=np.uint8)
    except (MemoryError, OSError, OverflowError, ValueError) as problem:
        error = OutOfMemoryError("arena buffer", needed=capacity, free=0, largest=0, capacity=capacity)
        raise error from problem
    start = -raw.ctypes.data % base_alignment
    # Elsewhere than on Linux the same advice does not promise zeros.
    return raw[start : start + capacity], start, mapping if sys.platform == "linux" else None


def _mapped(length: int, base_alignment: int) -> mmap.mmap:
    """Map `length` zero bytes that no other process sees; a fork keeps its own copy."""
    if not hasattr(mmap, "MAP_PRIVATE"):  # no POSIX: an anonymous mapping is private to the process anyway
        return mmap.mmap(-1, length)
    # No memory is set aside for what may never be written to.
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NO_RESERVE
    mapping = mmap.mmap(-1, length, flags=flags)
    if base_alignment >= HUGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a wish; a kernel without huge pages serves small ones
            mapping.madvise(mmap.MADV_HUGEPAGE)
    return mapping
