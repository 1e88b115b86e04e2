"""A session is stored in a smaller type, and nobody who looks for it misses it meanwhile."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kvcache import (
    LRU,
    SYSTEM_PAGE,
    ClosedError,
    Demotion,
    DtypeError,
    EvictionReceipt,
    InvalidSizeError,
    KVCacheManager,
    KVLayout,
    MemorySink,
    Opening,
    OutOfMemoryError,
    PinnedEntryError,
    StaleEntryError,
    TraceEvent,
)
from kvcache.replay import replay
from kvcache.sessions.entry import KVCacheEntry
from tests.kvcache.fakes import FakeClock, recording_of

LAYOUT = KVLayout(layers=2, kv_heads=2, head_dim=64, max_context=64, alignment=SYSTEM_PAGE)


def manager_of(blocks: int = 4, **other: Any) -> KVCacheManager:
    return KVCacheManager(LAYOUT, capacity_bytes=blocks * LAYOUT.block_bytes, **other)


def some(count: int, sequences: int = 1) -> np.ndarray[Any, Any]:
    return np.random.default_rng(count).standard_normal((count, 2, 2 * sequences, 64), np.float32)


def test_a_recoded_session_has_nearly_the_same_numbers_and_all_its_facts() -> None:
    clock = FakeClock(5.0)
    manager = manager_of(clock=clock, memory_bytes=4 * LAYOUT.block_bytes)
    entry = manager.get_or_create("a", 50, ttl_seconds=100.0, sequences=2)
    entry.append(some(40, 2), some(40, 2))
    entry.truncate(30)
    taken = manager.statistics().bytes_resident
    clock.advance(20)
    assert manager.recode("a", "int8")
    with pytest.raises(StaleEntryError):
        len(entry)
    made = manager.get("a")
    assert made is not None
    assert (made.layout.encoding, made.max_context_length, made.ttl_seconds) == ("int8", 50, 100.0)
    assert (made.created_at, made.truncations, len(made), made.layout.kv_heads) == (5.0, 1, 30, 4)
    for layer in range(2):
        np.testing.assert_allclose(made.floats(layer)[0], some(40, 2)[:30, layer].transpose(1, 0, 2), atol=0.03)
    made.append(some(1, 2), some(1, 2))
    assert manager.statistics().bytes_resident < taken / 1.9
    assert manager.statistics().misses == 1
    manager.check()
    forked = manager.fork("a", "b")
    np.testing.assert_array_equal(forked.keys(1), made.keys(1))
    assert manager.recode("a", None)
    back = manager.get_or_create("a", sequences=2)
    assert back.layout == LAYOUT.for_context(50).for_batch(2)
    np.testing.assert_array_equal(back.keys(1), forked.floats(1)[0])
    assert not manager.recode("a", None)
    assert not manager.recode("nobody", "int8")
    manager.check()


def test_an_age_is_not_changed_by_recoding() -> None:
    clock = FakeClock()
    manager = manager_of(clock=clock, ttl_seconds=10.0)
    manager.get_or_create("a")
    clock.advance(6)
    assert manager.recode("a", "bfloat16")
    clock.advance(6)
    assert manager.get("a") is None
    manager.check()


@pytest.mark.parametrize("way", [pytest.param(name, id=name) for name in ("pin", "view")])
def test_who_is_in_use_stays_as_it_is(way: str) -> None:
    manager = manager_of()
    entry = manager.get_or_create("a")
    entry.append(some(3), some(3))
    if way == "pin":
        with entry.pin():
            assert not manager.recode("a", "int8")
    else:
        view = entry.key_mut()
        assert not manager.recode("a", "int8")
        del view
    assert manager.recode("a", "int8")


@pytest.mark.parametrize(
    "change", [pytest.param(n, id=n) for n in ("append", "get", "truncate", "evict", "close", "pin")]
)
def test_who_is_used_meanwhile_stays_as_it_is(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = manager_of()
    entry = manager.get_or_create("a")
    entry.append(some(3), some(3))
    pins = [entry.pin()]
    real = KVCacheEntry.recode_from

    def evict() -> None:
        with pytest.raises(PinnedEntryError):
            manager.evict("a")

    def interrupted(made: KVCacheEntry, source: KVCacheEntry, tokens: int) -> None:
        real(made, source, tokens)
        ways: dict[str, Callable[[], object]] = {
            "append": lambda: entry.append(some(1), some(1)),
            "get": lambda: manager.get("a"),
            "truncate": lambda: entry.truncate(2),
            "evict": evict,
            "close": manager.close,
            "pin": pins[0].__enter__,
        }
        ways[change]()
        if not manager.closed:
            manager.check()

    monkeypatch.setattr(KVCacheEntry, "recode_from", interrupted)
    assert manager.recode("a", "int8") == (change == "evict")
    if change == "close":
        with pytest.raises(ClosedError):
            manager.recode("a", "int8")
        return
    found = manager.get("a")
    assert found is not None
    assert (found is entry) == (change != "evict")
    manager.check()


def test_a_failure_leaves_everything_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = manager_of(blocks=1)
    entry = manager.get_or_create("a")
    entry.append(some(3), some(3))
    with pytest.raises(OutOfMemoryError):
        manager.recode("a", "float16")
    assert entry.is_live
    manager = manager_of()
    entry = manager.get_or_create("a")

    def broken(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(KVCacheEntry, "recode_from", broken)
    with pytest.raises(MemoryError):
        manager.recode("a", "int8")
    assert manager.get("a") is entry
    assert manager.statistics().bytes_used == LAYOUT.block_bytes
    manager.check()


def test_only_numbers_in_float32_can_be_recoded() -> None:
    odd = KVLayout(layers=1, kv_heads=1, head_dim=2, max_context=4, dtype="float16")
    manager = KVCacheManager(odd, capacity_bytes=4 * odd.block_bytes)
    with pytest.raises(DtypeError, match="a layout of float32"):
        manager.recode("a", "int8")
    with pytest.raises(DtypeError, match="one of float16"):
        manager_of().recode("a", "int2")
    with pytest.raises(DtypeError, match="one of float16"):
        manager_of().get_or_create("a", encoding="int2")


def test_the_longer_a_session_is_not_used_the_smaller_it_becomes() -> None:
    clock = FakeClock()
    manager = manager_of(blocks=8, clock=clock)
    demotion = Demotion({600.0: "int4", 60.0: "bfloat16", 300.0: "int8"})
    assert demotion.steps == ((60.0, "bfloat16"), (300.0, "int8"), (600.0, "int4"))
    for name in ("new", "old", "older", "oldest", "busy"):
        manager.get_or_create(name).append(some(5), some(5))
    manager.get_or_create("two", sequences=2)
    pin = manager.get_or_create("busy").pin()
    pin.__enter__()
    for name, age in (("new", 59.0), ("old", 60.0), ("older", 300.0), ("oldest", 601.0)):
        entry = manager.get(name)
        assert entry is not None
        entry._last_accessed = 1000.0 - age
    clock.now = 1000.0
    expected = {"oldest": "int4", "older": "int8", "old": "bfloat16", "two": "int4"}
    assert demotion.run(manager) == expected
    assert demotion.run(manager) == {}
    assert demotion.run(manager, now=1000.0 + 240.5) == {"old": "int8", "new": "bfloat16"}
    manager.check()
    pin.__exit__(None, None, None)


@pytest.mark.parametrize("steps", [pytest.param({}, id="none"), pytest.param({0.0: "int8"}, id="at-once")])
def test_a_demotion_that_makes_no_sense_is_refused(steps: dict[float, str]) -> None:
    with pytest.raises(InvalidSizeError):
        Demotion(steps)


def test_a_recording_with_recoded_sessions_is_replayed() -> None:
    sink = MemorySink()
    manager = KVCacheManager(LAYOUT, capacity_bytes=2 * LAYOUT.block_bytes, sinks=[sink], trace=[sink])
    for name in ("a", "b", "c", "a", "d", "b"):
        manager.get_or_create(name, encoding="int4" if name == "d" else None).append(some(3), some(3))
        manager.recode(name, "int8")
    manager.close()
    only_trace = MemorySink()
    for record in sink.records:
        if isinstance(record, Opening | TraceEvent):
            only_trace(record)
    recording = recording_of(only_trace)
    receipts = [each for each in sink.records if isinstance(each, EvictionReceipt) and each.reason == "lru"]
    went = [each.session_id for each in receipts]
    assert went
    assert replay(recording, LRU()).evicted == tuple(went)


def test_threads_that_look_meanwhile_always_find_the_session_and_its_numbers() -> None:
    manager = manager_of(blocks=6)
    numbers = some(20)
    for name in "ab":
        manager.get_or_create(name).append(numbers, numbers)
    stop, problems = threading.Event(), list[object]()

    def look() -> None:
        while not stop.is_set():
            for name in "ab":
                entry = manager.get(name)
                if entry is None:
                    problems.append(name)
                    return
                try:
                    with entry.pin():
                        assert len(entry) == 20
                        # Each encoding loses up to 0.024 of these numbers, again and again; other bytes would be off by more than 1.
                        near = np.abs(entry.floats(1)[0] - numbers[:, 1].transpose(1, 0, 2)).max() < 0.5
                except StaleEntryError:
                    continue
                if not near:
                    problems.append(entry)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for turn in range(60):
        manager.recode("ab"[turn % 2], ("int8", "bfloat16", None)[turn % 3])
    stop.set()
    for thread in threads:
        thread.join()
    assert problems == []
    manager.check()
