"""Record what was evicted, and hand the records to whoever wants them.

Off by default: without a sink no record is made.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import SupportsIndex, TypeAlias

from kvcache import checks
from kvcache.statistics import Statistics
from kvcache.values import EvictionReason, Span


@dataclass(frozen=True, slots=True)
class EvictionReceipt:
    """One eviction.

    Attributes:
        session_id: who lost its block.
        span: the block.
        reason: why.
        token_count: tokens that were lost.
        created_at: when the entry was made, in seconds of the manager's clock.
        last_accessed: when it was last used.
        evicted_at: when it went.
        before: what the cache held just before.
        after: what it held just after.
    """

    session_id: str
    span: Span
    reason: EvictionReason
    token_count: int
    created_at: float
    last_accessed: float
    evicted_at: float
    before: Statistics
    after: Statistics


Sink: TypeAlias = Callable[[EvictionReceipt], object]
"""Whatever takes a receipt; what it returns is ignored, what it raises is counted."""


class MemorySink:
    """Keeps the latest `limit` receipts in memory; all of them when `limit` is None.

    Raises:
        InvalidSizeError: `limit` is not a whole number above 0.
    """

    def __init__(self, limit: SupportsIndex | None = None) -> None:
        maxlen = None if limit is None else checks.whole_number("sink limit", limit, minimum=1)
        self._receipts: deque[EvictionReceipt] = deque(maxlen=maxlen)

    def __call__(self, receipt: EvictionReceipt) -> None:
        """Keep `receipt`."""
        self._receipts.append(receipt)

    @property
    def receipts(self) -> tuple[EvictionReceipt, ...]:
        """What is kept, oldest first."""
        return tuple(self._receipts)


def deliver(receipts: Iterable[EvictionReceipt], sinks: Iterable[Sink]) -> int:
    """Hand every receipt to every sink, and return how often a sink raised. Never raises for a sink's sake."""
    targets = tuple(sinks)
    failures = 0
    for receipt in receipts:
        for sink in targets:
            try:
                sink(receipt)
            except Exception:  # noqa: BLE001 - whatever a sink does, the cache goes on; the caller counts it
                failures += 1
    return failures
