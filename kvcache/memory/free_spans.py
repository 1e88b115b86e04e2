"""Index free spans by size class, start and end, so that one is found, split and joined in constant time.

Two-level segregated fit after M. Masmano, I. Ripoll, A. Crespo and J. Real, "TLSF: a new dynamic memory allocator for
real-time systems", ECRTS 2004. A class is a power of two cut into `2**_SECOND_BITS` equal parts. The bitmaps of both levels
are one integer here: shifting and isolating its lowest bit costs Python the same for 300 bits as for 30.

Invariants, proved by `FreeSpans.check`:

    the starts, the ends and the classes hold the same spans
    a bit is set exactly where its class holds a span
    free == sum of the lengths
"""

from collections.abc import Iterable, Iterator
from typing import Final

from kvcache.errors import IntegrityError
from kvcache.values import MAX_BYTES, Span

_SECOND_BITS: Final = 5
_PARTS: Final = 1 << _SECOND_BITS
_TABLE_UNITS: Final = 4096
"""Classes of up to so many units are looked up instead of computed: 256 KiB in units of 64 bytes."""


def class_below(units: int) -> int:
    """The class that a span of `units` belongs to: the last one whose smallest span is not larger."""
    shift = max(0, units.bit_length() - _SECOND_BITS - 1)
    return (shift << _SECOND_BITS) + (units >> shift)


def class_above(units: int) -> int:
    """The first class in which every span has at least `units`."""
    shift = max(0, units.bit_length() - _SECOND_BITS - 1)
    return class_below(units + (1 << shift) - 1)


_BELOW: Final = [class_below(units) for units in range(_TABLE_UNITS)]
_ABOVE: Final = [class_above(units) for units in range(_TABLE_UNITS)]


class FreeSpans:
    """The free spans of `[0, capacity)`; no two of them touch. Lengths and offsets are multiples of `1 << shift` bytes.

    It trusts its owner: a span that is given back must be one that was taken.
    """

    __slots__ = ("_bits", "_classes", "_end_to_start", "_lengths", "_shift", "free")

    def __init__(self, capacity: int, shift: int, spans: Iterable[Span] = ()) -> None:
        self._shift = shift
        self._lengths: dict[int, int] = {}  # start -> length
        self._end_to_start: dict[int, int] = {}
        self._classes: list[dict[int, int]] = [{} for _ in range(class_above(capacity >> shift) + 2)]  # start -> length
        self._bits = 0
        self.free = 0
        for start, length, _ in spans:
            self.give(start, length)

    def take(self, length: int) -> int:
        """Take `length` bytes from the front of a span that surely holds them; return the start, or -1 if none does.

        One bound applies: the spans of the class that `length` itself falls in may be large enough, and are not looked at.
        """
        units = length >> self._shift
        number = _ABOVE[units] if units < _TABLE_UNITS else class_above(units)
        larger = self._bits >> number
        if not larger:
            return -1
        number += (larger & -larger).bit_length() - 1
        fitting = self._classes[number]
        start, available = fitting.popitem()
        if not fitting:
            self._bits ^= 1 << number
        lengths = self._lengths
        del lengths[start]
        self.free -= length
        rest = available - length
        if rest:
            after = start + length
            lengths[after] = rest
            self._end_to_start[start + available] = after
            units = rest >> self._shift
            number = _BELOW[units] if units < _TABLE_UNITS else class_below(units)
            kept = self._classes[number]
            if not kept:
                self._bits |= 1 << number
            kept[after] = rest
        else:
            del self._end_to_start[start + length]
        return start

    def give(self, start: int, length: int) -> None:
        """Add a span, joined with the free ones that touch it."""
        lengths, ends = self._lengths, self._end_to_start
        self.free += length
        end = start + length
        after = lengths.pop(end, 0)
        if after:
            self._leave_class(end, after)
            end += after
        before = ends.pop(start, -1)
        if before >= 0:
            self._leave_class(before, start - before)
            start = before
        length = end - start
        lengths[start] = length
        ends[end] = start
        units = length >> self._shift
        number = _BELOW[units] if units < _TABLE_UNITS else class_below(units)
        joined = self._classes[number]
        if not joined:
            self._bits |= 1 << number
        joined[start] = length

    def take_aligned(self, length: int, alignment: int) -> int:
        """Take `length` bytes at a multiple of `alignment`, which is above the unit; return the start, or -1."""
        return self._take_within(length, alignment, self._first_of_at_least(length + alignment - (1 << self._shift)))

    def take_anywhere(self, length: int, alignment: int) -> int:
        """The same as `take` and `take_aligned` without their bound: look at every span that could hold the request."""
        for number in range(self._class_of(length), self._bits.bit_length()):
            for start, available in self._classes[number].items():
                if (-start & (alignment - 1)) + length <= available:
                    return self._take_within(length, alignment, start)
        return -1

    def around(self, start: int, end: int) -> tuple[int, int]:
        """What `[start, end)` would grow to with the free spans that touch it."""
        return self._end_to_start.get(start, start), end + self._lengths.get(end, 0)

    @property
    def largest(self) -> int:
        """Bytes of the largest span; 0 when there is none."""
        return max(self._classes[self._bits.bit_length() - 1].values()) if self._bits else 0

    def spans(self) -> Iterator[Span]:
        """The spans, in no order."""
        return (Span(start, length) for start, length in self._lengths.items())

    def check(self) -> None:
        """Prove the invariants of the module.

        Raises:
            IntegrityError: one of them does not hold.
        """
        bits, classed = 0, {}
        for number, members in enumerate(self._classes):
            bits |= bool(members) << number
            classed.update(members)
            misplaced = {start for start, length in members.items() if self._class_of(length) != number}
            if misplaced:
                raise IntegrityError("free spans", expected=f"spans of class {number}", got=misplaced)
        ends = {end: start for start, end in ((start, start + length) for start, length in self._lengths.items())}
        if classed != self._lengths or ends != self._end_to_start or bits != self._bits:
            expected = f"the same spans by class {classed}, by end {self._end_to_start}, and bits {bits:#x}"
            raise IntegrityError("free spans", expected=expected, got=(self._lengths, hex(self._bits)))
        if sum(self._lengths.values()) != self.free:
            raise IntegrityError("free spans", expected=f"{self.free} bytes", got=sum(self._lengths.values()))

    def _class_of(self, length: int) -> int:
        return class_below(length >> self._shift)

    def _first_of_at_least(self, length: int) -> int:
        """The start of a span that surely holds `length` bytes, or -1."""
        number = class_above(min(length, MAX_BYTES) >> self._shift)
        larger = self._bits >> number
        return next(iter(self._classes[number + (larger & -larger).bit_length() - 1])) if larger else -1

    def _take_within(self, length: int, alignment: int, start: int) -> int:
        """Take the first aligned piece of the span that begins at `start`; what is left on both sides stays free."""
        if start < 0:
            return -1
        available = self._remove(start)
        front = -start & (alignment - 1)
        if front:
            self.give(start, front)
        rest = available - front - length
        if rest:
            self.give(start + front + length, rest)
        return start + front

    def _remove(self, start: int) -> int:
        length = self._lengths.pop(start)
        del self._end_to_start[start + length]
        self._leave_class(start, length)
        self.free -= length
        return length

    def _leave_class(self, start: int, length: int) -> None:
        units = length >> self._shift
        number = _BELOW[units] if units < _TABLE_UNITS else class_below(units)
        members = self._classes[number]
        del members[start]
        if not members:
            self._bits ^= 1 << number
