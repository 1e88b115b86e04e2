"""Own free space: hand out spans of a capacity and take them back, touching no bytes.

Invariants, proved by `Allocator.check`:

    used + free == capacity
    the live and the free spans, put in order, tile [0, capacity) without a gap or an overlap
    no two free spans are neighbours
    every index over the free spans holds the same spans
"""

import itertools
from bisect import bisect_left, insort
from typing import Final, SupportsIndex

from kvcache import checks
from kvcache.errors import DoubleFreeError, ForeignSpanError, IntegrityError, KVCacheError, OutOfMemoryError
from kvcache.values import CACHE_LINE, Span

_OWNER_SHIFT: Final = 48
"""Serials of one allocator share the bits above: 2**48 allocations until two allocators could meet."""

_owners = itertools.count(1)


class Allocator:
    """Best fit over `capacity` bytes; neighbouring free spans are joined at once.

    The tightest free span that holds the request at its alignment is taken, so an allocation fails only if no span at all
    would do. A failed call changes nothing. Not thread-safe: its owner has the lock.

    Raises:
        InvalidSizeError: `capacity` is not a whole number above 0, or `alignment` not a power of two.
    """

    def __init__(self, capacity: SupportsIndex, *, alignment: SupportsIndex = CACHE_LINE) -> None:
        self._capacity = checks.whole_number("allocator capacity", capacity, minimum=1)
        self._alignment = checks.power_of_two("allocator alignment", alignment)
        self._owner = next(_owners)
        self._serials = itertools.count((self._owner << _OWNER_SHIFT) + 1)
        self._live: dict[int, Span] = {}
        self._used = 0
        self._vacant = _FreeSpans()
        self._vacant.add(0, self._capacity)

    @property
    def capacity(self) -> int:
        """Bytes altogether."""
        return self._capacity

    @property
    def used(self) -> int:
        """Bytes in live spans."""
        return self._used

    @property
    def free(self) -> int:
        """Bytes in free spans."""
        return self._capacity - self._used

    @property
    def largest_free(self) -> int:
        """Bytes of the largest free span; 0 when nothing is free."""
        return self._vacant.largest

    @property
    def fragmentation(self) -> float:
        """The share of the free bytes that one request cannot have: 1 - largest_free / free; 0.0 when nothing is free."""
        return 1.0 - self.largest_free / self.free if self.free else 0.0

    def allocate(self, size: SupportsIndex, *, alignment: SupportsIndex | None = None) -> Span:
        """Hand out `size` bytes whose offset is a multiple of `alignment` (the allocator's own when it is None).

        Raises:
            InvalidSizeError: `size` is not a whole number above 0, or `alignment` not a power of two.
            OutOfMemoryError: no free span holds the request.
        """
        length = checks.whole_number("allocate: size", size, minimum=1)
        step = self._alignment if alignment is None else checks.power_of_two("allocate: alignment", alignment)
        found = self._vacant.find(length, step)
        if found is None:
            raise OutOfMemoryError(
                "allocate", needed=length, free=self.free, largest=self.largest_free, capacity=self._capacity
            )
        start, end = self._vacant.remove(found)
        offset = start + (-start & (step - 1))
        # What is left over at either side touches the new span, so it cannot be a neighbour of another free span.
        self._vacant.add(start, offset - start)
        self._vacant.add(offset + length, end - offset - length)
        span = self._live[offset] = Span(offset, length, next(self._serials))
        self._used += length
        return span

    def deallocate(self, span: Span) -> None:
        """Take `span` back and join it with its free neighbours.

        Raises:
            DoubleFreeError: it was taken back before, even if its bytes belong to a new span by now.
            ForeignSpanError: it was never handed out here, or was altered since.
        """
        if not self.is_live(span):
            raise self._refusal(span)
        del self._live[span.offset]
        self._used -= span.length
        start, end = self._vacant.remove_neighbours(span.offset, span.end)
        self._vacant.add(start, end - start)

    def is_live(self, span: object) -> bool:
        """Whether `span` is one that was handed out here and not yet taken back."""
        if not isinstance(span, Span):
            return False
        current = self._live.get(span.offset)
        return current is not None and current.serial == span.serial and current.length == span.length

    def live_spans(self) -> tuple[Span, ...]:
        """The spans that are handed out, by offset."""
        return tuple(sorted(self._live.values(), key=_offset))

    def free_spans(self) -> tuple[Span, ...]:
        """The spans that are free, by offset."""
        return tuple(sorted(self._vacant.spans(), key=_offset))

    def check(self) -> None:
        """Prove the invariants of the module, from the spans themselves.

        Raises:
            IntegrityError: one of them does not hold; the error shows the equation.
        """
        self._vacant.check()
        vacant = self.free_spans()
        used, free = sum(span.length for span in self._live.values()), sum(span.length for span in vacant)
        if used != self._used or used + free != self._capacity:
            equation = f"used {used} (counted: {self._used}) + free {free} == capacity {self._capacity}"
            raise IntegrityError("allocator", expected=equation, got=used + free)
        position, was_free = 0, False
        tiles = [(span, True) for span in vacant] + [(span, False) for span in self._live.values()]
        for span, is_free in sorted(tiles, key=lambda tile: tile[0].offset):
            if span.offset != position or span.length < 1:
                raise IntegrityError("allocator tiling", expected=f"a span at {position}", got=span)
            if is_free and was_free:
                raise IntegrityError("allocator coalescing", expected=f"a live span at {position}", got=span)
            position, was_free = span.end, is_free

    def _refusal(self, span: object) -> KVCacheError:
        """Say why `span`, which is not live, cannot be taken back."""
        if not isinstance(span, Span):
            return ForeignSpanError("deallocate", expected="a Span", got=span)
        altered = any(span.serial == live.serial for live in self._live.values())
        if altered or span.serial >> _OWNER_SHIFT != self._owner:
            return ForeignSpanError("deallocate", expected="a span that this allocator handed out", got=span)
        return DoubleFreeError("deallocate", expected="a live span", got=span)


class _FreeSpans:
    """The free spans: found by size, by start and by end.

    The only part that decides which span is taken, so another policy of fit replaces this class and nothing else.
    """

    def __init__(self) -> None:
        self._by_size: list[tuple[int, int]] = []  # (length, start), ascending
        self._end_of: dict[int, int] = {}  # start -> end
        self._start_of: dict[int, int] = {}  # end -> start

    @property
    def largest(self) -> int:
        return self._by_size[-1][0] if self._by_size else 0

    def spans(self) -> list[Span]:
        return [Span(start, length) for length, start in self._by_size]

    def find(self, size: int, alignment: int) -> int | None:
        """Return the start of the smallest span that holds `size` bytes at a multiple of `alignment`."""
        for index in range(bisect_left(self._by_size, (size,)), len(self._by_size)):
            length, start = self._by_size[index]
            if (-start & (alignment - 1)) + size <= length:
                return start
        return None

    def add(self, start: int, length: int) -> None:
        """Add a span that touches no other; one of no bytes is nothing."""
        if length:
            insort(self._by_size, (length, start))
            self._end_of[start] = start + length
            self._start_of[start + length] = start

    def remove(self, start: int) -> tuple[int, int]:
        """Remove the span that starts there and return its start and end."""
        end = self._end_of.pop(start)
        del self._start_of[end]
        del self._by_size[bisect_left(self._by_size, (end - start, start))]
        return start, end

    def remove_neighbours(self, start: int, end: int) -> tuple[int, int]:
        """Remove the spans that touch `[start, end)` and return what it has grown to with them."""
        before = self._start_of.get(start)
        if before is not None:
            start, _ = self.remove(before)
        if end in self._end_of:
            _, end = self.remove(end)
        return start, end

    def check(self) -> None:
        """Prove that the three indices hold the same spans.

        Raises:
            IntegrityError: they do not, or the list by size is out of order.
        """
        by_size = sorted((end - start, start) for start, end in self._end_of.items())
        by_end = {end: start for start, end in self._end_of.items()}
        if by_size != self._by_size or by_end != self._start_of:
            expected = f"the same spans by size {self._by_size} and by end {self._start_of}"
            raise IntegrityError("free spans", expected=expected, got=self._end_of)


def _offset(span: Span) -> int:
    return span.offset
