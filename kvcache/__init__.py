"""The KV-cache memory pool for transformers on CPU."""

from kvcache.allocator import Allocator
from kvcache.arena import HUGE_PAGE, SYSTEM_PAGE, Arena, Backing
from kvcache.chain import JsonLinesSink, read_chain
from kvcache.entry import KVCacheEntry
from kvcache.errors import (
    ChainError,
    ClosedError,
    ContextOverflowError,
    ContiguityError,
    DoubleFreeError,
    DtypeError,
    ForeignSpanError,
    IntegrityError,
    InvalidSessionError,
    InvalidSizeError,
    KVCacheError,
    MisalignedError,
    OutOfBoundsError,
    OutOfMemoryError,
    PinnedEntryError,
    ShapeError,
    StaleEntryError,
    UnknownSessionError,
)
from kvcache.eviction import LFU, LRU, POLICIES, TTL, Candidate, Policy, RecomputeCost
from kvcache.latency import Latency
from kvcache.layout import KVLayout
from kvcache.manager import KVCacheManager
from kvcache.pool import MemoryPool
from kvcache.prometheus import metrics_text
from kvcache.receipts import (
    BatchReceipt,
    Block,
    CompactionReceipt,
    EvictionReceipt,
    Move,
    Opening,
    PoolSnapshot,
    Record,
    Sink,
    TraceEvent,
)
from kvcache.residents import Costs
from kvcache.sinks import LoggingSink, MemorySink
from kvcache.statistics import EvictionCounts, PerformanceReport, Statistics
from kvcache.values import EvictionReason, Span, align_up

__all__ = [
    "HUGE_PAGE",
    "LFU",
    "LRU",
    "POLICIES",
    "SYSTEM_PAGE",
    "TTL",
    "Allocator",
    "Arena",
    "Backing",
    "BatchReceipt",
    "Block",
    "Candidate",
    "ChainError",
    "ClosedError",
    "CompactionReceipt",
    "ContextOverflowError",
    "ContiguityError",
    "Costs",
    "DoubleFreeError",
    "DtypeError",
    "EvictionCounts",
    "EvictionReason",
    "EvictionReceipt",
    "ForeignSpanError",
    "IntegrityError",
    "InvalidSessionError",
    "InvalidSizeError",
    "JsonLinesSink",
    "KVCacheEntry",
    "KVCacheError",
    "KVCacheManager",
    "KVLayout",
    "Latency",
    "LoggingSink",
    "MemoryPool",
    "MemorySink",
    "MisalignedError",
    "Move",
    "Opening",
    "OutOfBoundsError",
    "OutOfMemoryError",
    "PerformanceReport",
    "PinnedEntryError",
    "Policy",
    "PoolSnapshot",
    "RecomputeCost",
    "Record",
    "ShapeError",
    "Sink",
    "Span",
    "StaleEntryError",
    "Statistics",
    "TraceEvent",
    "UnknownSessionError",
    "align_up",
    "metrics_text",
    "read_chain",
]
