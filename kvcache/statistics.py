"""Count what happens to the cache, and freeze the counts into a snapshot."""

from dataclasses import dataclass, field

from kvcache.values import EvictionReason


@dataclass(frozen=True, slots=True)
class EvictionCounts:
    """How many sessions were evicted, by reason."""

    manual: int = 0
    lru: int = 0
    ttl: int = 0
    shutdown: int = 0

    @property
    def total(self) -> int:
        """Evictions for whatever reason."""
        return self.manual + self.lru + self.ttl + self.shutdown


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the cache held and had done at one moment; all of it measured. Sizes are in bytes."""

    bytes_capacity: int
    bytes_used: int
    largest_free: int
    sessions: int
    hits: int
    misses: int
    evictions: EvictionCounts
    sink_failures: int

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
        """The share of lookups that found their session; None when nobody has looked yet."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else None


@dataclass(slots=True)
class Counters:
    """What is counted as it happens. The manager owns it and changes it under its lock."""

    hits: int = 0
    misses: int = 0
    sink_failures: int = 0
    evictions: dict[EvictionReason, int] = field(default_factory=lambda: dict.fromkeys(EvictionReason, 0))

    def snapshot(self, *, bytes_capacity: int, bytes_used: int, largest_free: int, sessions: int) -> Statistics:
        """Freeze the counts together with what the pool says of its bytes."""
        return Statistics(
            bytes_capacity=bytes_capacity,
            bytes_used=bytes_used,
            largest_free=largest_free,
            sessions=sessions,
            hits=self.hits,
            misses=self.misses,
            evictions=EvictionCounts(**{reason.value: count for reason, count in self.evictions.items()}),
            sink_failures=self.sink_failures,
        )
