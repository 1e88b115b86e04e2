"""Decide which session has a block: create, find, fork, append, evict. The roof: everything below is called from here."""

from contextlib import ExitStack, suppress
from typing import SupportsIndex

from kvcache import checks
from kvcache.errors import (
    InvalidSessionError,
    KVCacheError,
    PinnedEntryError,
    StaleEntryError,
)
from kvcache.sessions import arguments
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.held_sessions import HeldSessions
from kvcache.sessions.sharing import Beginning
from kvcache.values import Array, EvictionReason


class KVCacheManager(HeldSessions):
    """A cache of the keys and values of many sessions in one arena. Every method may be called from any thread.

    No lock is held while tokens are copied or blocks are zeroed.

    Args:
        layout: the model's layout; its `max_context` is the default and the limit of a session.
        capacity_bytes: bytes of the arena, in which each session reserves a block for its whole context.
        memory_bytes: bytes of memory that the tokens of all sessions may take together, in whole pages; None: no limit but the arena.
            With a limit the arena is only a range of addresses: it may be many times as large, a session takes memory as its tokens
            come, and gives it back when it goes. The layout's `alignment` must be `SYSTEM_PAGE` or a multiple. On Linux only.
        ttl_seconds: how long a session may go unused before it is gone: not found any more, and taken by `expire` or to make room; None: no limit.
        policy: what losing a session costs; the least recently used go first unless told otherwise.
        clock: tells the time in seconds.
        sinks: functions that get receipts of evictions and snapshots, after the lock was let go.
        trace: functions that get every step, for `python -m kvcache.replay`; may be the same as `sinks`.
        base_alignment: bytes; what the arena's address is a multiple of, see `SYSTEM_PAGE` and `HUGE_PAGE`.
        backing: where the arena's bytes come from.

    Raises:
        InvalidSizeError: `capacity_bytes` is not a whole number of at least the layout's alignment, or a duration or rate is
            not finite and above 0.
        OutOfMemoryError: the operating system has no such buffer to give.
    """

    def get_or_create(
        self,
        session_id: str,
        max_context_length: SupportsIndex | None = None,
        *,
        ttl_seconds: float | None = None,
        sequences: SupportsIndex = 1,
        encoding: str | None = None,
        priority: SupportsIndex | None = None,
    ) -> KVCacheEntry:
        """Return the session's entry, made with zeroed bytes if there is none.

        Where the arena is full, room is made by evicting the contiguous entries that the policy can spare best. If there are none,
        nothing is evicted.

        Args:
            session_id: whose entry.
            max_context_length: tokens the session must be able to hold; None: the model's, or what the entry has.
            ttl_seconds: a new session's own time to live; None: the manager's.
            sequences: how many of the same length it holds beside each other (a batch, beams): its entry has so many times the
                heads, those of the first sequence first.
            encoding: how a new session stores its numbers, see `KVLayout`; None: as all others.
            priority: that the session has from now on: those of a lower one go first, see `prioritize`. None: what it has, 0 where
                it is new.

        Raises:
            InvalidSessionError: not a string, or empty.
            DtypeError: there is no such encoding, or the layout is not one of float32.
            InvalidSizeError: `max_context_length` or `sequences` is not a whole number above 0, or `ttl_seconds` not finite and above
                0, or `priority` no whole number, or the session has another number of sequences.
            ContextOverflowError: more tokens than the model holds, or than the entry that exists was made for.
            OutOfMemoryError: there is no room and no way to make it.
            ClosedError: the manager is closed.
        """
        name = checks.session_name(session_id)
        layout = self._layout
        if max_context_length is not None:
            layout = layout.for_context(max_context_length, subject="max_context_length")
        batch = checks.whole_number("sequences", sequences, minimum=1)
        layout = layout.for_batch(batch)
        layout = layout if encoding is None else layout.for_encoding(encoding)
        ttl = arguments.time_to_live(ttl_seconds)
        own = None if priority is None else arguments.priority(priority)
        made: KVCacheEntry | None = None
        try:
            with self._ledger.delivery, self._ledger.lock:
                while made is None:
                    entry, now = self._find(name)
                    if entry is not None:
                        if max_context_length is not None:
                            arguments.refuse_smaller(entry, layout.max_context)
                        if entry.layout.sequences_of(self._layout) != batch:
                            arguments.refuse_other_batch(entry, self._layout, batch)
                        if own is not None:
                            self._table.prioritize(entry, own, now)
                        entry.hit(now)
                        return entry
                    # None after it has waited for a copy: all may be different now.
                    made = self._table.admit(name, layout, now=now, ttl_seconds=ttl, sequences=batch, priority=own or 0)
            # Until it is zeroed the entry shows and takes nothing: a caller that finds it meanwhile zeroes it, or waits for that.
            made.prepare()
        except BaseException:
            if made is not None:
                with self._ledger.delivery, self._ledger.lock:
                    self._table.withdraw(made)
            raise
        return made

    def get(self, session_id: str) -> KVCacheEntry | None:
        """Return the session's entry, or None, also where its time to live has ended. Counts as a hit or a miss; a hit is a use.

        Raises:
            InvalidSessionError: not a string, or empty.
            ClosedError: the manager is closed.
        """
        name = checks.session_name(session_id)
        with self._ledger.delivery, self._ledger.lock:
            entry, now = self._find(name)
            if entry is None:
                self._ledger.miss("miss", name, at=now)
            else:
                entry.hit(now)
            return entry

    def fork(
        self,
        source: str,
        target: str,
        tokens: SupportsIndex | None = None,
        *,
        ttl_seconds: float | None = None,
        priority: SupportsIndex | None = None,
    ) -> KVCacheEntry:
        """Make a session that begins with the tokens of another one, so that a shared prompt is computed once.

        Where the layout's `alignment` is a multiple of `SYSTEM_PAGE`, on Linux, whole pages are not copied but shown in both, copy-on-write.

        Args:
            source: whose tokens.
            target: the new session; what it had is evicted.
            tokens: so many from the start; None: all.
            ttl_seconds: the new session's own time to live; None: what the target had, else the manager's.
            priority: the new session's own, see `prioritize`; None: what the target had, else 0.

        Raises:
            InvalidSessionError: not a string, or empty, or the same twice.
            UnknownSessionError: the source has no entry.
            InvalidSizeError, OutOfBoundsError: it has not so many tokens, or `priority` is no whole number.
            PinnedEntryError: the target has a pinned entry.
            OutOfMemoryError: there is no room and no way to make it; the target has no entry then.
            ClosedError: the manager is closed.
        """
        name = checks.session_name(target)
        if name == source:
            raise InvalidSessionError("fork", expected=f"another session than {source!r}", got=target)
        entry = self.get(source)
        if entry is None:
            raise self._unknown("fork", checks.session_name(source))
        target_had = self._entries.get(name)
        if target_had is not None:
            ttl_seconds = target_had.ttl_seconds if ttl_seconds is None else ttl_seconds
            priority = target_had.priority if priority is None else priority
        ttl, own = arguments.time_to_live(ttl_seconds), arguments.priority(priority or 0)
        with entry.pin():
            beginning = entry.beginning(tokens)
            try:
                made = None
                if beginning.shows:
                    with suppress(OSError):  # there are no mappings left
                        made = self._begun(entry, name, ttl, own, beginning)
                if made is None:
                    made = self._begun(entry, name, ttl, own, entry.contents(beginning.tokens))
            finally:
                entry.let_go(beginning)
        return made

    def _begun(
        self, source: KVCacheEntry, name: str, ttl_seconds: float | None, priority: int, beginning: Beginning
    ) -> KVCacheEntry:
        """A new session like another one, with its first tokens, or none at all."""
        self.evict(name)
        sequences = source.layout.sequences_of(self._layout)
        own = source.layout.encoding
        made = self.get_or_create(
            name,
            source.max_context_length,
            ttl_seconds=ttl_seconds,
            sequences=sequences,
            encoding=None if own == self._layout.encoding else own,
            priority=priority,
        )
        try:
            made.begin(beginning)
        except BaseException:
            with suppress(KVCacheError):
                self.evict(name)
            raise
        return made

    def recode(self, session_id: str, encoding: str | None) -> bool:
        """Store a session's numbers in another encoding, in a new block; handles that were handed out before are stale then.

        The session is found by everybody meanwhile, and stays as it was if it is used.

        Args:
            session_id: which one.
            encoding: see `KVLayout`; None: float32.

        Returns:
            Whether it was recoded. It is not if it has no entry, has the encoding already, or is in use now.

        Raises:
            InvalidSessionError: not a string, or empty.
            DtypeError: there is no such encoding, or the layout is not one of float32.
            OutOfMemoryError: there is no room for both and no way to make it; the session is as it was.
            ClosedError: the manager is closed.
        """
        name = checks.session_name(session_id)
        self._layout.for_encoding(encoding)
        with ExitStack() as pins:
            with self._ledger.delivery, self._ledger.lock:
                source, now = self._find(name)
                self._table.settle()
                if source is None or not source.is_idle or source.layout.encoding == encoding:
                    return False
                pins.enter_context(source.pin())
                state = source.truncations, source.token_count, source.uses
                made = self._table.prepare_exchange(source, source.layout.for_encoding(encoding), now)
            if made is None:
                return False
            try:
                made.recode_from(source, state[1])
            except BaseException:
                with self._ledger.delivery, self._ledger.lock:
                    made.leave()
                raise
            with self._ledger.delivery, self._ledger.lock:
                pins.close()
                same = self._entries.get(name) is source and source.is_idle
                done = same and (source.truncations, source.token_count, source.uses) == state
                if done:
                    self._table.exchange(source, made, now)
                else:
                    made.leave()
        return done

    def append(self, session_id: str, key: Array, value: Array) -> int:
        """Write the keys and values of one or more tokens to the session's entry, see `KVCacheEntry.append`.

        Returns:
            The count of tokens from now on.

        Raises:
            InvalidSessionError: not a string, or empty.
            UnknownSessionError: the session has no entry, or lost it while the tokens were written.
            DtypeError, ShapeError, ContextOverflowError, OutOfMemoryError: nothing was written.
            ClosedError: the manager is closed.
        """
        # One lookup in a dict needs no lock; whether the entry is still the session's is asked under the lock below.
        name = session_id if type(session_id) is str else checks.session_name(session_id)
        entry = self._entries.get(name)
        if entry is not None and self._table.timed:
            with self._ledger.delivery, self._ledger.lock:
                entry, _ = self._find(name)
        if entry is None:
            raise self._unknown("append", name)
        try:
            return entry.append(key, value)
        except StaleEntryError:
            raise self._unknown("append", name) from None

    def evict(self, session_id: str) -> bool:
        """Take the session's block away; False when it had none.

        Raises:
            InvalidSessionError: not a string, or empty.
            PinnedEntryError: it is pinned.
            ClosedError: the manager is closed.
        """
        name = checks.session_name(session_id)
        with self._ledger.delivery, self._ledger.lock:
            self._refuse_if_closed()
            entry = self._entries.get(name)
            if entry is None:
                return False
            if entry.is_pinned:
                raise PinnedEntryError(f"evict {name!r}", expected="an entry without a pin", got="pinned")
            self._table.evict([name], EvictionReason.MANUAL, self._ledger.now())
            return True

    def prioritize(self, session_id: str, priority: SupportsIndex) -> bool:
        """Give a session another priority, which is no use of it; False when it has no entry.

        Where room is needed, sessions of the lowest priority go first, and the policy decides among those. One of a higher priority goes
        only if those of lower ones do not suffice; pin what must stay. Sessions whose time to live has ended go before all others.

        Args:
            session_id: which one.
            priority: any whole number; sessions have 0 unless told otherwise.

        Raises:
            InvalidSessionError: not a string, or empty.
            InvalidSizeError: `priority` is no whole number.
            ClosedError: the manager is closed.
        """
        name, own = checks.session_name(session_id), arguments.priority(priority)
        with self._ledger.delivery, self._ledger.lock:
            entry, now = self._find(name)
            if entry is not None:
                self._table.prioritize(entry, own, now)
            return entry is not None
