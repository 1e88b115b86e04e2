"""Find the entry that can be spared best without looking at all of them.

A heap whose ranks are brought up to date only at the top: right where the rank of an entry never falls while it lives, because what
lies deeper can then only be dearer than it says. Where a rank did fall (a priority was lowered), the entry is added again.
"""

import heapq
import itertools
from collections.abc import Callable
from typing import Final

from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.eviction import Rank

_SLACK: Final = 64
"""Outdated items that the heap may have, besides as many as there are live entries."""


class EvictionQueue:
    """The entries of a manager by what losing them costs; its owner has the lock.

    Args:
        rank: of an entry at a time; it never falls while the entry lives, unless the entry is added again.
        used: whether there is such a rank; if not, the queue stays empty.
    """

    def __init__(self, rank: Callable[[KVCacheEntry, float], Rank], *, used: bool = True) -> None:
        self._rank = rank
        self._used = used
        self._heap: list[tuple[Rank, int, KVCacheEntry]] = []
        self._numbers = itertools.count()
        self._limit = _SLACK

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, entry: KVCacheEntry, now: float) -> None:
        """Take in a new entry, or one whose rank fell."""
        if not self._used:
            return
        if len(self._heap) >= self._limit:
            # Where an entry was added again, only its last item has surely no higher rank than the entry.
            last = {id(item[2]): item for item in sorted(self._heap, key=lambda item: item[1]) if item[2].is_live}
            self._heap = list(last.values())
            heapq.heapify(self._heap)
            self._limit = 2 * len(self._heap) + _SLACK
        heapq.heappush(self._heap, (self._rank(entry, now), next(self._numbers), entry))

    def first(self, now: float) -> KVCacheEntry | None:
        """The cheapest entry that may be evicted; None where the rank is not known in advance, or there is none."""
        heap, busy = self._heap, list[tuple[Rank, int, KVCacheEntry]]()
        found = None
        while heap and found is None:
            rank, number, entry = heap[0]
            if not entry.is_live:
                heapq.heappop(heap)
            elif (current := self._rank(entry, now)) > rank:
                heapq.heapreplace(heap, (current, number, entry))
            elif not entry.is_idle:
                busy.append(heapq.heappop(heap))
            else:
                found = entry
        for item in busy:
            heapq.heappush(heap, item)
        return found
