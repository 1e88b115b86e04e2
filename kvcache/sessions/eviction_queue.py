"""Find the entry that a policy can spare best without looking at all of them.

A heap whose costs are brought up to date only at the top: right for every policy by which the cost of an entry never falls while
it lives (`Policy.monotone`), because what lies deeper can then only be dearer than it says.
"""

import heapq
import itertools
from collections.abc import Callable
from typing import Final

from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.eviction import Candidate, Policy

_SLACK: Final = 64
"""Entries that may be gone before the heap is made anew, besides as many as there are live ones."""


class EvictionQueue:
    """The entries of a manager by what losing them costs; its owner has the lock."""

    def __init__(self, policy: Policy, describe: Callable[[KVCacheEntry], Candidate]) -> None:
        self._policy = policy
        self._describe = describe
        self._heap: list[tuple[float, int, KVCacheEntry]] = []
        self._numbers = itertools.count()
        self._limit = _SLACK

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, entry: KVCacheEntry, now: float) -> None:
        """Take in a new entry."""
        if not self._policy.monotone:
            return
        if len(self._heap) >= self._limit:
            self._heap = [item for item in self._heap if item[2].is_live]
            heapq.heapify(self._heap)
            self._limit = 2 * len(self._heap) + _SLACK
        heapq.heappush(self._heap, (self._cost(entry, now), next(self._numbers), entry))

    def first(self, now: float) -> KVCacheEntry | None:
        """The cheapest entry that may be evicted; None where the policy does not say it in advance, or there is none."""
        heap, busy = self._heap, list[tuple[float, int, KVCacheEntry]]()
        found = None
        while heap and found is None:
            cost, number, entry = heap[0]
            if not entry.is_live:
                heapq.heappop(heap)
            elif (current := self._cost(entry, now)) > cost:
                heapq.heapreplace(heap, (current, number, entry))
            elif not entry.is_idle:
                busy.append(heapq.heappop(heap))
            else:
                found = entry
        for item in busy:
            heapq.heappush(heap, item)
        return found

    def _cost(self, entry: KVCacheEntry, now: float) -> float:
        return self._policy.cost(self._describe(entry), now)
