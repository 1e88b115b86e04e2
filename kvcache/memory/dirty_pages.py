"""Remember which pages of the arena may hold something else than zeros.

An operating system hands out zero pages, so a page that nobody wrote to since it was mapped, or since it was zeroed as a whole,
needs no zeroing. Two bytes per page are kept: a 2048th of the arena.
"""

from collections.abc import Iterator
from typing import Final

PAGE: Final = 4096
"""Bytes. A page of this size may be smaller than the system's own: then less is known, and nothing is wrong."""

_CLEAN, _DIRTY = 0, 1


class DirtyPages:
    """What was written to in `capacity` bytes; `dirty` says what holds at first."""

    __slots__ = ("_exposed", "_flags", "_watermark")

    def __init__(self, capacity: int, *, dirty: bool) -> None:
        self._flags = bytearray([_DIRTY if dirty else _CLEAN]) * -(-capacity // PAGE)
        self._exposed = bytearray(len(self._flags))
        self._watermark = len(self._flags) if dirty else 0

    @property
    def watermark(self) -> int:
        """Bytes from the start of the arena behind which nothing was ever written; a multiple of `PAGE`."""
        return self._watermark * PAGE

    def mark(self, start: int, end: int) -> None:
        """Say that `[start, end)` may be written to from now on."""
        if start < end:
            first, last = start // PAGE, -(-end // PAGE)
            self._flags[first:last] = bytes([_DIRTY]) * (last - first)
            self._watermark = max(self._watermark, last)

    def expose(self, start: int, end: int) -> None:
        """Say that somebody may write to `[start, end)` at any time: it is never known to be zero again."""
        if start < end:
            self.mark(start, end)
            first, last = start // PAGE, -(-end // PAGE)
            self._exposed[first:last] = bytes([_DIRTY]) * (last - first)

    def zeroed(self, start: int, end: int) -> None:
        """Say that `[start, end)` is zero now; pages that it covers only in part, or with exposed ones, stay as they are."""
        first, last = -(-start // PAGE), min(end // PAGE, self._watermark)
        if first < last and self._exposed.find(_DIRTY, first, last) < 0:
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
