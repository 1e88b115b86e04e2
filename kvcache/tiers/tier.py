"""Put sessions into a store before their bytes go, and bring them back when they are asked for.

Nothing here makes the decode path wait for long, or fail: an answer that is late or not what was stored is a miss.

    a session's copy in the store is used only if it is the last state of the session that this process knows of:
    it was put there last, or by another process and never contradicted (see `_stale`)

Locks: the manager's before the tier's, never the other way round.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, SupportsIndex, TypeVar

from kvcache import checks, forking
from kvcache.errors import DtypeError, InvalidSessionError, InvalidSizeError, KVCacheError, SnapshotError
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.manager import KVCacheManager
from kvcache.sessions.prefixes import PrefixIndex
from kvcache.snapshots.restoring import sequences_for
from kvcache.tiers.breaker import Breaker
from kvcache.tiers.parcel import Parcel, from_bytes, key_of, pack, to_bytes
from kvcache.tiers.stores import Store
from kvcache.values import Clock, Closing, EvictionReason

_T = TypeVar("_T")

_MOST_STUCK: Final = 4
"""Calls that the store has not answered in time and that are still under way; while there are so many, it is not asked."""

_MOST_STALE: Final = 10_000
"""Names that are remembered as not to be trusted; with more, no older copy is."""

_GONE: Final = frozenset({EvictionReason.MANUAL, EvictionReason.TTL})
"""Reasons after which the session should not be found again."""


@dataclass(frozen=True, slots=True)
class TierStatistics:
    """What a tier has done.

    Attributes:
        hits: sessions that came back.
        misses: sessions that were asked for and did not.
        stored: sessions that were put into the store.
        dropped: sessions that went without a copy: the outbox was full, or the store failed.
        damaged: copies that were not as they were packed, or another session's.
        late: calls that the store did not answer in time.
        failed: calls that raised.
        opened: how often the store was not called for a while after failures.
        waiting_bytes: of sessions that are on their way to the store.
    """

    hits: int = 0
    misses: int = 0
    stored: int = 0
    dropped: int = 0
    damaged: int = 0
    late: int = 0
    failed: int = 0
    opened: int = 0
    waiting_bytes: int = 0


class Tier(Closing):
    """A store behind a manager. Every method may be called from any thread.

    A session that has to make room is copied to the outbox, while its bytes are still there; a thread puts it into the store. `get` brings
    it back. Sessions that are evicted by name, or whose time to live ended, are removed from the store, too.

    Args:
        manager: whose sessions.
        store: where they go; the tier closes it.
        namespace: of the model and the tenant: sessions of another one are never found.
        index: what the sessions were computed from is kept with them, and recorded in it when they come back; None: it is not.
        time_limit: seconds that `get` may wait for the store.
        outbox_bytes: what may wait for the store; what does not fit goes without a copy.
        failures: after so many failures in a row the store is not called for `cooldown` seconds.
        cooldown: seconds.
        clock: tells the seconds.

    Raises:
        InvalidSizeError: a duration or number is not finite and above 0.
        ClosedError: the manager is closed.
    """

    def __init__(
        self,
        manager: KVCacheManager,
        store: Store,
        *,
        namespace: str = "",
        index: PrefixIndex | None = None,
        time_limit: float = 0.5,
        outbox_bytes: SupportsIndex = 256 * 1024 * 1024,
        failures: SupportsIndex = 3,
        cooldown: float = 5.0,
        clock: Clock = time.monotonic,
    ) -> None:
        for name, seconds in (("time_limit", time_limit), ("cooldown", cooldown)):
            if checks.seconds(name, seconds) <= 0:
                raise InvalidSizeError(name, expected="more than 0 seconds", got=seconds)
        self._manager = manager
        self._store = store
        self._namespace = namespace
        self._index = index
        self._limit = float(time_limit)
        self._room = checks.whole_number("outbox_bytes", outbox_bytes, minimum=1)
        most = checks.whole_number("failures", failures, minimum=1)
        self._breaker = Breaker(failures=most, cooldown=float(cooldown), clock=clock)
        self._lock = threading.Condition()
        self._run, self._number = secrets.token_hex(8), 0
        self._oldest = 0  # parcels of this run with a lower number, and of other runs if it is not 0, are not trusted
        self._outbox: OrderedDict[str, Parcel | None] = OrderedDict()  # None: to be deleted
        self._flying: tuple[str, Parcel | None] | None = None  # what is being put or deleted just now
        self._unwanted = False  # whether it is to be deleted when it is there
        self._waiting = 0  # bytes of both
        self._stale = set[str]()  # sessions whose copy in the store, if there is one, is not their last state
        self._spilled: dict[str, tuple[KVCacheEntry, int, int]] = {}  # in the store, and live: truncations, tokens
        self._coming: dict[str, threading.Event] = {}  # sessions that are being brought back
        self._stuck = 0
        self._counts = dict.fromkeys(("hits", "misses", "stored", "dropped", "damaged", "late", "failed"), 0)
        self._closed = False
        forking.register(self)
        manager.before_eviction(self._leaving)
        self._thread = threading.Thread(target=self._work, name="kvcache-tier", daemon=True)
        self._thread.start()

    def before_fork(self) -> None:
        """Be in the middle of nothing."""
        self._lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        """Go on; in the child there is no thread and no store, so all is a miss."""
        if in_child:
            self._closed = True
            self._outbox.clear()
            self._flying, self._waiting, self._stuck = None, 0, 0
        self._lock.release()
        if in_child:
            self._lock = threading.Condition()
            self._coming = {}

    def get(self, session: str) -> KVCacheEntry | None:
        """The session's entry, brought back from the store if need be; None where neither has it. Waits `time_limit` at most.

        Raises:
            InvalidSessionError: not a string, or empty.
            ClosedError: the manager is closed.
        """
        entry = self._manager.get(session)
        if entry is not None:
            return entry
        name = checks.session_name(session)
        arrived = threading.Event()
        with self._lock:
            other = self._coming.setdefault(name, arrived)
        if other is not arrived:  # another thread brings it
            other.wait(self._limit)
            return self._manager.get(name)
        try:
            parcel = self._take(name)
            made = None if parcel is None else self._unpacked(parcel)
            with self._lock:
                self._counts["misses" if made is None else "hits"] += 1
            return made
        finally:
            with self._lock:
                self._coming.pop(name, None)
            arrived.set()

    def get_or_create(self, session: str, max_context_length: SupportsIndex | None = None) -> KVCacheEntry:
        """The same, but the session is made where neither has it, see `KVCacheManager.get_or_create`."""
        return self.get(session) or self._manager.get_or_create(session, max_context_length)

    def spill(self, sessions: Iterable[str] | None = None, *, timeout: float | None = None) -> int:
        """Put sessions into the store ahead of time, so that their eviction needs no copy: all, or those given; they stay in memory.

        Best before a manager is closed, or from a thread that has nothing else to do. It waits for room in the outbox.

        Args:
            sessions: which ones.
            timeout: seconds after which it gives up; None: never.

        Returns:
            How many are in the store, or on their way.
        """
        end = None if timeout is None else time.monotonic() + timeout
        count = 0
        for name in self._manager.sessions() if sessions is None else sessions:
            with suppress(KVCacheError):
                count += self._spill(name, end)
        return count

    def forget(self, session: str) -> None:
        """Make sure that the session's copy is not found again."""
        with self._lock:
            self._distrust(checks.session_name(session))

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything on its way is in the store, or was dropped; False where it takes longer than `timeout` seconds."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._outbox and self._flying is None, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Wait until everything on its way is in the store, for `timeout` seconds at most, and close the store; a second time does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._lock.notify_all()
        self._thread.join(timeout)
        with self._lock:
            self._counts["dropped"] += sum(parcel is not None for parcel in self._outbox.values())
            self._outbox.clear()
        with suppress(Exception):
            self._store.close()

    def statistics(self) -> TierStatistics:
        """What it has done."""
        with self._lock:
            return TierStatistics(**self._counts, opened=self._breaker.opened, waiting_bytes=self._waiting)

    def _leaving(self, entry: KVCacheEntry, reason: EvictionReason) -> None:
        """A session's bytes are about to go; the manager's lock is held, and this never waits."""
        name = entry.session_id
        with self._lock:
            state = (entry, entry.truncations, entry.token_count)
            if self._closed:
                return
            if reason not in _GONE and self._spilled.pop(name, None) == state:
                return  # it is there as it is
            self._spilled.pop(name, None)
            usable = reason not in _GONE and (entry.is_idle or reason is EvictionReason.SHUTDOWN)
            fits = self._waiting + entry.contents().size <= self._room
            self._number += 1
            number = self._number
        parcel = self._pack(entry, number) if usable and fits else None
        with self._lock:
            if parcel is None:
                self._counts["dropped"] += usable and not fits
                self._distrust(name)
            else:
                self._send(name, parcel)

    def _pack(self, entry: KVCacheEntry, number: int) -> Parcel | None:
        text = None if self._index is None else self._index.text_of(entry.session_id)
        return pack(entry, run=self._run, number=number, text=text)

    def _send(self, name: str, parcel: Parcel) -> None:
        """Put a session into the outbox; the lock is held."""
        before = self._outbox.pop(name, None)
        self._waiting += parcel.size - (before.size if before else 0)
        self._outbox[name] = parcel
        if self._flying is not None and self._flying[0] == name:
            self._unwanted = False  # it is replaced anyway
        self._lock.notify_all()

    def _distrust(self, name: str) -> None:
        """Never use a copy that is in the store, or on its way, and delete it; the lock is held."""
        before = self._outbox.pop(name, None)
        self._waiting -= before.size if before else 0
        self._spilled.pop(name, None)
        self._stale.add(name)
        if len(self._stale) > _MOST_STALE:
            self._oldest = self._number + 1
            self._stale.clear()
        if self._flying is not None and self._flying[0] == name:
            self._unwanted = True
        elif not self._closed:
            self._outbox[name] = None
        self._lock.notify_all()

    def _spill(self, name: str, end: float | None) -> bool:
        entry = self._manager.get(name)
        if entry is None:
            return False
        with entry.pin():
            state = (entry, entry.truncations, entry.token_count)
            with self._lock:
                if self._spilled.get(name) == state:
                    return True
                self._number += 1
                number = self._number
            parcel = self._pack(entry, number)
            if parcel is None or parcel.size > self._room:
                return False
            with self._lock:
                left = None if end is None else max(0.0, end - time.monotonic())
                room = self._lock.wait_for(lambda: self._closed or self._waiting + parcel.size <= self._room, left)
                if not room or self._closed or not entry.is_live:
                    return False
                self._send(name, parcel)
                self._spilled[name] = state
                return True

    def _take(self, name: str) -> Parcel | None:
        """A session's last state, which is nowhere else from now on."""
        with self._lock:
            parcel = self._outbox.get(name)
            if parcel is None and self._flying is not None and self._flying[0] == name and not self._unwanted:
                parcel = self._flying[1]
            if parcel is not None:
                self._distrust(name)
                return parcel
            if self._closed or name in self._stale or self._stuck >= _MOST_STUCK or not self._breaker.allow():
                return None
        key = key_of(self._namespace, name)

        def fetch() -> Parcel | None:
            content = self._store.get(key)
            if content is None:
                return None
            found = None
            with suppress(ValueError):
                found = from_bytes(content, self._namespace, name)
            self._store.delete(key)  # from now on it is in memory, and what is in the store would grow old
            if found is None:
                with self._lock:
                    self._counts["damaged"] += 1
            return found

        try:
            found = self._in_time(fetch)
        except Exception as problem:  # noqa: BLE001 - anything that a store raises is a miss
            with self._lock:
                self._counts["late" if isinstance(problem, _LateError) else "failed"] += 1
                self._breaker.failed()
                self._stale.add(name)
            return None
        with self._lock:
            self._breaker.succeeded()
            if found is not None and self._oldest and (found.run != self._run or found.number < self._oldest):
                return None
        return found

    def _in_time(self, work: Callable[[], _T]) -> _T:
        """Call something in its own thread, and wait for the time limit at most.

        Raises:
            _LateError: it took longer; it may still be under way.
        """
        done = threading.Event()
        results, problems = list[_T](), list[Exception]()
        late = False

        def call() -> None:
            try:
                results.append(work())
            except Exception as problem:  # noqa: BLE001 - raised where it is waited for
                problems.append(problem)
            finally:
                with self._lock:
                    done.set()
                    self._stuck -= late

        threading.Thread(target=call, name="kvcache-tier-get", daemon=True).start()
        if not done.wait(self._limit):
            with self._lock:
                if not done.is_set():
                    late = True
                    self._stuck += 1
                    raise _LateError
        if problems:
            raise problems[0]
        return results[0]

    def _unpacked(self, parcel: Parcel) -> KVCacheEntry | None:
        """Make the session again; where that is not possible, its state goes back to the outbox, and this is a miss."""
        facts, manager = parcel.facts, self._manager
        try:
            layout, encoding = manager.layout, None
            if facts.encoding != layout.encoding:  # it was recoded
                encoding = facts.encoding
                layout = layout.for_encoding(encoding)
            sequences = sequences_for(layout, facts, "tier")
            context = min(parcel.max_context, layout.max_context)
            made = manager.get_or_create(
                facts.session,
                context,
                ttl_seconds=parcel.ttl_seconds,
                sequences=sequences,
                encoding=encoding,
                priority=parcel.priority,
            )
            if len(made):  # it was made meanwhile, without asking the tier
                return made
            truncations = made.truncations
            try:
                made.begin(parcel.contents)
                if self._index is not None and parcel.text is not None:
                    self._index.remember(made, truncations, *parcel.text)
            except InvalidSessionError:  # another thread has begun to write to it
                return made
            except BaseException:
                with suppress(KVCacheError):
                    manager.evict(facts.session)
                raise
        except (SnapshotError, DtypeError):
            return None  # of another layout
        except KVCacheError:
            with self._lock:
                if not self._closed and self._waiting + parcel.size <= self._room:
                    self._send(facts.session, parcel)
            return None
        return made

    def _work(self) -> None:
        """Put and delete, one after the other."""
        while True:
            with self._lock:
                while not self._outbox or (self._breaker.is_open and not self._closed):
                    if self._closed and not self._outbox:
                        return
                    self._lock.wait(self._breaker.remaining() or None)
                if not self._breaker.allow() and not self._closed:
                    continue
                name, parcel = self._flying = self._outbox.popitem(last=False)
            problem = self._carry(name, parcel)
            with self._lock:
                self._flying = None
                self._waiting -= parcel.size if parcel else 0
                if problem:
                    self._breaker.failed()
                    self._counts["failed"] += 1
                    self._counts["dropped"] += parcel is not None
                    self._spilled.pop(name, None)
                    self._stale.add(name)  # an older copy may be there
                else:
                    self._breaker.succeeded()
                    self._counts["stored"] += parcel is not None
                    if not self._unwanted and name not in self._outbox:
                        self._stale.discard(name)
                if self._unwanted:
                    self._unwanted = False
                    self._outbox.setdefault(name, None)
                self._lock.notify_all()

    def _carry(self, name: str, parcel: Parcel | None) -> bool:
        """Put or delete; True where it failed."""
        key = key_of(self._namespace, name)
        try:
            if parcel is None:
                self._store.delete(key)
            else:
                self._store.put(key, to_bytes(parcel, self._namespace))
        except Exception:  # noqa: BLE001 - if a store raises, the session goes without a copy
            return True
        return False


class _LateError(Exception):
    """The store did not answer in time."""
