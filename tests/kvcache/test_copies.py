"""Every public object can be copied and pickled and is right then, or says that it cannot."""

import copy
import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kvcache
from kvcache import (
    LFU,
    LRU,
    TTL,
    Allocator,
    Arena,
    Batch,
    Candidate,
    Damage,
    EvictionCounts,
    EvictionReason,
    JsonLinesSink,
    KVCacheError,
    LoggingSink,
    MemoryPool,
    MemorySink,
    OutOfMemoryError,
    RecomputeCost,
    Rotary,
    Span,
)
from tests.kvcache.fakes import make_manager, small_layout

WAYS: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda thing: pickle.loads(pickle.dumps(thing)),
}


def records() -> dict[str, object]:
    """One of each record that a manager makes."""
    sink, layout = MemorySink(), small_layout()
    manager = kvcache.KVCacheManager(layout, capacity_bytes=2 * layout.block_bytes, sinks=[sink], trace=[sink])
    for name in ("a", "b"):
        manager.get_or_create(name)
    manager.evict("a")
    manager.snapshot()
    manager.get_or_create("c")
    manager.clear()
    performance = manager.performance()
    kept: dict[str, object] = {type(record).__name__: record for record in sink.records}
    snapshot = kept["PoolSnapshot"]
    assert isinstance(snapshot, kvcache.PoolSnapshot)
    block = snapshot.blocks[0]
    return kept | {
        "Block": block,
        "Latency": performance.append,
        "PerformanceReport": performance,
        "Statistics": snapshot.statistics,
    }


def samples(folder: Path) -> dict[str, object]:
    """One of each public class, by its name."""
    one = np.ones((1, 1, 1, 1))
    values: list[object] = [
        Batch(one, one, np.ones(1, np.int64), np.zeros(1, np.int64), np.ones((1, 1), np.bool_)),
        Candidate("a", Span(0, 64), 1.0),
        Damage(0, 5, "keys", 1, 2),
        kvcache.Demotion({60.0: "int8"}),
        EvictionCounts(lru=1),
        EvictionReason.TTL,
        LFU(),
        LRU(),
        RecomputeCost(half_life=2.0),
        Rotary(base=5.0),
        Span(0, 64, 7),
        TTL(),
        small_layout(),
        small_layout().groups[0],
        small_layout().keys,
        small_layout().shapes[0],
    ]
    named = {type(value).__name__: value for value in values} | records()
    log = JsonLinesSink(folder / "log")
    log.close()
    owners: list[object] = [
        Allocator(4096),
        Arena(4096),
        MemoryPool(4096),
        log,
        make_manager(),
        kvcache.PrefixIndex(make_manager()),
    ]
    saver = make_manager()
    saver.get_or_create("a")
    kvcache.save(saver, "a", folder / "sessions")
    snapshot = kvcache.Snapshot(folder / "sessions")
    owners += [snapshot, snapshot.session()]
    writer = kvcache.SharedWriter(folder / "shared", small_layout(), slots=1)
    writer.publish(saver, "a")
    reader = kvcache.SharedReader(folder / "shared")
    owners += [writer, reader, reader.session("a")]
    store = kvcache.FileStore(folder / "store")
    tier = kvcache.Tier(saver, store)
    owners += [store, tier, tier.statistics()]
    tier.close()
    named |= {type(owner).__name__: owner for owner in owners}
    named["KVCacheEntry"] = make_manager().get_or_create("a")
    named["MemorySink"], named["LoggingSink"] = MemorySink(3), LoggingSink()
    for name in kvcache.__all__:
        kind = getattr(kvcache, name)
        if inspect.isclass(kind) and issubclass(kind, KVCacheError):
            named[name] = kind("what", expected=1, got=2) if kind is not OutOfMemoryError else _out_of_memory()
    return named


def _out_of_memory() -> OutOfMemoryError:
    return OutOfMemoryError("what", needed=1, free=2, largest=3, capacity=4, pinned=5)


UNIQUE = {
    "Allocator",
    "Arena",
    "JsonLinesSink",
    "KVCacheEntry",
    "KVCacheManager",
    "MappedSession",
    "MemoryPool",
    "PrefixIndex",
    "SharedReader",
    "SharedSession",
    "SharedWriter",
    "Snapshot",
    "FileStore",
    "Tier",
}
PROTOCOLS = {"Policy", "Sink", "Store"}
CLASSES = sorted(name for name in kvcache.__all__ if inspect.isclass(getattr(kvcache, name)))


@pytest.mark.parametrize("way", [pytest.param(way, id=way) for way in WAYS])
@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in CLASSES if name not in PROTOCOLS])
def test_a_copy_is_right_or_refused(name: str, way: str, tmp_path: Path) -> None:
    thing = samples(tmp_path)[name]
    if name in UNIQUE:
        with pytest.raises(TypeError, match=f"{name} objects cannot be copied or pickled"):
            WAYS[way](thing)
        return
    made = WAYS[way](thing)
    assert type(made) is type(thing)
    if isinstance(thing, KVCacheError):
        assert str(made) == str(thing)
        assert made.__dict__ == thing.__dict__
    elif isinstance(thing, MemorySink):
        assert isinstance(made, MemorySink)
        made(make_manager().snapshot())
        assert len(made.records) == 1
        assert thing.records == ()
    elif not isinstance(thing, LoggingSink):
        assert made == thing


def test_a_copied_span_gives_nothing_back() -> None:
    pool = MemoryPool(4096)
    span = pool.allocate(64)
    for way in WAYS.values():
        copied = way(span)
        if copied is not span:
            with pytest.raises(kvcache.ForeignSpanError):
                pool.deallocate(copied)
    pool.deallocate(span)
