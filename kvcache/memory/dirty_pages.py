"""Remember which pages of the arena may hold something else than zeros.

An operating system hands out zero pages, so a page that was not written to since it was mapped, or since it was zeroed as a whole,
needs no zeroing. Three bytes per page are kept: less than a thousandth of the arena.

    dirty == pages that may hold something - those of them that show sealed rows, which take no memory here
"""

import mmap
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

PAGE: Final = mmap.PAGESIZE
"""Bytes."""

_CLEAN, _DIRTY = 0, 1

_SHOWN, _COPIED = 1, 2
"""A page shows a sealed row; or it was written to since, so that it is a private copy. Both are mapped otherwise than all others."""


class DirtyPages:
    """What was written to in `capacity` bytes; `dirty` says what holds at first."""

    __slots__ = ("_array", "_dirty", "_exposed", "_flags", "_showing", "_shown", "_watermark")

    def __init__(self, capacity: int, *, dirty: bool) -> None:
        self._flags = bytearray([_DIRTY if dirty else _CLEAN]) * -(-capacity // PAGE)
        self._array = np.frombuffer(self._flags, dtype=np.uint8)  # the same bytes
        self._exposed = bytearray(len(self._flags))
        self._shown = np.zeros(len(self._flags), dtype=np.uint8)
        self._showing = False  # whether any page ever showed a sealed row
        self._dirty = len(self._flags) if dirty else 0
        self._watermark = len(self._flags) if dirty else 0

    @property
    def watermark(self) -> int:
        """Bytes from the start of the arena behind which nothing was ever written; a multiple of `PAGE`."""
        return self._watermark * PAGE

    @property
    def dirty(self) -> int:
        """Bytes of the pages that may hold something else than zeros: what the arena takes of memory, at most."""
        return self._dirty * PAGE

    def any_shown(self, start: int, end: int) -> bool:
        """Whether any page of `[start, end)` shows a sealed row, or a private copy of one."""
        return self._showing and bool(self._shown[start // PAGE : -(-end // PAGE)].any())

    def show(self, start: int, length: int, *, rows: int, stride: int) -> None:
        """Say that `length` bytes from `start` on, every `stride` bytes, show sealed rows from now on; all in whole pages."""
        self._showing = True
        pages = start // PAGE + np.arange(0, rows * stride, stride)[:, np.newaxis] // PAGE + np.arange(length // PAGE)
        self._dirty -= int(np.count_nonzero(self._array[pages] & (self._shown[pages] != _SHOWN)))
        self._array[pages], self._shown[pages] = _DIRTY, _SHOWN
        self._watermark = max(self._watermark, int(pages[-1, -1]) + 1)

    def hide(self, start: int, end: int) -> None:
        """Say that the whole pages `[start, end)` are pages like all others, and zero."""
        self._dirty -= self.own(start, end) // PAGE
        pages = slice(start // PAGE, end // PAGE)
        self._array[pages], self._shown[pages] = _CLEAN, 0

    def own(self, start: int, end: int) -> int:
        """Bytes of the pages of `[start, end)` that may hold something and show no sealed row."""
        pages = slice(start // PAGE, -(-end // PAGE))
        return int(np.count_nonzero(self._array[pages] & (self._shown[pages] != _SHOWN))) * PAGE

    def mark(self, start: int, end: int) -> None:
        """Say that `[start, end)` may be written to from now on."""
        if start < end:
            first, last = start // PAGE, -(-end // PAGE)
            self._dirty += self._flags.count(_CLEAN, first, last)
            if self._showing:
                shown = self._shown[first:last]
                self._dirty += int(np.count_nonzero(shown == _SHOWN))
                shown[shown == _SHOWN] = _COPIED
            self._flags[first:last] = bytes([_DIRTY]) * (last - first)
            self._watermark = max(self._watermark, last)

    def clean_rows(self, start: int, length: int, *, rows: int, stride: int) -> npt.NDArray[np.int64]:
        """The numbers of the pages that are not marked yet, or are those of a sealed row, among those of `rows` ranges, `stride` bytes apart."""
        starts = start + stride * np.arange(rows)
        first, last = starts // PAGE, -(-(starts + length) // PAGE)
        pages = first[:, np.newaxis] + np.arange(int((last - first).max()))
        pages = pages[pages < last[:, np.newaxis]]
        found: npt.NDArray[np.int64] = np.unique(pages[(self._array[pages] == _CLEAN) | (self._shown[pages] == _SHOWN)])
        return found

    def mark_pages(self, pages: npt.NDArray[np.int64]) -> None:
        """Say that these pages, none of which is marked, may be written to from now on."""
        if len(pages):
            self._array[pages] = _DIRTY
            if self._showing:
                shown = self._shown[pages]
                self._shown[pages] = np.where(shown == _SHOWN, _COPIED, shown)
            self._dirty += len(pages)
            self._watermark = max(self._watermark, int(pages[-1]) + 1)

    def expose(self, start: int, end: int) -> None:
        """Say that `[start, end)` may be written to at any time: it is never known to be zero again."""
        if start < end:
            self.mark(start, end)
            first, last = start // PAGE, -(-end // PAGE)
            self._exposed[first:last] = bytes([_DIRTY]) * (last - first)

    def zeroed(self, start: int, end: int) -> None:
        """Say that `[start, end)` is zero now; pages that it covers only in part, or with exposed ones, stay as they are."""
        first, last = -(-start // PAGE), min(end // PAGE, self._watermark)
        if first < last and self._exposed.find(_DIRTY, first, last) < 0 and not self.any_shown(start, end):
            self._dirty -= self._flags.count(_DIRTY, first, last)
            self._flags[first:last] = bytes([_CLEAN]) * (last - first)

    def runs(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The parts of `[start, end)` that may hold something, as starts and ends in bytes, ascending."""
        last = min(-(-end // PAGE), self._watermark) if start < end else 0
        page = start // PAGE
        while (page := self._flags.find(_DIRTY, page, last)) >= 0:
            stop = self._flags.find(_CLEAN, page, last)
            stop = last if stop < 0 else stop
            yield max(start, page * PAGE), min(end, stop * PAGE)
            page = stop

    def any(self, start: int, end: int) -> bool:
        """Whether `[start, end)` may hold anything but zeros."""
        return next(self.runs(start, end), None) is not None
