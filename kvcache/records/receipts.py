"""Record what happened to the cache: frozen records, and the kind of function that takes them.

Off by default: without a sink no record is made.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from kvcache.records.statistics import PerformanceReport, Statistics
from kvcache.values import EvictionReason, Span

SCHEMA_VERSION = 1

Action: TypeAlias = Literal[
    "create",
    "refused",
    "hit",
    "miss",
    "append",
    "touch",
    "truncate",
    "shrink",
    "recode",
    "prioritize",
    "evict",
    "pin",
    "unpin",
    "lend",
    "return",
    "end",
    "zeroed",
    "close",
]


@dataclass(frozen=True, slots=True)
class Opening:
    """The cache that the records after it belong to: all that is needed to make it again.

    Attributes:
        opened_at: seconds of the manager's clock, as all times here.
        capacity_bytes: of the arena.
        layers: of the layout, as the next five.
        kv_heads: heads of the first layer.
        head_dim: elements per head.
        max_context: tokens per session.
        dtype: as it is stored.
        alignment: of blocks, in bytes.
        ttl_seconds: how long a session may go unused; None: no limit.
        policy: name of the eviction policy.
        memory_bytes: what tokens may take of memory; None: as much as the arena has.
        value_dim: elements per head of the values.
        encoding: of numbers; None: stored as they come.
        shapes: kv_heads, head_dim, value_dim and window of each layer, where they differ or have windows.
        schema_version: of the records.
    """

    opened_at: float
    capacity_bytes: int
    layers: int
    kv_heads: int
    head_dim: int
    max_context: int
    dtype: str
    alignment: int
    ttl_seconds: float | None
    policy: str
    memory_bytes: int | None = None
    value_dim: int | None = None
    encoding: str | None = None
    shapes: tuple[tuple[int | None, ...], ...] | None = None
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class EvictionReceipt:
    """One eviction.

    Attributes:
        session_id: the session that lost its block.
        span: the block.
        reason: why.
        token_count: tokens that were lost.
        created_at: when the entry was made, in seconds of the manager's clock.
        last_accessed: when it was last used.
        evicted_at: when it went.
        before: what the cache held just before.
        after: what it held just after.
        performance: how quick the cache was until then; receipts of one call share it.
        priority: that the session had.
    """

    session_id: str
    span: Span
    reason: EvictionReason
    token_count: int
    created_at: float
    last_accessed: float
    evicted_at: float
    before: Statistics
    after: Statistics
    performance: PerformanceReport
    priority: int = 0


@dataclass(frozen=True, slots=True)
class BatchReceipt:
    """All evictions of one call, after their own receipts; only where there were several.

    Attributes:
        reason: why.
        session_ids: in the order in which they went.
        bytes_freed: by all of them.
        tokens_lost: by all of them.
        evicted_at: when.
        before: what the cache held before the first.
        after: what it held after the last.
    """

    reason: EvictionReason
    session_ids: tuple[str, ...]
    bytes_freed: int
    tokens_lost: int
    evicted_at: float
    before: Statistics
    after: Statistics


@dataclass(frozen=True, slots=True)
class Block:
    """A session's block in a snapshot."""

    session_id: str
    span: Span
    token_count: int
    created_at: float
    last_accessed: float
    pinned: bool
    priority: int = 0


@dataclass(frozen=True, slots=True)
class PoolSnapshot:
    """Everything that has a place in the arena at one moment, by offset."""

    taken_at: float
    statistics: Statistics
    performance: PerformanceReport
    blocks: tuple[Block, ...]
    free: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class TraceEvent:
    """One step of a session, for the replay.

    Attributes:
        sequence: 0, 1, 2 … in the order in which things happened; sinks of several threads may get them in another.
        action: what happened. `lend` and `return`: of a writable view; `end`: of a copy that added no tokens.
        session_id: whose; empty for `close`.
        at: when.
        tokens: appended ones; kept ones of `truncate`; those that the block can hold, or should have, of `create` and `refused`; else 0.
        reason: of `evict`.
        ttl_seconds: of `create` and `refused`, where the session has its own time to live.
        begun: of `append`, `end` and `zeroed`, the number of the step right before which the copy began, where there were others
            meanwhile; of `return`, the number of the `lend`. From there on the block was not evicted for others.
        sequences: of `create` and `refused`, how many the block holds beside each other.
        encoding: of `create`, `refused` and `recode`, how numbers are stored; None: as they come.
        priority: of `create`, `refused` and `prioritize`.
    """

    sequence: int
    action: Action
    session_id: str
    at: float
    tokens: int = 0
    reason: EvictionReason | None = None
    ttl_seconds: float | None = None
    begun: int | None = None
    sequences: int = 1
    encoding: str | None = None
    priority: int = 0


Record: TypeAlias = Opening | EvictionReceipt | BatchReceipt | PoolSnapshot | TraceEvent


class Sink(Protocol):
    """Any callable that takes a record. What it returns is ignored, what it raises is counted."""

    def __call__(self, record: Record, /) -> object:
        """Take `record`."""
