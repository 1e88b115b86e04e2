"""Scales: where a value is drawn, and which round values are written beside an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from gates.portable.values import format_duration

_STEPS = (
    *(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30),
    *(60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400),
)
"""Seconds between two ticks."""

_RATIOS = (
    0.01,
    0.02,
    0.05,
    0.1,
    0.2,
    0.33,
    0.5,
    0.67,
    0.8,
    0.9,
    1.0,
    1.1,
    1.25,
    1.5,
    2.0,
    3.0,
    5.0,
    10.0,
    20.0,
    50.0,
    100.0,
)


_TICK = 48
"""Pixels between the words of two ratios."""


class Scale(msgspec.Struct, frozen=True):
    """A straight line from values to pixels.

    Attributes:
        low: the value at `begin`.
        high: the value at `end`.
        begin: in pixels.
        end: in pixels; may be less than `begin`.
    """

    low: float
    high: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        """Where a value is; never outside."""
        if self.high <= self.low:
            return self.begin
        share = min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        return self.begin + share * (self.end - self.begin)


def seconds_up_to(most: float, ticks: int = 5) -> tuple[list[float], float]:
    """Round ticks from zero, and the largest of them, which is not below `most`."""
    if not 0 < most < math.inf:
        return [0.0, 1.0], 1.0
    step = next((step for step in _STEPS if most <= step * ticks * (1 + 1e-9)), _STEPS[-1])
    while most > step * ticks * (1 + 1e-9):
        step *= 2
    count = max(1, math.ceil(round(most / step, 6)))
    return [round(step * place, 9) for place in range(count + 1)], round(step * count, 9)


def tick_words(seconds: float, most: float) -> str:
    """A tick of a time axis, without digits that say nothing."""
    if seconds == 0:
        return "0"
    if most < 1:
        return f"{1000 * seconds:g}ms"
    return f"{seconds:g}s" if seconds < 60 else format_duration(seconds).replace("m 00s", "m").replace("h 00m", "h")


def ratios(values: Sequence[float], width: float) -> tuple[list[float], float, float]:
    """Ticks for ratios on a logarithmic axis, and the logarithms of its ends: 1 is always inside, and 0.9 to 1.1 at least.

    Args:
        values: what is drawn.
        width: of the axis in pixels; ticks are as far apart as their words need.
    """
    known = [value for value in values if 0 < value < math.inf]
    low, high = math.log(min([0.9, *known])) - 0.02, math.log(max([1.1, *known])) + 0.02
    apart = _TICK * (high - low) / width
    kept = [1.0]
    for side in ([one for one in _RATIOS if one > 1], [one for one in reversed(_RATIOS) if one < 1]):
        last = 0.0
        for one in side:
            if low <= math.log(one) <= high and abs(math.log(one) - last) >= apart:
                kept.append(one)
                last = math.log(one)
    return sorted(kept), low, high
