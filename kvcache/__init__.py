"""The KV-cache memory pool for transformers on CPU."""

from kvcache.allocator import Allocator
from kvcache.arena import Arena
from kvcache.entry import KVCacheEntry
from kvcache.errors import (
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
    ShapeError,
    StaleEntryError,
    UnknownSessionError,
)
from kvcache.layout import KVLayout
from kvcache.manager import KVCacheManager
from kvcache.pool import MemoryPool
from kvcache.receipts import EvictionReceipt, MemorySink, Sink
from kvcache.statistics import EvictionCounts, Statistics
from kvcache.values import EvictionReason, Span, align_up

__all__ = [
    "Allocator",
    "Arena",
    "ClosedError",
    "ContextOverflowError",
    "ContiguityError",
    "DoubleFreeError",
    "DtypeError",
    "EvictionCounts",
    "EvictionReason",
    "EvictionReceipt",
    "ForeignSpanError",
    "IntegrityError",
    "InvalidSessionError",
    "InvalidSizeError",
    "KVCacheEntry",
    "KVCacheError",
    "KVCacheManager",
    "KVLayout",
    "MemoryPool",
    "MemorySink",
    "MisalignedError",
    "OutOfBoundsError",
    "OutOfMemoryError",
    "ShapeError",
    "Sink",
    "Span",
    "StaleEntryError",
    "Statistics",
    "UnknownSessionError",
    "align_up",
]
