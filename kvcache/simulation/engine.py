"""Drive a real manager through the requests of a trace, with a simulated clock, and count what it does.

Nothing is computed or written: tokens are only counted, so any memory can be simulated on any machine. A token takes as many bytes of the simulated
memory as the layout says (`token_bytes`); the manager that decides what goes has a layout of a 512th KiB for each, with as many tokens in a page as a
model with heads of 64 float32 numbers has.

Requests wait for a free server, first come first served. A session is pinned while it is served.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from kvcache.errors import InvalidSizeError, OutOfMemoryError
from kvcache.memory.arena import SYSTEM_PAGE
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.eviction import LRU, Policy
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.manager import KVCacheManager
from kvcache.simulation.arrivals import Arrival
from kvcache.values import EvictionReason

Sharing: TypeAlias = Literal["pages", "copy", "none"]
"""What sessions with the same prefix share: the memory of its tokens; their computation only, for the tokens are copied; nothing."""

_WIDTH: Final = 64
_TOKEN: Final = 2 * 4 * _WIDTH
"""Bytes of a token in the manager that is driven."""

_PREFIX: Final = "prefix\x00"
"""What the names of the sessions that hold shared prefixes begin with."""


@dataclass(frozen=True, slots=True)
class StoreModel:
    """A second tier.

    Attributes:
        capacity_bytes: what it holds; the sessions that came longest ago go first.
        latency: seconds until a session begins to come back.
        bytes_per_second: how quickly it comes.
    """

    capacity_bytes: int
    latency: float = 1e-3
    bytes_per_second: float = 1e9


@dataclass(frozen=True, slots=True)
class Machine:
    """What a trace is simulated on.

    Attributes:
        memory_bytes: for the tokens of all sessions.
        token_bytes: of a token's keys and values, in all layers.
        policy: which session goes first.
        store: the second tier; None: there is none.
        sharing: of prefixes.
        ttl_seconds: of a session; None: no limit.
        prefill_per_second: tokens of a prompt that a server computes.
        decode_per_second: tokens that it generates.
        servers: requests that are served at once.
    """

    memory_bytes: int
    token_bytes: int = 131_072
    policy: Policy = field(default_factory=LRU)
    store: StoreModel | None = None
    sharing: Sharing = "pages"
    ttl_seconds: float | None = None
    prefill_per_second: float = 2000.0
    decode_per_second: float = 25.0
    servers: int = 16


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it.

    Attributes:
        requests: how many.
        reusable: of them, that had something computed before: earlier turns, or a prefix that came before.
        memory_hits: that found their session in memory.
        store_hits: that found it in the second tier.
        prefix_hits: that found their prefix only.
        hit_rate: memory and second tier hits of requests of sessions that came before; None where no session came twice.
        prompt_tokens: of all prompts.
        saved_tokens: of them, that were not computed again.
        saved_rate: saved / all.
        possible_tokens: that an endless memory would have saved.
        evictions: sessions that had to make room.
        evicted_tokens: what those held.
        refused: requests that were served without memory, because all of it was in use.
        first_token_p50: seconds from arrival to the first token, of half of the requests at most.
        first_token_p99: the same, of 99 in 100.
        whole_p50: seconds from arrival to the last token, of half of the requests at most.
        whole_p99: the same, of 99 in 100.
    """

    requests: int
    reusable: int
    memory_hits: int
    store_hits: int
    prefix_hits: int
    hit_rate: float | None
    prompt_tokens: int
    saved_tokens: int
    saved_rate: float
    possible_tokens: int
    evictions: int
    evicted_tokens: int
    refused: int
    first_token_p50: float
    first_token_p99: float
    whole_p50: float
    whole_p99: float


def simulate(arrivals: Sequence[Arrival], machine: Machine) -> Result:
    """Serve the requests, which are in the order of their times.

    Raises:
        InvalidSizeError: the memory does not hold a page, or a rate or number is not above 0.
    """
    for name in ("token_bytes", "prefill_per_second", "decode_per_second", "servers"):
        if not getattr(machine, name) > 0:
            raise InvalidSizeError(name, expected="more than 0", got=getattr(machine, name))
    return _Run(arrivals, machine).serve()


class _Run:
    """One simulation."""

    def __init__(self, arrivals: Sequence[Arrival], machine: Machine) -> None:
        self.arrivals, self.machine = arrivals, machine
        self.now = arrivals[0].time if arrivals else 0.0
        longest = max((each.prompt_tokens + each.output_tokens for each in arrivals), default=1)
        layout = KVLayout(layers=1, kv_heads=1, head_dim=_WIDTH, max_context=longest, alignment=SYSTEM_PAGE)
        names = {each.session for each in arrivals} | {each.prefix for each in arrivals}
        memory = machine.memory_bytes // machine.token_bytes * _TOKEN
        # Only addresses: there is a block for every session that can hold a page, and for one more.
        blocks = min(len(names), memory // (2 * SYSTEM_PAGE)) + 1
        self.manager = KVCacheManager(
            layout,
            capacity_bytes=blocks * layout.block_bytes,
            memory_bytes=memory,
            ttl_seconds=machine.ttl_seconds,
            policy=machine.policy,
            clock=lambda: self.now,
        )
        self.manager.before_eviction(self.leaving)
        self.store: OrderedDict[str, int] = OrderedDict()  # tokens of sessions in the second tier
        self.stored_tokens = 0
        self.users: dict[str, set[str]] = {}  # sessions in memory that begin with a prefix
        self.prefix_of: dict[str, Arrival] = {}  # the latest request of each session that has a prefix
        self.holds: dict[str, AbstractContextManager[KVCacheEntry]] = {}  # pins of prefixes that are in use
        self.busy: list[tuple[float, int, AbstractContextManager[KVCacheEntry] | None]] = []  # by when they are done
        self.making_room = False
        self.counts = dict.fromkeys(
            (
                "reusable",
                "memory",
                "store",
                "prefix",
                "again",
                "prompt",
                "saved",
                "possible",
                "evictions",
                "evicted",
                "refused",
            ),
            0,
        )
        self.known: dict[str, int] = {}  # tokens that each session and prefix had at most
        self.firsts, self.wholes = list[float](), list[float]()

    def serve(self) -> Result:
        for number, arrival in enumerate(self.arrivals):
            self.finish(arrival.time)
            if len(self.busy) >= self.machine.servers:
                self.finish(self.busy[0][0])
            self.now = max(self.now, arrival.time)
            self.request(number, arrival)
        for _, _, pin in self.busy:
            if pin is not None:
                pin.__exit__(None, None, None)
        for pin in self.holds.values():
            pin.__exit__(None, None, None)
        self.manager.close()
        return self.result()

    def finish(self, time: float) -> None:
        """Go on to a time, and let go of the sessions that are done by then."""
        while self.busy and self.busy[0][0] <= time:
            done, _, pin = heapq.heappop(self.busy)
            self.now = max(self.now, done)
            if pin is not None:
                pin.__exit__(None, None, None)

    def request(self, number: int, arrival: Arrival) -> None:
        counts, machine = self.counts, self.machine
        reuse, seconds = self.find(arrival)
        pin = self.keep(arrival)
        counts["prompt"] += arrival.prompt_tokens
        counts["saved"] += reuse
        self.remember(arrival)
        first = self.now + seconds + (arrival.prompt_tokens - reuse) / machine.prefill_per_second
        done = first + arrival.output_tokens / machine.decode_per_second
        self.firsts.append(first - arrival.time)
        self.wholes.append(done - arrival.time)
        heapq.heappush(self.busy, (done, number, pin))

    def remember(self, arrival: Arrival) -> None:
        """Count what could have been saved, and what can be next time."""
        before = self.known.get(arrival.session, 0)
        prefix = self.known.get(_PREFIX + arrival.prefix, 0) if arrival.prefix and self.machine.sharing != "none" else 0
        possible = min(max(before, min(prefix, arrival.prefix_tokens)), arrival.prompt_tokens - 1)
        self.counts["possible"] += possible
        self.counts["reusable"] += possible > 0
        self.counts["again"] += before > 0
        self.known[arrival.session] = arrival.prompt_tokens + arrival.output_tokens
        if arrival.prefix:
            self.known[_PREFIX + arrival.prefix] = max(prefix, arrival.prefix_tokens)

    def find(self, arrival: Arrival) -> tuple[int, float]:
        """How many tokens need not be computed, and how many seconds it takes to have them."""
        counts, name, most = self.counts, arrival.session, arrival.prompt_tokens - 1
        shared = self.prefix_tokens(arrival)
        entry = self.manager.get(name)
        if entry is not None:
            counts["memory"] += 1
            apart = self.apart(arrival)
            kept = min(len(entry) + apart, most)
            entry.truncate(max(kept - apart, 0))
            return kept, 0.0
        stored, store = self.store.pop(name, 0), self.machine.store
        self.stored_tokens -= stored
        if stored and store is not None:
            counts["store"] += 1
            seconds = store.latency + stored * self.machine.token_bytes / store.bytes_per_second
            return min(stored, most), seconds
        counts["prefix"] += shared > 0
        return min(shared, most), 0.0

    def prefix_tokens(self, arrival: Arrival) -> int:
        """Tokens of the prefix that are in memory."""
        if not arrival.prefix or self.machine.sharing == "none":
            return 0
        if self.machine.sharing == "copy":
            return arrival.prefix_tokens if self.users.get(arrival.prefix) else 0
        entry = self.manager.get(_PREFIX + arrival.prefix)
        return 0 if entry is None else min(len(entry), arrival.prefix_tokens)

    def apart(self, arrival: Arrival) -> int:
        """Tokens of the session that lie in the memory of its prefix."""
        return arrival.prefix_tokens if arrival.prefix and self.machine.sharing == "pages" else 0

    def keep(self, arrival: Arrival) -> AbstractContextManager[KVCacheEntry] | None:
        """Hold all tokens of a request in memory, for as long as it is served; None where there is no room for them."""
        name, pins = arrival.session, list[AbstractContextManager[KVCacheEntry]]()
        while True:
            try:
                self.hold(arrival, pins)
                break
            except OutOfMemoryError:
                while pins:
                    pins.pop().__exit__(None, None, None)
                if not self.free_a_prefix(arrival.prefix):
                    self.counts["refused"] += 1
                    entry = self.manager.get(name)
                    if entry is not None and not entry.is_pinned:
                        self.manager.evict(name)
                    return None
        if arrival.prefix:
            self.users.setdefault(arrival.prefix, set()).add(name)
            self.prefix_of[name] = arrival
            if len(pins) > 1:
                if arrival.prefix in self.holds:
                    pins[0].__exit__(None, None, None)
                else:
                    self.holds[arrival.prefix] = pins[0]  # for as long as any session begins with it
        return pins[-1]

    def hold(self, arrival: Arrival, pins: list[AbstractContextManager[KVCacheEntry]]) -> None:
        """Pin the prefix, if it has its own memory, and the session, and take memory for all their tokens."""
        apart, whole = self.apart(arrival), arrival.prompt_tokens + arrival.output_tokens
        if apart:
            prefix = self.manager.get_or_create(_PREFIX + arrival.prefix)
            pins.append(prefix.pin())
            pins[-1].__enter__()
            if len(prefix) < apart:
                prefix.commit(apart - len(prefix))
        entry = self.manager.get_or_create(arrival.session)
        pins.append(entry.pin())
        pins[-1].__enter__()
        missing = whole - apart - len(entry)
        if missing > 0:
            entry.commit(missing)
        else:
            entry.truncate(whole - apart)

    def free_a_prefix(self, own: str) -> bool:
        """Let the sessions go that hold a prefix, all of which are idle; False where there are none."""
        served = {self.arrivals[number].session for _, number, _ in self.busy}
        for prefix in self.holds:
            if prefix != own and served.isdisjoint(self.users[prefix]):
                self.making_room = True
                for name in tuple(self.users[prefix]):
                    self.manager.evict(name)
                self.making_room = False
                return True
        return False

    def leaving(self, entry: KVCacheEntry, reason: EvictionReason) -> None:
        """A session goes."""
        name, tokens = entry.session_id, len(entry)
        arrival = self.prefix_of.pop(name, None)
        if arrival is not None:
            users = self.users[arrival.prefix]
            users.discard(name)
            hold = None if users else self.holds.pop(arrival.prefix, None)
            if hold is not None:
                hold.__exit__(None, None, None)
        if reason not in {EvictionReason.LRU, EvictionReason.PRESSURE} and not self.making_room:
            return
        self.counts["evictions"] += 1
        self.counts["evicted"] += tokens
        store = self.machine.store
        if store is None or name.startswith(_PREFIX):
            return
        whole = tokens + (0 if arrival is None else self.apart(arrival))
        room = store.capacity_bytes // self.machine.token_bytes
        if whole <= room:
            self.store[name] = whole
            self.stored_tokens += whole
            while self.stored_tokens > room:
                self.stored_tokens -= self.store.popitem(last=False)[1]

    def result(self) -> Result:
        counts = self.counts
        again = counts["again"]
        firsts, wholes = sorted(self.firsts), sorted(self.wholes)
        return Result(
            requests=len(self.arrivals),
            reusable=counts["reusable"],
            memory_hits=counts["memory"],
            store_hits=counts["store"],
            prefix_hits=counts["prefix"],
            hit_rate=(counts["memory"] + counts["store"]) / again if again else None,
            prompt_tokens=counts["prompt"],
            saved_tokens=counts["saved"],
            saved_rate=counts["saved"] / counts["prompt"] if counts["prompt"] else 0.0,
            possible_tokens=counts["possible"],
            evictions=counts["evictions"],
            evicted_tokens=counts["evicted"],
            refused=counts["refused"],
            first_token_p50=_percentile(firsts, 50),
            first_token_p99=_percentile(firsts, 99),
            whole_p50=_percentile(wholes, 50),
            whole_p99=_percentile(wholes, 99),
        )


def _percentile(ordered: Sequence[float], percent: int) -> float:
    """The least number that `percent` in 100 do not exceed; 0 of none."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0
