"""The KV-cache memory pool for transformers on CPU."""

from kvcache.errors import (
    ChainError,
    ClosedError,
    ContextOverflowError,
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
    SharedMemoryError,
    SnapshotError,
    StaleEntryError,
    TraceError,
    UnknownSessionError,
)
from kvcache.memory.allocator import Allocator
from kvcache.memory.arena import HUGE_PAGE, SYSTEM_PAGE, Arena, Backing
from kvcache.memory.pool import MemoryPool
from kvcache.records.chain import JsonLinesSink, read_chain
from kvcache.records.latency import Latency
from kvcache.records.prometheus import metrics_text
from kvcache.records.receipts import (
    BatchReceipt,
    Block,
    EvictionReceipt,
    Opening,
    PoolSnapshot,
    Record,
    Sink,
    TraceEvent,
)
from kvcache.records.sinks import LoggingSink, MemorySink
from kvcache.records.statistics import EvictionCounts, PerformanceReport, Statistics
from kvcache.sessions.batches import Batch, commit_batch, gather, write_batch
from kvcache.sessions.demotion import Demotion
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.eviction import LFU, LRU, POLICIES, TTL, Candidate, Policy, RecomputeCost
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.manager import KVCacheManager
from kvcache.sessions.prefixes import PrefixIndex
from kvcache.sessions.regions import LayerGroup, LayerShape, Region
from kvcache.sessions.shortening import Rotary
from kvcache.shared.reader import SharedReader, SharedSession
from kvcache.shared.writer import SharedWriter
from kvcache.snapshots.mapped import Damage, MappedSession, Snapshot
from kvcache.snapshots.restoring import extend, restore
from kvcache.snapshots.writing import save, save_all
from kvcache.tiers.stores import FileStore, Store
from kvcache.tiers.tier import Tier, TierStatistics
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
    "Batch",
    "BatchReceipt",
    "Block",
    "Candidate",
    "ChainError",
    "ClosedError",
    "ContextOverflowError",
    "Damage",
    "Demotion",
    "DoubleFreeError",
    "DtypeError",
    "EvictionCounts",
    "EvictionReason",
    "EvictionReceipt",
    "FileStore",
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
    "LayerGroup",
    "LayerShape",
    "LoggingSink",
    "MappedSession",
    "MemoryPool",
    "MemorySink",
    "MisalignedError",
    "Opening",
    "OutOfBoundsError",
    "OutOfMemoryError",
    "PerformanceReport",
    "PinnedEntryError",
    "Policy",
    "PoolSnapshot",
    "PrefixIndex",
    "RecomputeCost",
    "Record",
    "Region",
    "Rotary",
    "ShapeError",
    "SharedMemoryError",
    "SharedReader",
    "SharedSession",
    "SharedWriter",
    "Sink",
    "Snapshot",
    "SnapshotError",
    "Span",
    "StaleEntryError",
    "Statistics",
    "Store",
    "Tier",
    "TierStatistics",
    "TraceError",
    "TraceEvent",
    "UnknownSessionError",
    "align_up",
    "commit_batch",
    "extend",
    "gather",
    "metrics_text",
    "read_chain",
    "restore",
    "save",
    "save_all",
    "write_batch",
]
