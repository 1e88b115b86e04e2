"""Keep the books that a manager and its entries share: the lock, the clock, counts, durations, and records to deliver.

Records are made under the lock and delivered after it was let go: a sink may be slow, or may call back.
"""

import threading
from collections.abc import Iterable
from types import TracebackType
from typing import Final

from kvcache.receipts import Action, Record, Sink, TraceEvent
from kvcache.statistics import Counters, Meters
from kvcache.values import Clock, EvictionReason

WINDOW_SECONDS: Final = 60.0
"""Over which requests per second are counted."""


class Ledger:
    """The books of one cache. `with ledger:` holds its lock and delivers afterwards; `ledger.lock` only holds."""

    __slots__ = (
        "_outbox",
        "_sequence",
        "_sinks",
        "_tracers",
        "clock",
        "copied",
        "counters",
        "lock",
        "meters",
        "tracing",
        "waiting",
    )

    def __init__(self, *, clock: Clock, sinks: Iterable[Sink], trace: Iterable[Sink]) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.copied = threading.Condition(self.lock)  # a copy into a block has ended
        self.waiting = 0
        self.counters = Counters()
        self.meters = Meters(WINDOW_SECONDS)
        self._sinks = tuple(sinks)
        self._tracers = tuple(trace)
        self.tracing = bool(self._tracers)  # whether anybody wants each step
        self._outbox: list[tuple[tuple[Sink, ...], Record]] = []
        self._sequence = 0

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.lock.release()
        if self._outbox:
            self.deliver()

    @property
    def wanted(self) -> bool:
        """Whether anybody wants receipts."""
        return bool(self._sinks)

    def open(self, record: Record) -> None:
        """Keep the record that a trace begins with, for those who want one."""
        if self._tracers:
            self._outbox.append((self._tracers, record))

    def keep(self, record: Record) -> None:
        """Keep a receipt until the lock is let go."""
        self._outbox.append((self._sinks, record))

    def trace(
        self,
        action: Action,
        session_id: str = "",
        tokens: int = 0,
        *,
        at: float,
        reason: EvictionReason | None = None,
        ttl_seconds: float | None = None,
    ) -> None:
        """Keep a step until the lock is let go, if anybody wants it."""
        if self._tracers:
            event = TraceEvent(self._sequence, action, session_id, at, tokens, reason, ttl_seconds)
            self._sequence += 1
            self._outbox.append((self._tracers, event))

    def deliver(self) -> None:
        """Hand what was kept to the sinks. Never raises for a sink's sake; the lock must not be held."""
        with self.lock:
            outbox, self._outbox = self._outbox, []
        failures = 0
        for sinks, record in outbox:
            for sink in sinks:
                try:
                    sink(record)
                except Exception:  # noqa: BLE001 - whatever a sink does, the cache goes on; the failure is counted
                    failures += 1
        if failures:
            with self.lock:
                self.counters.sink_failures += failures
