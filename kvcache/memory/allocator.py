"""Own free space: hand out spans of a capacity and take them back, touching no bytes.

A freed span goes to the quick bin of its size, where the next request of that size finds it, or else back to the free spans,
joined with its neighbours. Invariants, proved by `Allocator.check`:

    used + free + cached == capacity        cached: bytes in quick bins
    the live, the free and the cached spans, put in order, tile [0, capacity) without a gap or an overlap
    no two free spans are neighbours; after `flush` nothing is cached, so that all that is free is joined
"""

import itertools
from collections import Counter
from collections.abc import Iterable
from typing import Final, SupportsIndex

from kvcache import checks
from kvcache.errors import (
    DoubleFreeError,
    ForeignSpanError,
    IntegrityError,
    InvalidSizeError,
    KVCacheError,
    OutOfMemoryError,
)
from kvcache.memory.free_spans import FreeSpans
from kvcache.values import CACHE_LINE, Span, Unique

_OWNER_SHIFT: Final = 48
"""Serials of one allocator share the bits above: 2**48 allocations until two allocators could meet."""

_BIN_SPANS: Final = 32
"""Spans that a quick bin holds at most."""

_BIN_SHARE: Final = 512
"""Sizes above this part of the capacity have no quick bin: one full bin holds a sixteenth of the capacity at most."""

_SAMPLE_EVERY, _SAMPLES, _COMMON = 7, 64, 3
"""A size gets a quick bin when it is so many of the samples that were taken of the sizes freed without one. Where every
size comes up alike, none does: holding back spans whose size is not asked for again would only break up the arena."""

_owners = itertools.count(1)
_new = tuple.__new__  # a third of the time of Span(...), and this is done once per request


class Allocator(Unique):
    """Segregated fit over `capacity` bytes, with exact-size quick bins. Not thread-safe: its owner has the lock.

    `allocate` and `deallocate` take constant time. Only a request that finds no span that surely fits joins what is cached and
    looks at each span that may fit, so that it fails only if no span at all would do. A failed call changes nothing that can be
    told from outside but `cached`.

    Blocks are multiples of `alignment`, and so is the capacity: bytes behind its last multiple are not used.

    Raises:
        InvalidSizeError: `capacity` is not a whole number of at least `alignment`, or `alignment` not a power of two.
    """

    def __init__(self, capacity: SupportsIndex, *, alignment: SupportsIndex = CACHE_LINE) -> None:
        self._alignment = checks.power_of_two("allocator alignment", alignment)
        whole = checks.whole_number("allocator capacity", capacity, minimum=1)
        if whole < self._alignment:
            expected = f"at least one unit of {self._alignment} bytes"
            raise InvalidSizeError("allocator capacity", expected=expected, got=whole)
        self._mask = self._alignment - 1
        self._units = -self._alignment
        self._capacity = whole & self._units
        self._owner = next(_owners)
        self._serials = itertools.count((self._owner << _OWNER_SHIFT) + 1)
        self._live: dict[int, Span] = {}
        self._lay_out([Span(0, self._capacity)])
        self._bins: dict[int, list[int]] = {}  # block size -> offsets
        self._bin_of: dict[int, list[int]] = {}  # the same lists by size as asked for, of those that were freed
        self._until_sample = _SAMPLE_EVERY
        self._samples: list[int] = []  # block sizes

    @property
    def capacity(self) -> int:
        """Bytes altogether, a multiple of `alignment`."""
        return self._capacity

    @property
    def alignment(self) -> int:
        """What every offset is a multiple of, in bytes."""
        return self._alignment

    @property
    def used(self) -> int:
        """Bytes in live blocks, each rounded up to a multiple of the alignment."""
        return self._capacity - self._vacant.free - self.cached

    @property
    def free(self) -> int:
        """Bytes in free spans, joined with their neighbours."""
        return self._vacant.free

    @property
    def cached(self) -> int:
        """Bytes in quick bins: free, and not joined yet."""
        return sum(size * len(offsets) for size, offsets in self._bins.items())

    @property
    def largest_free(self) -> int:
        """Bytes of the largest span that a request could have; 0 when nothing is free. Joins what is cached first."""
        self.flush()
        return self._vacant.largest

    @property
    def fragmentation(self) -> float:
        """The share of the free bytes that one request cannot have: 1 - largest_free / free; 0.0 when nothing is free."""
        largest = self.largest_free
        return 1.0 - largest / self._vacant.free if largest else 0.0

    def allocate(self, size: SupportsIndex, *, alignment: SupportsIndex | None = None) -> Span:
        """Hand out `size` bytes whose offset is a multiple of `alignment` (at least of the allocator's own).

        Raises:
            InvalidSizeError: `size` is not a whole number above 0, or `alignment` not a power of two.
            OutOfMemoryError: no free span holds the request.
        """
        # A size that is none (0, -64) has no bin, so what comes out of a bin needs no further check.
        if type(size) is int and alignment is None:
            offsets = self._bin_of.get(size)
            if offsets:
                offset = offsets.pop()
            elif size <= 0 or (offset := self._take((size + self._mask) & self._units)) < 0:
                offset = self._search(size, None)
        else:
            offset = self._search(size, alignment)
            size = size.__index__()
        self._live[offset] = span = _new(Span, (offset, size, next(self._serials)))
        return span

    def deallocate(self, span: Span) -> None:
        """Take `span` back.

        Raises:
            DoubleFreeError: it was taken back before, even if its bytes belong to a new span by now.
            ForeignSpanError: it was never handed out here, or is a copy.
        """
        # A live span is the very object that was handed out: no later one can be mistaken for it while it is held.
        if type(span) is not Span or self._live.get(span[0]) is not span:
            raise self._refusal(span)
        offset = span[0]
        del self._live[offset]
        offsets = self._bin_of.get(span[1])
        if offsets is not None and len(offsets) < _BIN_SPANS:
            offsets.append(offset)
            return
        block = (span[1] + self._mask) & self._units
        if offsets is None:
            self._until_sample -= 1
            if not self._until_sample:
                self._sample(block)
            offsets = self._bins.get(block)
            if offsets is not None:
                self._bin_of[span[1]] = offsets
        self._give(offset, block)

    def extent(self, span: Span) -> Span:
        """What would be free in one piece if this live span were taken back. Joins what is cached first."""
        self.flush()
        start, end = self._vacant.around(span.offset, span.offset + self._block(span))
        return Span(start, end - start)

    def flush(self) -> None:
        """Join all that is cached with its neighbours."""
        for size, offsets in self._bins.items():
            while offsets:
                self._vacant.give(offsets.pop(), size)

    def is_live(self, span: object) -> bool:
        """Whether `span` is one that was handed out here and not yet taken back."""
        return type(span) is Span and self._live.get(span[0]) is span

    def live_spans(self) -> tuple[Span, ...]:
        """The spans that are handed out, by offset."""
        return tuple(sorted(self._live.values()))

    def free_spans(self) -> tuple[Span, ...]:
        """The spans that are free, by offset. Joins what is cached first."""
        self.flush()
        return tuple(sorted(self._vacant.spans()))

    def mend(self) -> None:
        """Take as free whatever no live block has: after an interrupt (Ctrl-C) in the middle of a call, some may be neither."""
        spans, position = list[Span](), 0
        for live in [*self.live_spans(), Span(self._capacity, 0)]:
            if live.offset > position:
                spans.append(Span(position, live.offset - position))
            position = live.offset + self._block(live)
        self._bins, self._bin_of = {}, {}
        self._lay_out(spans)

    def check(self) -> None:
        """Prove the invariants of the module, from the spans themselves, as they are: nothing is joined for it.

        Raises:
            IntegrityError: one of them does not hold; the error shows the equation.
        """
        self._vacant.check()
        tiles = [(span.offset, span.length, "free") for span in self._vacant.spans()]
        tiles += [(offset, self._block(span), "live") for offset, span in self._live.items()]
        tiles += [(offset, size, "cached") for size, offsets in self._bins.items() for offset in offsets]
        tiles.sort()
        position, before = 0, ""
        for offset, length, kind in tiles:
            if offset != position or length < 1 or length & self._mask:
                raise IntegrityError("allocator tiling", expected=f"a span at {position}", got=(offset, length, kind))
            if kind == before == "free":
                raise IntegrityError(
                    "allocator coalescing", expected=f"a live span at {position}", got=(offset, length)
                )
            position, before = offset + length, kind
        counted = sum(length for _, length, kind in tiles if kind == "live")
        if position != self._capacity or counted != self.used:
            equation = f"used {self.used} + free {self.free} + cached {self.cached} == capacity {self._capacity}"
            raise IntegrityError("allocator", expected=equation, got=(counted, position))

    def _search(self, size: SupportsIndex, alignment: SupportsIndex | None) -> int:
        """Return the offset of a block for a request that the quick ways do not serve, after checking it."""
        length = checks.whole_number("allocate: size", size, minimum=1)
        step = 1 if alignment is None else checks.power_of_two("allocate: alignment", alignment)
        block = (length + self._mask) & self._units
        offset = self._vacant.take(block) if step <= self._alignment else self._vacant.take_aligned(block, step)
        if offset < 0:
            self.flush()
            offset = self._vacant.take_anywhere(block, max(step, self._alignment))
        if offset < 0:
            raise OutOfMemoryError(
                "allocate", needed=length, free=self.free, largest=self.largest_free, capacity=self._capacity
            )
        return offset

    def _block(self, span: Span) -> int:
        return (span.length + self._mask) & self._units

    def _lay_out(self, spans: Iterable[Span]) -> None:
        self._vacant = FreeSpans(self._capacity, self._alignment.bit_length() - 1, spans)
        self._take, self._give = self._vacant.take, self._vacant.give

    def _sample(self, block: int) -> None:
        """Note the size of a block; after enough of them give bins to the common sizes, and take empty ones away."""
        self._until_sample = _SAMPLE_EVERY
        self._samples.append(block)
        if len(self._samples) == _SAMPLES:
            counts = Counter(self._samples)
            self._samples.clear()
            common = (size for size, count in counts.items() if count >= _COMMON)
            kept = {size: offsets for size, offsets in self._bins.items() if offsets}
            self._bins = {size: [] for size in common if size * _BIN_SHARE <= self._capacity} | kept
            self._bin_of = dict(self._bins)

    def _refusal(self, span: object) -> KVCacheError:
        """Say why `span`, which is not live, cannot be taken back."""
        if not isinstance(span, Span):
            return ForeignSpanError("deallocate", expected="a Span", got=span)
        copied = any(span.serial == live.serial for live in self._live.values())
        if copied or span.serial >> _OWNER_SHIFT != self._owner:
            return ForeignSpanError("deallocate", expected="the very span that this allocator handed out", got=span)
        return DoubleFreeError("deallocate", expected="a live span", got=span)
