"""Sets of line numbers as text: `1-4,9`. Pure."""

from __future__ import annotations

from collections.abc import Iterable


def to_ranges(lines: Iterable[int]) -> str:
    """The text of a set of numbers; empty for none."""
    found: list[list[int]] = []
    for line in sorted(set(lines)):
        if found and line == found[-1][1] + 1:
            found[-1][1] = line
        else:
            found.append([line, line])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def from_ranges(text: str) -> frozenset[int]:
    """The numbers of a text.

    Raises:
        ValueError: it is not from `to_ranges`.
    """
    numbers: set[int] = set()
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)
