"""Measure durations as a stream: quantiles from a histogram, and events per second over a window.

The histogram is log-linear, as in G. Tene's HdrHistogram: a power of two of nanoseconds is cut into `_PARTS` equal parts. One
duration costs one increment, memory does not grow, and a quantile is off by 1/32 of its value at most. The P² algorithm of
R. Jain and I. Chlamtac (1985) would need five markers per quantile and some 2 µs per duration, a tenth of what it measures.
"""

import math
from dataclasses import dataclass
from typing import Final

_BITS: Final = 4
_PARTS: Final = 1 << _BITS
_LONGEST: Final = (1 << 40) - 1
"""Nanoseconds, 18 minutes; what takes longer counts as that long."""

QUANTILES: Final = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Latency:
    """What durations were so far, in seconds; a quantile is None while there is none.

    Attributes:
        count: how many.
        total: their sum.
        p50: half of them took at most this long, to within 1/32; so for the others.
        p90: nine of ten.
        p99: 99 of 100.
        longest: the longest one, exactly.
    """

    count: int = 0
    total: float = 0.0
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    longest: float | None = None


class Histogram:
    """Durations in nanoseconds. Not thread-safe: its owner has the lock."""

    __slots__ = ("_counts", "_longest", "_total")

    def __init__(self) -> None:
        self._counts = [0] * (_slot(_LONGEST) + 1)
        self._total = 0
        self._longest = 0

    def add(self, nanoseconds: int) -> None:
        """Count a duration; one below 0, from a clock that went back, counts as 0."""
        if not 0 <= nanoseconds <= _LONGEST:
            nanoseconds = min(max(nanoseconds, 0), _LONGEST)
        shift = nanoseconds.bit_length() - _BITS - 1  # as in _slot, without its call: this is done per append
        slot = (shift << _BITS) + (nanoseconds >> shift) if shift > 0 else nanoseconds
        self._counts[slot] += 1
        self._total += nanoseconds
        if nanoseconds > self._longest:  # noqa: PLR1730 - max() takes three times as long
            self._longest = nanoseconds

    def latency(self) -> Latency:
        """Sum up."""
        count = sum(self._counts)
        if not count:
            return Latency()
        p50, p90, p99 = (self._quantile(share, count) for share in QUANTILES)
        return Latency(count, self._total / 1e9, p50, p90, p99, self._longest / 1e9)

    def _quantile(self, share: float, count: int) -> float:
        """The middle of the slot that the duration of that rank fell in, in seconds."""
        rank, seen = share * count, 0
        for slot, here in enumerate(self._counts):
            seen += here
            if here and seen >= rank:
                first, last = _bounds(slot)
                return min((first + last) / 2, self._longest) / 1e9
        raise AssertionError("the counts add up to less than their sum")


class Rate:
    """Events per second over the last `window` seconds, in slots of a `_SLOTS`th of it. Not thread-safe.

    Times are those of the owner's clock and come in order; one that goes back counts for the slot of now.
    """

    _SLOTS: Final = 60
    __slots__ = ("_counts", "_current", "_first", "_until", "_width", "window")

    def __init__(self, window: float) -> None:
        self.window = window
        self._width = window / self._SLOTS
        self._counts: dict[int, int] = {}  # number of the slot -> events
        self._current = 0
        self._until = -math.inf  # when the current slot ends
        self._first: float | None = None

    def add(self, now: float) -> None:
        """Count an event."""
        if now >= self._until:
            slot = int(now // self._width)
            self._until = (slot + 1) * self._width
            self._first = now if self._first is None else self._first
            self._forget(slot)
            self._current = slot
            self._counts[slot] = self._counts.get(slot, 0)
        self._counts[self._current] += 1

    def per_second(self, now: float) -> float | None:
        """The rate up to `now`; over the time since the first event while that is shorter than the window.

        Returns:
            None before any time has passed.
        """
        if self._first is None or now <= self._first:
            return None
        oldest = int(now // self._width) - self._SLOTS
        events = sum(count for slot, count in self._counts.items() if slot > oldest)
        return events / min(now - self._first, self.window)

    def _forget(self, slot: int) -> None:
        for old in [old for old in self._counts if old <= slot - self._SLOTS]:
            del self._counts[old]


def _slot(nanoseconds: int) -> int:
    shift = max(0, nanoseconds.bit_length() - _BITS - 1)
    return (shift << _BITS) + (nanoseconds >> shift)


def _bounds(slot: int) -> tuple[int, int]:
    """The least and the greatest number of nanoseconds in a slot."""
    shift = max(0, (slot >> _BITS) - 1)
    first = (slot - (shift << _BITS)) << shift
    return first, first + (1 << shift) - 1
