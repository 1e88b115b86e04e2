"""Keep the books that a manager and its entries share: the lock, the clock, counts, durations, and records to deliver.

Records are made under the lock and delivered after it was let go: a sink may be slow, or may call back.
"""

import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from kvcache import checks, forking
from kvcache.records.receipts import Action, Record, Sink, TraceEvent
from kvcache.records.statistics import Counters, Meters
from kvcache.values import Clock, EvictionReason

WINDOW_SECONDS: Final = 60.0
"""Over which requests per second are counted."""


Watcher: TypeAlias = Callable[[Any, int], Callable[[None], object] | None]
"""Is told an entry that lost tokens, and how many of the first ones are as before; returns what it wants called without the lock."""


class _Delivery:
    """Hands records over at the end of a `with`."""

    __slots__ = ("_ledger",)

    def __init__(self, ledger: "Ledger") -> None:
        self._ledger = ledger

    def __enter__(self) -> None:
        """Nothing to do yet."""

    def __exit__(self, *_: object) -> None:
        self._ledger.deliver()


class Ledger:
    """The books of one cache. `with ledger.delivery, ledger.lock:` delivers after the lock was let go.

    The lock itself stands in the `with`, not a method that takes it: an interrupt (Ctrl-C) between a method's call and its end would
    leave the lock held, and no other thread could go on.
    """

    __slots__ = (
        "__weakref__",
        "_clock",
        "_outbox",
        "_sinks",
        "_tracers",
        "_watchers",
        "copied",
        "counters",
        "delivery",
        "farewells",
        "latest",
        "lock",
        "meters",
        "returned",
        "step",
        "tracing",
        "waiting",
    )

    def __init__(self, *, clock: Clock, sinks: Iterable[Sink], trace: Iterable[Sink]) -> None:
        self._clock = clock
        self.latest = 0.0  # what the clock said last
        self.lock = threading.RLock()
        self.delivery = _Delivery(self)
        self.copied = threading.Condition(self.lock)  # a copy into a block has ended
        self.waiting = 0
        self.counters = Counters()
        self.meters = Meters(WINDOW_SECONDS)
        self._sinks = tuple(sinks)
        self._tracers = tuple(trace)
        self.tracing = bool(self._tracers)  # whether each step is wanted
        self._outbox: list[tuple[tuple[Callable[[Any], object], ...], Any]] = []
        self.step = 0  # the number of the next event
        self.returned: deque[Callable[[], None]] = (
            deque()
        )  # whom to tell that a writable view is gone, see `BlockState.lend`
        self.farewells: list[Callable[[Any, EvictionReason], None]] = []  # whom to tell before a session's bytes go
        self._watchers: list[weakref.WeakMethod[Watcher]] = []
        forking.register(self)

    @property
    def wanted(self) -> bool:
        """Whether receipts are wanted."""
        return bool(self._sinks)

    def now(self) -> float:
        """Ask the clock. A change asks first: a clock may raise, and then nothing was changed.

        Raises:
            InvalidSizeError: what it says is not a finite number.
        """
        now = self._clock()
        if type(now) is not float or now - now != 0.0:  # which is NaN for NaN and infinity
            now = checks.seconds("clock", now)
        self.latest = now
        return now

    def now_or_latest(self) -> float:
        """The same for what must be possible even if the clock raises, such as closing: then what it said last."""
        try:
            return self.now()
        except Exception:  # noqa: BLE001 - the clock is the user's function
            return self.latest

    def before_fork(self) -> None:
        """Be in the middle of nothing."""
        self.lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        """Go on; in the child no thread waits, and what is kept is delivered by the parent, which has it as well."""
        if in_child:
            self.copied = threading.Condition(self.lock)
            self.waiting = 0
            self._outbox = []
        self.lock.release()

    def say_farewell(self, entry: object, reason: EvictionReason) -> None:
        """Call the functions that get a last look at a session; the lock is held. What they raise is only counted."""
        for farewell in self.farewells:
            try:
                farewell(entry, reason)
            except Exception:  # noqa: BLE001 - if they raise, the cache goes on; the failure is counted
                self.counters.sink_failures += 1

    def watch(self, watcher: Watcher) -> None:
        """Have a method called when a session loses tokens, for as long as its object lives; the lock is held."""
        self._watchers = [each for each in self._watchers if each() is not None]
        self._watchers.append(weakref.WeakMethod(watcher))

    def lose(self, entry: object, kept: int) -> None:
        """Tell that only the first `kept` tokens of an entry are as they were; the lock is held."""
        for reference in self._watchers:
            watcher = reference()
            work = None
            try:
                work = watcher and watcher(entry, kept)
            except Exception:  # noqa: BLE001 - as for farewells
                self.counters.sink_failures += 1
            if work is not None:
                self._outbox.append(((work,), None))

    def open(self, record: Record) -> None:
        """Keep the record that a trace begins with, if steps are traced."""
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
        begun: int | None = None,
        sequences: int = 1,
        encoding: str | None = None,
        priority: int = 0,
    ) -> None:
        """Keep a step until the lock is let go, if steps are traced."""
        if self._tracers:
            facts = (tokens, reason, ttl_seconds, begun, sequences, encoding, priority)
            event = TraceEvent(self.step, action, session_id, at, *facts)
            self.step += 1
            self._outbox.append((self._tracers, event))

    def miss(
        self,
        action: Action,
        session_id: str,
        tokens: int = 0,
        *,
        at: float,
        ttl_seconds: float | None = None,
        sequences: int = 1,
        encoding: str | None = None,
        priority: int = 0,
    ) -> None:
        """Count a lookup that found nothing, as the step that it is."""
        self.counters.misses += 1
        self.meters.requests.add(at)
        self.trace(
            action,
            session_id,
            tokens,
            at=at,
            ttl_seconds=ttl_seconds,
            sequences=sequences,
            encoding=encoding,
            priority=priority,
        )

    def deliver(self) -> None:
        """Hand what was kept to the sinks. Never raises for a sink's sake; the lock must not be held."""
        if not self._outbox:
            return
        with self.lock:
            outbox, self._outbox = self._outbox, []
        failures = 0
        for sinks, record in outbox:
            for sink in sinks:
                try:
                    sink(record)
                except Exception:  # noqa: BLE001 - if a sink raises, the cache goes on; the failure is counted
                    failures += 1
        if failures:
            with self.lock:
                self.counters.sink_failures += failures
