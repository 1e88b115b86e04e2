"""Map whole texts to values, and find the one with the longest beginning of another text.

In order, texts that begin alike lie together, so that the one with the longest common beginning is a neighbour.

    order == the keys of `values`, sorted
"""

from __future__ import annotations

import bisect
import itertools
from typing import Generic, TypeVar

from kvcache.token_text import WIDTH, common, nearest
from kvcache.values import Unique

_T = TypeVar("_T")


class TextMap(Unique, Generic[_T]):
    """Texts of `token_text.bytes_of` and what belongs to each. Not thread-safe: its owner has the lock."""

    __slots__ = ("order", "values")

    def __init__(self) -> None:
        self.order: list[bytes] = []
        self.values: dict[bytes, _T] = {}

    def add(self, text: bytes, value: _T) -> None:
        """Take in a text that is not there yet."""
        bisect.insort(self.order, text)
        self.values[text] = value

    def remove(self, text: bytes) -> None:
        """Forget a text that is there."""
        del self.values[text]
        del self.order[bisect.bisect_left(self.order, text)]

    def longest(self, text: bytes) -> tuple[_T | None, int]:
        """The value of the text with the longest common beginning, and how many tokens that has; the shortest of several such texts."""
        known, count = nearest(self.order, text)
        if not count:
            return None, 0
        return self.values.get(text[: count * WIDTH], self.values[known]), count

    def whole(self, text: bytes) -> tuple[_T | None, int]:
        """The value of the longest text that another one begins with as a whole, and how many tokens that has."""
        count = len(text) // WIDTH
        while count:
            beginning = text[: count * WIDTH]
            at = bisect.bisect_right(self.order, beginning)
            if not at:
                break
            known = self.order[at - 1]
            count = common(known, beginning)
            if count * WIDTH == len(known):
                return self.values[known], count
        return None, 0

    def continued(self) -> set[bytes]:
        """The texts that another one goes on with; if any does, the next one in order does."""
        return {one for one, other in itertools.pairwise(self.order) if other.startswith(one)}
