"""Durations in a config."""

from __future__ import annotations

from math import inf
from typing import Any

from gates.portable.values import parse_duration


def seconds(value: Any) -> float:
    """A duration in a config: `'90s'`, or seconds.

    Raises:
        ValueError: it is not a duration, or not above zero.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        found = float(value) if number else parse_duration(value) if isinstance(value, str) else 0.0
    except (ValueError, OverflowError):
        found = 0.0
    if not 0 < found < inf:
        raise ValueError("a duration such as '90s' or '10m', or seconds above zero")
    return found
