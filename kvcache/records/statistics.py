"""Count what happens to the cache, and freeze the counts into a snapshot."""

from dataclasses import dataclass, field

from kvcache.records.latency import Histogram, Latency, Rate
from kvcache.values import EvictionReason


@dataclass(frozen=True, slots=True)
class EvictionCounts:
    """How many sessions were evicted, by reason."""

    manual: int = 0
    lru: int = 0
    ttl: int = 0
    pressure: int = 0
    shutdown: int = 0

    @property
    def total(self) -> int:
        """Evictions for any reason."""
        return self.manual + self.lru + self.ttl + self.pressure + self.shutdown


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the cache held and had done at one moment; all of it measured. Sizes are in bytes.

    Attributes:
        bytes_capacity: the arena.
        bytes_used: blocks of sessions, and of those evicted while a copy into them was under way.
        largest_free: what one session could have at once.
        sessions: that have a block.
        tokens: that these hold.
        hits: lookups that found their session.
        misses: lookups that did not.
        evictions: sessions that lost their block, by reason.
        ended_tokens: what those held.
        appended_tokens: all that were ever written.
        sink_failures: how often a sink raised.
        bytes_resident: what all of it takes of memory, at most: the pages that were written to and not given back.
    """

    bytes_capacity: int
    bytes_used: int
    largest_free: int
    sessions: int
    tokens: int
    hits: int
    misses: int
    evictions: EvictionCounts
    ended_tokens: int
    appended_tokens: int
    sink_failures: int
    bytes_resident: int = 0

    @property
    def bytes_free(self) -> int:
        """Bytes that no session holds."""
        return self.bytes_capacity - self.bytes_used

    @property
    def utilization(self) -> float:
        """The share of the arena that is used, 0.0 to 1.0."""
        return self.bytes_used / self.bytes_capacity

    @property
    def fragmentation(self) -> float:
        """The share of the free bytes that one request cannot have: 1 - largest_free / bytes_free."""
        return 1.0 - self.largest_free / self.bytes_free if self.bytes_free else 0.0

    @property
    def hit_rate(self) -> float | None:
        """The share of lookups that found their session; None before the first lookup."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else None

    @property
    def average_session_tokens(self) -> float | None:
        """Tokens per session, of all that there are and ever were; None before the first."""
        sessions = self.sessions + self.evictions.total
        return (self.tokens + self.ended_tokens) / sessions if sessions else None


@dataclass(frozen=True, slots=True)
class PerformanceReport:
    """How quick the cache was.

    Attributes:
        requests_per_second: lookups and appends over the last `window_seconds`; None before any time has passed.
        window_seconds: the window, in seconds of the manager's clock.
        allocation: from a miss to the block, evictions included, zeroing not.
        append: from the call of an append to its return, waiting included.
    """

    requests_per_second: float | None
    window_seconds: float
    allocation: Latency
    append: Latency


@dataclass(slots=True)
class Counters:
    """What is counted as it happens. The manager owns it and changes it under its lock."""

    hits: int = 0
    misses: int = 0
    tokens: int = 0
    ended_tokens: int = 0
    appended_tokens: int = 0
    sink_failures: int = 0
    evictions: dict[EvictionReason, int] = field(default_factory=lambda: dict.fromkeys(EvictionReason, 0))

    def snapshot(
        self, *, bytes_capacity: int, bytes_used: int, largest_free: int, sessions: int, bytes_resident: int = 0
    ) -> Statistics:
        """Freeze the counts together with what the pool says of its bytes."""
        return Statistics(
            bytes_capacity=bytes_capacity,
            bytes_used=bytes_used,
            bytes_resident=bytes_resident,
            largest_free=largest_free,
            sessions=sessions,
            tokens=self.tokens,
            hits=self.hits,
            misses=self.misses,
            evictions=EvictionCounts(**{reason.value: count for reason, count in self.evictions.items()}),
            ended_tokens=self.ended_tokens,
            appended_tokens=self.appended_tokens,
            sink_failures=self.sink_failures,
        )


class Meters:
    """What is timed as it happens. The manager owns it and changes it under its lock."""

    __slots__ = ("allocation", "append", "requests")

    def __init__(self, window_seconds: float) -> None:
        self.allocation = Histogram()
        self.append = Histogram()
        self.requests = Rate(window_seconds)

    def report(self, now: float) -> PerformanceReport:
        """Sum up, at a time of the manager's clock."""
        return PerformanceReport(
            requests_per_second=self.requests.per_second(now),
            window_seconds=self.requests.window,
            allocation=self.allocation.latency(),
            append=self.append.latency(),
        )
