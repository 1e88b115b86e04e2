"""Hold the sessions of a manager: what there is, how it goes, and what it says of itself."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import SupportsIndex

from kvcache import checks
from kvcache.errors import ClosedError, UnknownSessionError
from kvcache.memory.arena import Backing
from kvcache.memory.pool import MemoryPool
from kvcache.records.receipts import PoolSnapshot, Sink
from kvcache.records.statistics import PerformanceReport, Statistics
from kvcache.sessions import arguments
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.eviction import LRU, Policy
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.ledger import Ledger, Watcher
from kvcache.sessions.session_table import SessionTable
from kvcache.values import CACHE_LINE, Clock, Closing, EvictionReason


class HeldSessions(Closing):
    """What a manager holds; how sessions come and what is done with them is added by `KVCacheManager`."""

    def __init__(
        self,
        layout: KVLayout,
        *,
        capacity_bytes: SupportsIndex,
        memory_bytes: SupportsIndex | None = None,
        ttl_seconds: float | None = None,
        policy: Policy | None = None,
        clock: Clock = time.monotonic,
        sinks: Iterable[Sink] = (),
        trace: Iterable[Sink] = (),
        base_alignment: SupportsIndex = CACHE_LINE,
        backing: Backing = "mapping",
    ) -> None:
        self._layout = layout
        ttl = arguments.time_to_live(ttl_seconds)
        policy = policy or LRU()
        pool = MemoryPool(capacity_bytes, alignment=layout.alignment, base_alignment=base_alignment, backing=backing)
        self._pool = pool
        memory = None if memory_bytes is None else arguments.memory_limit(memory_bytes, layout, pool)
        self._ledger = Ledger(clock=clock, sinks=sinks, trace=trace)
        self._table = SessionTable(pool, self._ledger, policy, ttl, memory)
        self._entries = self._table.entries
        opening = arguments.opening(
            self._ledger.now(), pool.capacity, layout, policy, ttl_seconds=ttl, memory_bytes=memory
        )
        with self._ledger.delivery, self._ledger.lock:
            self._ledger.open(opening)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, session_id: object) -> bool:
        return isinstance(session_id, str) and str.__str__(session_id) in self._entries

    @property
    def layout(self) -> KVLayout:
        """The model's layout."""
        return self._layout

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._pool.closed

    def sessions(self) -> tuple[str, ...]:
        """The ids of the sessions that have a block, in order of creation."""
        with self._ledger.lock:
            return tuple(self._entries)

    def expire(self, now: float | None = None) -> tuple[str, ...]:
        """Evict every session whose time to live ended until `now`, in seconds (None: the clock's time), but for pinned ones.

        Returns:
            The session ids, least recently used first; empty where no time to live is set.

        Raises:
            InvalidSizeError: `now` is not a finite number.
            ClosedError: the manager is closed.
        """
        moment = None if now is None else checks.seconds("now", now)
        with self._ledger.delivery, self._ledger.lock:
            self._refuse_if_closed()
            return self._table.expire(self._ledger.now() if moment is None else moment)

    def unused_for(self, seconds: float, now: float | None = None) -> dict[str, int]:
        """The sessions that were not used for so long or longer, and bytes of a token's keys in a sequence; this is no use itself.

        Raises:
            InvalidSizeError: not finite numbers.
            ClosedError: the manager is closed.
        """
        least = checks.seconds("seconds", seconds)
        moment = None if now is None else checks.seconds("now", now)
        with self._ledger.delivery, self._ledger.lock:
            self._refuse_if_closed()
            end = (self._ledger.now() if moment is None else moment) - least
            return {
                name: entry.layout.token_bytes // entry.layout.sequences_of(self._layout)
                for name, entry in self._entries.items()
                if entry.last_accessed <= end
            }

    def clear(self) -> tuple[str, ...]:
        """Evict every session that is not pinned, and return their ids.

        Raises:
            ClosedError: the manager is closed.
        """
        with self._ledger.delivery, self._ledger.lock:
            self._refuse_if_closed()
            victims = tuple(name for name, entry in self._entries.items() if not entry.is_pinned)
            self._table.evict(victims, EvictionReason.MANUAL, self._ledger.now())
            return victims

    def trim(self) -> int:
        """Give the memory of everything that is free, or in front of a window, back to the system; a manager with `memory_bytes` does so by itself.

        Returns:
            How many bytes less the cache takes; 0 where the system takes no pages back.

        Raises:
            ClosedError: the manager is closed.
        """
        with self._ledger.delivery, self._ledger.lock:
            self._refuse_if_closed()
            self._table.settle()
            return self._table.pass_windows() + self._pool.trim()

    def close(self) -> None:
        """Evict every session, pinned or not, with a receipt, and let go of the arena; a second time does nothing."""
        with suppress(ClosedError), self._ledger.delivery, self._ledger.lock:
            self._refuse_if_closed()
            now = self._ledger.now_or_latest()
            self._table.evict(tuple(self._entries), EvictionReason.SHUTDOWN, now)
            self._ledger.trace("close", at=now)
            self._pool.close()

    def statistics(self) -> Statistics:
        """Measure what the cache holds and has done.

        Raises:
            ClosedError: the manager is closed.
        """
        with self._ledger.delivery, self._ledger.lock:
            self._refuse_if_closed()
            return self._table.statistics()

    def performance(self) -> PerformanceReport:
        """Measure how quick the cache is.

        Raises:
            ClosedError: the manager is closed.
        """
        with self._ledger.delivery, self._ledger.lock:
            self._refuse_if_closed()
            return self._table.performance(self._ledger.now())

    def snapshot(self) -> PoolSnapshot:
        """Record everything that has a place in the arena; the sinks get it, too.

        Raises:
            ClosedError: the manager is closed.
        """
        with self._ledger.delivery, self._ledger.lock:
            self._refuse_if_closed()
            snapshot = self._table.snapshot(self._ledger.now())
            if self._ledger.wanted:
                self._ledger.keep(snapshot)
            return snapshot

    def before_eviction(self, farewell: Callable[[KVCacheEntry, EvictionReason], None]) -> None:
        """Have a function called with each session whose bytes are about to go, for any reason, while they are still there.

        The manager's lock is held: be quick, and do not wait. What it raises is counted as a failure of a sink.

        Raises:
            ClosedError: the manager is closed.
        """
        with self._ledger.delivery, self._ledger.lock:
            self._refuse_if_closed()
            self._ledger.farewells.append(farewell)

    def watch_losses(self, watcher: Watcher) -> None:
        """Have a method called with each session that lost tokens, or its block, and how many of its first tokens are as they were.

        The manager's lock is held: be quick, and do not wait. What it returns is called when the lock was let go; what that raises
        is counted as a failure of a sink.

        Args:
            watcher: a method of an object, which may go at any time.

        Raises:
            ClosedError: the manager is closed.
        """
        with self._ledger.delivery, self._ledger.lock:
            self._refuse_if_closed()
            self._ledger.watch(watcher)

    def check(self) -> None:
        """Prove that every block has one owner, and that bytes and tokens add up.

        Raises:
            IntegrityError: they do not.
        """
        with self._ledger.lock:
            self._table.check()

    def _find(self, name: str) -> tuple[KVCacheEntry | None, float]:
        """The session's entry, and the time for which that holds."""
        self._refuse_if_closed()
        now = self._ledger.now()
        # Without times to live there is nothing to ask; a lookup is short enough for that to count.
        return self._table.find(name, now) if self._table.timed else self._entries.get(name), now

    def _unknown(self, subject: str, session_id: object) -> Exception:
        name = checks.session_name(session_id)
        if self.closed:
            return _closed()
        remedy = "get_or_create makes one"
        return UnknownSessionError(subject, expected="a session with an entry", got=name, remedy=remedy)

    def _refuse_if_closed(self) -> None:
        if self.closed:
            raise _closed()


def _closed() -> ClosedError:
    return ClosedError("manager", expected="an open manager", got="closed")
