"""Decide which session has a block: create, find, append, evict, expire.

The manager owns every transition of an entry's life. A block belongs to exactly one session from `_create` to `_evict`:

    used bytes of the pool == sum of the entries' blocks
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Self, SupportsIndex

from kvcache import checks
from kvcache.entry import KVCacheEntry
from kvcache.errors import (
    ClosedError,
    ContextOverflowError,
    IntegrityError,
    InvalidSizeError,
    OutOfMemoryError,
    UnknownSessionError,
)
from kvcache.eviction import Candidate, choose_expired, choose_window
from kvcache.layout import KVLayout
from kvcache.pool import MemoryPool
from kvcache.receipts import EvictionReceipt, Sink, deliver
from kvcache.statistics import Counters, Statistics
from kvcache.values import Array, Clock, EvictionReason, Span


class KVCacheManager:
    """A cache of the keys and values of many sessions in one arena. Every method may be called from any thread.

    Args:
        layout: the model's layout; its `max_context` is the default and the limit of a session.
        capacity_bytes: bytes of the arena.
        ttl_seconds: how long a session may go unused before `expire` takes it; None: for ever.
        clock: tells the time in seconds.
        sinks: who is told of each eviction, after the lock was let go.

    Raises:
        InvalidSizeError: `capacity_bytes` is not a whole number above 0, or `ttl_seconds` not finite and above 0.
        OutOfMemoryError: the operating system has no such buffer to give.
    """

    def __init__(
        self,
        layout: KVLayout,
        *,
        capacity_bytes: SupportsIndex,
        ttl_seconds: float | None = None,
        clock: Clock = time.monotonic,
        sinks: Iterable[Sink] = (),
    ) -> None:
        self._layout = layout
        self._ttl = None if ttl_seconds is None else checks.seconds("ttl_seconds", ttl_seconds)
        if self._ttl is not None and self._ttl <= 0:
            raise InvalidSizeError("ttl_seconds", expected="more than 0 seconds", got=ttl_seconds)
        self._clock = clock
        self._sinks = tuple(sinks)
        self._pool = MemoryPool(capacity_bytes, alignment=layout.alignment)
        self._entries: dict[str, KVCacheEntry] = {}
        self._counters = Counters()
        self._outbox: list[EvictionReceipt] = []
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, session_id: object) -> bool:
        return session_id in self._entries

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
        with self._lock:
            return tuple(self._entries)

    def get_or_create(self, session_id: str, max_context_length: SupportsIndex | None = None) -> KVCacheEntry:
        """Return the session's entry, made with zeroed bytes if there is none.

        Where the arena is full, the least recently used entries whose blocks make enough room in one piece are evicted. If no
        such choice exists, nobody is.

        Args:
            session_id: whose entry.
            max_context_length: tokens the session must be able to hold; None: the model's, or whatever the entry has.

        Raises:
            InvalidSessionError: not a string, or empty.
            InvalidSizeError: `max_context_length` is not a whole number above 0.
            ContextOverflowError: more tokens than the model holds, or than the entry that exists was made for.
            OutOfMemoryError: there is no room, and no eviction would make it.
            ClosedError: the manager is closed.
        """
        name = checks.session_name(session_id)
        layout = self._layout if max_context_length is None else self._layout.for_context(max_context_length)
        with self._transaction():
            entry = self._entries.get(name)
            if entry is None:
                self._counters.misses += 1
                return self._create(name, layout)
            if max_context_length is not None and layout.max_context > entry.max_context_length:
                expected = f"at most the {entry.max_context_length} tokens it was made for"
                remedy = "evict it first to make it anew"
                raise ContextOverflowError(
                    f"session {name!r}", expected=expected, got=layout.max_context, remedy=remedy
                )
            entry.touch()
            self._counters.hits += 1
            return entry

    def get(self, session_id: str) -> KVCacheEntry | None:
        """Return the session's entry, or None. Counts as a hit or a miss; a hit is a use.

        Raises:
            InvalidSessionError: not a string, or empty.
            ClosedError: the manager is closed.
        """
        name = checks.session_name(session_id)
        with self._transaction():
            entry = self._entries.get(name)
            if entry is None:
                self._counters.misses += 1
                return None
            entry.touch()
            self._counters.hits += 1
            return entry

    def append(self, session_id: str, key: Array, value: Array) -> int:
        """Write the keys and values of one or more tokens to the session's entry, see `KVCacheEntry.append`.

        Returns:
            The count of tokens from now on.

        Raises:
            InvalidSessionError: not a string, or empty.
            UnknownSessionError: the session has no entry.
            DtypeError, ShapeError, ContiguityError, ContextOverflowError: nothing was written.
            ClosedError: the manager is closed.
        """
        name = checks.session_name(session_id)
        with self._transaction():
            entry = self._entries.get(name)
            if entry is None:
                remedy = "get_or_create makes one"
                raise UnknownSessionError("append", expected="a session with an entry", got=name, remedy=remedy)
            return entry.append(key, value)

    def evict(self, session_id: str) -> bool:
        """Take the session's block away; False when it had none.

        Raises:
            InvalidSessionError: not a string, or empty.
            ClosedError: the manager is closed.
        """
        name = checks.session_name(session_id)
        with self._transaction():
            if name not in self._entries:
                return False
            self._evict([name], EvictionReason.MANUAL)
            return True

    def expire(self, now: float | None = None) -> tuple[str, ...]:
        """Evict every session that went unused for `ttl_seconds` until `now`, in seconds (None: the clock's time).

        Returns:
            The session ids, least recently used first; empty where no time to live is set.

        Raises:
            InvalidSizeError: `now` is not a finite number.
            ClosedError: the manager is closed.
        """
        moment = None if now is None else checks.seconds("now", now)
        with self._transaction():
            if self._ttl is None:
                return ()
            at = self._clock() if moment is None else moment
            victims = choose_expired(self._candidates(), now=at, ttl=self._ttl)
            self._evict(victims, EvictionReason.TTL)
            return victims

    def clear(self) -> tuple[str, ...]:
        """Evict every session and return their ids.

        Raises:
            ClosedError: the manager is closed.
        """
        with self._transaction():
            victims = tuple(self._entries)
            self._evict(victims, EvictionReason.MANUAL)
            return victims

    def close(self) -> None:
        """Evict every session with a receipt, and let go of the arena; a second time does nothing."""
        with suppress(ClosedError), self._transaction():
            self._evict(tuple(self._entries), EvictionReason.SHUTDOWN)
            self._pool.close()

    def statistics(self) -> Statistics:
        """Measure the cache as it is now.

        Raises:
            ClosedError: the manager is closed.
        """
        with self._transaction():
            return self._snapshot()

    def check(self) -> None:
        """Prove that the blocks of the entries are exactly what the pool has handed out.

        Raises:
            IntegrityError: they are not, or an invariant of the allocator is broken.
        """
        with self._lock:
            self._pool.check()
            blocks = sorted((entry.span.offset, entry.span.serial) for entry in self._entries.values())
            live = [(span.offset, span.serial) for span in self._pool.live_spans()]
            if blocks != live:
                raise IntegrityError("manager", expected=f"one entry for each of the blocks {live}", got=blocks)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Hold the lock for one call, and deliver its receipts once it is let go: a sink may be slow, or may call back."""
        receipts: list[EvictionReceipt] = []
        try:
            with self._lock:
                if self.closed:
                    raise ClosedError("manager", expected="an open manager", got="closed")
                try:
                    yield
                finally:
                    receipts, self._outbox = self._outbox, []
        finally:
            failures = deliver(receipts, self._sinks)
            if failures:
                with self._lock:
                    self._counters.sink_failures += failures

    def _create(self, session_id: str, layout: KVLayout) -> KVCacheEntry:
        span = self._allocate(layout)
        try:
            self._pool.zero_range(span.offset, layout.region_bytes)
            self._pool.zero_range(span.offset + layout.value_offset, layout.region_bytes)
            entry = KVCacheEntry(self._pool, layout, span, session_id=session_id, clock=self._clock, lock=self._lock)
        except BaseException:
            self._pool.deallocate(span)
            raise
        self._entries[session_id] = entry
        return entry

    def _allocate(self, layout: KVLayout) -> Span:
        """Allocate one block, if need be in a room that evictions make; the choice has proved that the retry succeeds."""
        try:
            return self._pool.allocate(layout.block_bytes)
        except OutOfMemoryError:
            victims = choose_window(
                self._candidates(), self._pool.free_spans(), size=layout.block_bytes, alignment=layout.alignment
            )
            if victims is None:
                raise
        self._evict(victims, EvictionReason.LRU)
        return self._pool.allocate(layout.block_bytes)

    def _evict(self, session_ids: Iterable[str], reason: EvictionReason) -> None:
        """Take the blocks of these sessions away and put the receipts, if anybody wants them, into the outbox."""
        now = self._clock()
        for session_id in session_ids:
            entry = self._entries[session_id]
            if self._sinks:
                self._outbox.append(self._release_with_receipt(entry, reason, now))
            else:
                self._release(entry, reason)

    def _release(self, entry: KVCacheEntry, reason: EvictionReason) -> None:
        # The pool first: if it refuses, the entry is still ours. From here on every handle on it is stale.
        self._pool.deallocate(entry.span)
        del self._entries[entry.session_id]
        self._counters.evictions[reason] += 1

    def _release_with_receipt(self, entry: KVCacheEntry, reason: EvictionReason, now: float) -> EvictionReceipt:
        before, tokens, last_accessed = self._snapshot(), entry.token_count, entry.last_accessed
        self._release(entry, reason)
        return EvictionReceipt(
            session_id=entry.session_id,
            span=entry.span,
            reason=reason,
            token_count=tokens,
            created_at=entry.created_at,
            last_accessed=last_accessed,
            evicted_at=now,
            before=before,
            after=self._snapshot(),
        )

    def _candidates(self) -> list[Candidate]:
        return [Candidate(name, entry.span, entry.last_accessed) for name, entry in self._entries.items()]

    def _snapshot(self) -> Statistics:
        pool = self._pool
        return self._counters.snapshot(
            bytes_capacity=pool.capacity,
            bytes_used=pool.used,
            largest_free=pool.largest_free,
            sessions=len(self._entries),
        )
