"""Keep the list of sessions in the arena: let sessions in, make room for them, and let them go with a receipt.

Everything here happens under the manager's lock. A block belongs to exactly one session from `admit` to its release:

    used bytes of the pool == sum of the blocks of listed sessions and of those that are leaving

Entries are leaving that were evicted while bytes were copied into them or a writable view was held, or closed while pinned: stale
at once, their blocks are free when the copy, the loan or the pin ends.

A session whose time to live has ended is gone: no lookup finds it, and it is the first to make room. One that is in use (pinned,
being written, lent) stays.
"""

import math
from collections.abc import Callable, Iterable
from time import perf_counter_ns
from typing import Literal

from kvcache import forking
from kvcache.errors import IntegrityError, OutOfMemoryError
from kvcache.memory.pool import MemoryPool
from kvcache.records.receipts import BatchReceipt, Block, EvictionReceipt, PoolSnapshot
from kvcache.records.statistics import PerformanceReport, Statistics
from kvcache.sessions.block_state import BlockState
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.eviction import Candidate, Policy, Rank, choose_expired, choose_window, rank
from kvcache.sessions.eviction_queue import EvictionQueue
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.ledger import Ledger
from kvcache.sessions.sharing import enough_of
from kvcache.values import EvictionReason, Span


class SessionTable:
    """The entries of a manager, and the pool they live in; its owner holds the ledger's lock in every call."""

    def __init__(
        self,
        pool: MemoryPool,
        ledger: Ledger,
        policy: Policy,
        ttl_seconds: float | None,
        memory_bytes: int | None,
    ) -> None:
        self.pool = pool
        self.entries: dict[str, KVCacheEntry] = {}
        self._leaving = set[BlockState]()
        self._coming = set[BlockState]()  # that a session is to go on with, see `prepare_exchange`
        self._ledger = ledger
        self._policy = policy
        self._memory = memory_bytes
        self._short = set[BlockState]()  # those that wait for memory, so that no other should wait for them
        self._queue = EvictionQueue(self._rank, used=policy.monotone)
        self._ttl = math.inf if ttl_seconds is None else ttl_seconds
        self._soonest = EvictionQueue(lambda entry, _: (0, self._expires_at(entry)))  # those whose time ends, by when
        self._windows = False  # whether any session gives back what is in front of a window
        self.timed = ttl_seconds is not None  # whether there ever was one whose time ends
        forking.register(self)

    def before_fork(self) -> None:
        """The ledger, which is older, holds the lock by now."""

    def after_fork(self, *, in_child: bool) -> None:
        """In the child, free what only threads of the parent were still writing to; the ledger's lock is held."""
        if in_child:
            for entry in self._owners():
                entry.forget_threads()
            for block in tuple(self._coming):  # what a thread of the parent was recoding into
                block.leave()

    def find(self, session_id: str, now: float) -> KVCacheEntry | None:
        """The session's entry, if its time has not ended; else it is evicted."""
        entry = self.entries.get(session_id)
        if entry is not None:
            self.settle()
            if self._expires_at(entry) <= now and entry.is_idle:
                self.evict([session_id], EvictionReason.TTL, now)
                return None
        return entry

    def expire(self, now: float) -> tuple[str, ...]:
        """Evict everybody whose time has ended; return their names, least recently used first."""
        self.settle()
        victims = choose_expired(self.candidates(), now=now)
        self.evict(victims, EvictionReason.TTL, now)
        return victims

    def settle(self) -> None:
        """Note which writable views are gone, before anything is decided."""
        returned = self._ledger.returned
        while returned:
            returned.popleft()()
        for block in tuple(self._leaving):  # what an interrupt (Ctrl-C) kept from leaving
            if self.entries.get(block.session_id) is block:
                self._leaving.discard(block)
            else:
                block.leave()

    def admit(
        self,
        session_id: str,
        layout: KVLayout,
        *,
        now: float,
        ttl_seconds: float | None,
        sequences: int = 1,
        priority: int = 0,
    ) -> KVCacheEntry | None:
        """Give the session a block, if need be in a room that is made for it. Its bytes are not zeroed yet.

        Returns:
            None after waiting for a copy to end, with the lock let go: ask again, for everything may have changed.

        Raises:
            OutOfMemoryError: there is no room and no way to make it; nothing was evicted.
        """
        began = perf_counter_ns()

        def miss(action: Literal["create", "refused"]) -> None:
            self._ledger.miss(
                action,
                session_id,
                layout.max_context,
                at=now,
                ttl_seconds=ttl_seconds,
                sequences=sequences,
                encoding=layout.encoding,
                priority=priority,
            )

        try:
            span = self._allocate(layout, now)
        except OutOfMemoryError:
            miss("refused")
            raise
        if span is None:
            return None
        entry = self._entry(session_id, layout, span, now, ttl_seconds, priority)
        try:
            self._queue.add(entry, now)  # asks the policy: should it raise, the entry was not shown yet
        except BaseException:
            entry.leave()
            raise
        if self._expires_at(entry) < math.inf:
            self.timed = True
            self._soonest.add(entry, now)
        miss("create")
        self.entries[session_id] = entry
        self._windows = self._windows or layout.has_windows
        self._ledger.meters.allocation.add(perf_counter_ns() - began)
        return entry

    def prioritize(self, entry: KVCacheEntry, priority: int, now: float) -> None:
        """Give an entry another priority."""
        before = entry.priority
        entry.take_priority(priority)
        try:
            if priority < before:
                self._queue.add(entry, now)  # asks the policy: should it raise, nothing was changed
        except BaseException:
            entry.take_priority(before)
            raise
        if priority != before:
            self._ledger.trace("prioritize", entry.session_id, at=now, priority=priority)

    def prepare_exchange(self, source: KVCacheEntry, layout: KVLayout, now: float) -> KVCacheEntry | None:
        """A block of another layout for a session that goes on with the one it has, until `exchange`; None: not now.

        Raises:
            OutOfMemoryError: there is no room and no way to make it.
        """
        span = self._allocate(layout, now)
        if span is None:
            return None
        made = self._entry(source.session_id, layout, span, now, source.ttl_seconds)
        self._coming.add(made)  # it has a block, and no lookup finds it
        return made

    def exchange(self, source: KVCacheEntry, made: KVCacheEntry, now: float) -> None:
        """Let a session go on in the other block; the handle of the one that it had is stale."""
        made.inherit(source)
        self._queue.add(made, now)
        self._soonest.add(made, now)
        self._coming.discard(made)
        self.entries[made.session_id] = made
        self._leaving.add(source)
        source.leave()
        self._ledger.trace("recode", made.session_id, at=now, encoding=made.layout.encoding)

    def _entry(
        self, session_id: str, layout: KVLayout, span: Span, now: float, ttl_seconds: float | None, priority: int = 0
    ) -> KVCacheEntry:
        return KVCacheEntry(
            self.pool,
            layout,
            span,
            session_id=session_id,
            ledger=self._ledger,
            now=now,
            owner=self,
            ttl_seconds=ttl_seconds,
            priority=priority,
        )

    def evict(self, session_ids: Iterable[str], reason: EvictionReason, now: float) -> None:
        """Take the blocks of these sessions away, with receipts if they are wanted."""
        leavers = [self.entries[session_id] for session_id in session_ids]
        if not leavers:
            return
        wanted = self._ledger.wanted
        performance = self._ledger.meters.report(now) if wanted else None
        first = before = self.statistics() if wanted else None
        for entry in leavers:
            tokens, last_accessed = entry.token_count, entry.last_accessed
            self._ledger.say_farewell(entry, reason)
            self._dismiss(entry, reason)
            self._ledger.trace("evict", entry.session_id, tokens, at=now, reason=reason)
            if performance is not None and before is not None:
                after = self.statistics()
                facts = (tokens, entry.created_at, last_accessed, now, before, after, performance, entry.priority)
                self._ledger.keep(EvictionReceipt(entry.session_id, entry.span, reason, *facts))
                before = after
        if first is not None and before is not None and len(leavers) > 1:
            self._ledger.keep(
                BatchReceipt(
                    reason=reason,
                    session_ids=tuple(entry.session_id for entry in leavers),
                    bytes_freed=first.bytes_used - before.bytes_used,
                    tokens_lost=before.ended_tokens - first.ended_tokens,
                    evicted_at=now,
                    before=first,
                    after=before,
                )
            )

    def candidates(self) -> list[Candidate]:
        """The entries that may be evicted, in order of creation."""
        return [self._candidate(entry) for entry in self.entries.values() if entry.is_idle]

    def statistics(self) -> Statistics:
        """What the cache holds now."""
        self.settle()
        pool = self.pool
        return self._ledger.counters.snapshot(
            bytes_capacity=pool.capacity,
            bytes_used=pool.used,
            largest_free=pool.largest_free,
            bytes_resident=pool.resident,
            sessions=len(self.entries),
        )

    def performance(self, now: float) -> PerformanceReport:
        """How quick the cache was."""
        return self._ledger.meters.report(now)

    def snapshot(self, now: float) -> PoolSnapshot:
        """Everything that has a place in the arena."""
        self.settle()
        blocks = (
            Block(
                entry.session_id,
                entry.span,
                entry.token_count,
                entry.created_at,
                entry.last_accessed,
                entry.is_pinned,
                entry.priority,
            )
            for entry in sorted(self.entries.values(), key=lambda entry: entry.span)
        )
        return PoolSnapshot(now, self.statistics(), self.performance(now), tuple(blocks), self.pool.free_spans())

    def check(self) -> None:
        """Prove that the blocks of listed sessions and leavers are exactly what the pool has handed out, and the tokens add up.

        Raises:
            IntegrityError: they do not, or an invariant of the allocator is broken.
        """
        self.pool.check()
        blocks = sorted((entry.span.offset, entry.span.serial) for entry in self._owners())
        live = [(span.offset, span.serial) for span in self.pool.live_spans()]
        if blocks != live:
            raise IntegrityError("manager", expected=f"one entry for each of the blocks {live}", got=blocks)
        counted, tokens = self._ledger.counters.tokens, sum(entry.token_count for entry in self.entries.values())
        if counted != tokens:
            raise IntegrityError("manager", expected=f"{counted} tokens in all entries", got=tokens)

    def _allocate(self, layout: KVLayout, now: float) -> Span | None:
        self.settle()
        try:
            return self.pool.allocate(layout.block_bytes)
        except OutOfMemoryError as error:
            if layout.block_bytes > self.pool.capacity:
                raise
            if self._evict_expired(now):
                return self._allocate(layout, now)
            victims = self._window(layout, now)
            if victims is None:
                if self._wait_for_a_copy():
                    return None
                raise self._refusal(error) from None
        self.evict(victims, self._policy.reason, now)
        # The choice has proved that this succeeds.
        return self.pool.allocate(layout.block_bytes)

    def _evict_expired(self, now: float) -> bool:
        """Evict the sessions whose time has ended, and say whether there were any."""
        victims = list[str]()
        while (entry := self._soonest.first(now)) is not None and self._expires_at(entry) <= now:
            victims.append(entry.session_id)
            self.evict(victims[-1:], EvictionReason.TTL, now)
        return bool(victims)

    def _window(self, layout: KVLayout, now: float) -> tuple[str, ...] | None:
        """The sessions that can be spared best and leave room for the layout's block in one piece; None where there are none."""
        size = layout.block_bytes
        if self.pool.free < size:
            # One has to go at least, and none costs less than the cheapest.
            cheapest = self._queue.first(now)
            if cheapest is not None and self.pool.extent(cheapest.span).length >= size:
                return (cheapest.session_id,)
        return choose_window(
            self.candidates(),
            self.pool.free_spans(),
            size=size,
            alignment=layout.alignment,
            policy=self._policy,
            now=now,
        )

    def _wait_for_a_copy(self) -> bool:
        """Wait until a copy into some block has ended, and say whether there was one to wait for."""
        copying = (entry for entry in self._owners() if entry.is_copying)
        if not any(entry not in self._short for entry in copying):
            return False
        ledger = self._ledger
        ledger.waiting += 1
        try:
            ledger.copied.wait()
        finally:
            ledger.waiting -= 1
        return True

    def _refusal(self, error: OutOfMemoryError) -> OutOfMemoryError:
        pinned = sum(entry.span.length for entry in self._owners() if not entry.is_idle)
        return OutOfMemoryError(
            "make room",
            needed=error.needed,
            free=self.pool.free,
            largest=self.pool.largest_free,
            pinned=pinned,
            capacity=self.pool.capacity,
        )

    def _dismiss(self, entry: KVCacheEntry, reason: EvictionReason) -> None:
        counters, tokens = self._ledger.counters, entry.token_count
        self._leaving.add(entry)  # first, so that `settle` finds it if an interrupt comes in between
        del self.entries[entry.session_id]
        counters.tokens -= tokens
        counters.ended_tokens += tokens
        counters.evictions[reason] += 1
        entry.leave()

    def withdraw(self, entry: KVCacheEntry) -> None:
        """Take back an entry that could not be made after all, unless another thread has found it and made it ready."""
        if self.entries.get(entry.session_id) is entry and not entry.is_ready:
            del self.entries[entry.session_id]
            self._leaving.add(entry)
            self._ledger.trace("evict", entry.session_id, at=entry.created_at, reason=EvictionReason.MANUAL)
            entry.leave()

    @property
    def limits_memory(self) -> bool:
        """Whether memory is counted, and given back with the block."""
        return self._memory is not None

    def release(self, block: BlockState) -> None:
        """Take the block of an entry that left and is not used any more; its pages go back where memory is limited."""
        if isinstance(block, KVCacheEntry):
            block.give_back()
        self._leaving.discard(block)
        self._coming.discard(block)
        self.pool.deallocate(block.span)
        if self._memory is not None and not self.pool.closed:
            self.pool.release(block.span.offset, block.span.length)

    def make_memory(self, block: BlockState, missing: Callable[[], int]) -> None:
        """Evict the sessions that can be spared best until `missing()` bytes more can be written to.

        May wait for copies to end, with the lock let go. The caller counts as copying, so that it is not evicted for others.

        Raises:
            OutOfMemoryError: there is no way; nothing was evicted.
        """
        if self._memory is None:
            return
        while (short := self.pool.resident + missing() - self._memory) > 0:
            now = self._ledger.now()
            self.settle()
            if self._evict_expired(now) or self.pass_windows():
                continue
            victims = self._sparest(short, now)
            if victims is not None:
                self.evict(victims, self._policy.reason, now)
                continue
            self._short.add(block)
            try:
                if not self._wait_for_a_copy():
                    free = max(self._memory - self.pool.resident, 0)
                    raise OutOfMemoryError(
                        "make memory",
                        needed=missing(),
                        free=free,
                        largest=free,
                        pinned=self._bytes_in_use(),
                        capacity=self._memory,
                        whole="memory",
                    )
            finally:
                self._short.discard(block)

    def pass_windows(self) -> int:
        """Give back what is in front of the windows of sessions that are not in use; return how many bytes that were."""
        entries = self.entries.values() if self._windows else ()
        return sum(entry.pass_windows() for entry in entries if entry.is_idle)

    def _sparest(self, short: int, now: float) -> tuple[str, ...] | None:
        """The sessions that can be spared best and hold `short` bytes of memory together, the cheapest first; None where all hold less."""
        cheapest = self._queue.first(now)
        if cheapest is not None and enough_of([cheapest], short):
            return (cheapest.session_id,)
        ranked = [(rank(self._policy, each, now), each.last_accessed, each.session_id) for each in self.candidates()]
        victims = enough_of((self.entries[name] for _, _, name in sorted(ranked)), short)
        return None if victims is None else tuple(entry.session_id for entry in victims)

    def _bytes_in_use(self) -> int:
        return sum(entry.resident_bytes for entry in self._owners() if not entry.is_idle)

    def _owners(self) -> tuple[BlockState, ...]:
        """All that have a block."""
        return (*self.entries.values(), *self._leaving, *self._coming)

    def _candidate(self, entry: KVCacheEntry) -> Candidate:
        return Candidate(
            entry.session_id,
            entry.span,
            entry.last_accessed,
            entry.token_count,
            entry.uses,
            self._expires_at(entry),
            entry.priority,
        )

    def _rank(self, entry: KVCacheEntry, now: float) -> Rank:
        return rank(self._policy, self._candidate(entry), now)

    def _expires_at(self, entry: KVCacheEntry) -> float:
        ttl = entry.ttl_seconds
        return entry.last_accessed + (self._ttl if ttl is None else ttl)
