import math
import threading
from collections.abc import Callable
from typing import Any

import pytest

from kvcache import (
    LFU,
    TTL,
    ContextOverflowError,
    EvictionReason,
    InvalidSizeError,
    KVCacheEntry,
    KVCacheManager,
    KVLayout,
    MemorySink,
    OutOfMemoryError,
    PinnedEntryError,
    RecomputeCost,
    StaleEntryError,
)
from tests.kvcache.fakes import FakeClock, one_token, small_layout, tokens


def make(blocks: int = 4, **settings: Any) -> tuple[KVCacheManager, FakeClock, MemorySink]:
    """A manager of small blocks, one token each, that are created a second apart."""
    clock, sink = FakeClock(), MemorySink()
    layout = small_layout(max_context=8)
    unit = layout.for_context(1).block_bytes
    manager = KVCacheManager(layout, capacity_bytes=blocks * unit, clock=clock, sinks=[sink], **settings)
    return manager, clock, sink


def fill(manager: KVCacheManager, clock: FakeClock, names: str, *, written: str = "") -> dict[str, KVCacheEntry]:
    entries = {}
    for number, name in enumerate(names, start=1):
        entries[name] = manager.get_or_create(name, 1)
        if name in written:
            entries[name].append(one_token(manager.layout, float(number)), one_token(manager.layout, -float(number)))
        clock.advance()
    return entries


def test_a_pinned_entry_is_never_evicted_for_another() -> None:
    manager, clock, _ = make(blocks=2)
    entries = fill(manager, clock, "ab")
    with entries["a"].pin() as pinned:
        assert pinned.is_pinned
        manager.get_or_create("c", 1)
        assert manager.sessions() == ("a", "c")
        with pinned.pin(), pytest.raises(OutOfMemoryError) as caught:
            manager.get_or_create("d", 2)
        assert caught.value.pinned == pinned.size_bytes
        assert manager.sessions() == ("a", "c")
    manager.get_or_create("d", 2)
    assert manager.sessions() == ("d",)


def test_a_pinned_entry_is_neither_expired_nor_cleared_and_refuses_to_be_evicted() -> None:
    manager, clock, _ = make(ttl_seconds=1.0)
    entries = fill(manager, clock, "ab")
    clock.advance(100)
    with entries["a"].pin():
        assert manager.expire() == ("b",)
        with pytest.raises(PinnedEntryError, match="evict 'a'"):
            manager.evict("a")
        assert manager.clear() == ()
        assert entries["a"].is_live
    assert manager.evict("a")
    with pytest.raises(StaleEntryError), entries["a"].pin():
        pass


def test_close_makes_even_pinned_entries_stale_and_their_views_stay_readable() -> None:
    manager, clock, sink = make()
    entry = fill(manager, clock, "a", written="a")["a"]
    with entry.pin():
        view = entry.key()
        manager.close()
        assert (view == 1.0).all()
        with pytest.raises(StaleEntryError):
            entry.key()
        manager.check()
    manager.check()
    assert [each.reason for each in sink.receipts] == [EvictionReason.SHUTDOWN]


def test_out_of_memory_tells_needed_free_largest_and_pinned() -> None:
    manager, clock, _ = make(blocks=4)
    entries = fill(manager, clock, "abcd")
    unit = entries["a"].size_bytes
    manager.evict("a")
    manager.evict("c")
    with entries["b"].pin(), entries["d"].pin(), pytest.raises(OutOfMemoryError) as caught:
        manager.get_or_create("e", 2)
    error = caught.value
    assert (error.needed, error.free, error.largest, error.pinned) == (2 * unit, 2 * unit, unit, 2 * unit)
    assert manager.sessions() == ("b", "d")


@pytest.mark.parametrize(
    ("policy", "survivors"),
    [
        pytest.param(None, ("b", "c", "d"), id="lru"),
        pytest.param(LFU(), ("a", "c", "d"), id="lfu"),
        pytest.param(TTL(), ("a", "b", "d"), id="ttl"),
        pytest.param(RecomputeCost(), ("a", "b", "d"), id="cost"),
    ],
)
def test_a_policy_decides_who_makes_room(policy: Any, survivors: tuple[str, ...]) -> None:
    manager, clock, _ = make(blocks=6, policy=policy)
    manager.get_or_create("a", 2)
    clock.advance()
    manager.get_or_create("b", 2)
    clock.advance()
    manager.get_or_create("c", 2, ttl_seconds=50.0)
    for name, count in (("a", 2), ("b", 1), ("c", 0)):
        if count:
            manager.append(name, tokens(manager.layout, count), tokens(manager.layout, count))
    for _ in range(5):
        manager.get("a")
    clock.advance()
    for _ in range(2):
        manager.get("b")
        manager.get("c")
    if policy == LFU():
        for _ in range(9):
            manager.get("c")
    manager.get_or_create("d", 2)
    assert manager.sessions() == survivors
    evictions = manager.statistics().evictions
    assert (evictions.lru, evictions.pressure) == ((1, 0) if policy is None else (0, 1))


def test_a_session_may_have_a_time_to_live_of_its_own() -> None:
    manager, _clock, _ = make(ttl_seconds=10.0)
    manager.get_or_create("default", 1)
    manager.get_or_create("short", 1, ttl_seconds=2.0)
    manager.get_or_create("long", 1, ttl_seconds=100.0)
    assert manager.expire(3.0) == ("short",)
    assert manager.expire(50.0) == ("default",)
    assert manager.sessions() == ("long",)
    with pytest.raises(InvalidSizeError):
        manager.get_or_create("bad", 1, ttl_seconds=math.nan)


def test_a_request_waits_for_a_copy_that_holds_the_only_block() -> None:
    manager, clock, _ = make(blocks=1)
    entry = fill(manager, clock, "a")["a"]
    with manager._ledger.lock:
        entry._copies += 1  # as if a thread were in the middle of an append
    made = threading.Event()

    def create() -> None:
        manager.get_or_create("b", 1)
        made.set()

    threading.Thread(target=create, daemon=True).start()
    assert not made.wait(0.05)
    with manager._ledger.lock:
        entry._end()
    assert made.wait(5)
    assert manager.sessions() == ("b",)
    manager.check()


def test_an_entry_that_is_evicted_during_a_copy_keeps_its_block_until_the_copy_ends() -> None:
    manager, clock, _ = make(blocks=2)
    entry = fill(manager, clock, "a")["a"]
    with manager._ledger.lock:
        entry._copies += 1
    assert manager.evict("a")
    assert not entry.is_live
    assert manager.statistics().bytes_used == entry.size_bytes
    manager.check()
    heir = manager.get_or_create("b", 1)
    assert not heir.span.overlaps(entry.span)
    with manager._ledger.lock:
        entry._end()
    assert manager.statistics().bytes_used == heir.size_bytes
    manager.check()


def test_no_lock_is_held_while_tokens_are_copied() -> None:
    manager, clock, _ = make(blocks=4)
    entry = fill(manager, clock, "a")["a"]
    seen = []

    class Region:
        def __setitem__(self, place: object, value: object) -> None:
            other = threading.Thread(target=lambda: seen.append(manager.statistics().sessions), daemon=True)
            other.start()
            other.join(5)

    entry._small = False
    entry._regions = (Region(), Region())  # type: ignore[assignment]
    entry.append(one_token(manager.layout), one_token(manager.layout))
    assert seen == [1, 1]


def test_a_copy_that_fails_leaves_the_entry_as_it_was() -> None:
    manager, clock, _ = make(blocks=2)
    entry = fill(manager, clock, "a", written="a")["a"]
    entry.truncate(0)

    class Broken:
        def __setitem__(self, place: object, value: object) -> None:
            raise KeyboardInterrupt

    entry._small = False
    entry._regions = (Broken(), Broken())  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        entry.append(one_token(manager.layout), one_token(manager.layout))
    assert entry.token_count == 0
    assert entry.is_idle
    manager.check()


def test_the_cheapest_are_found_among_many_that_are_gone() -> None:
    manager, clock, _ = make(blocks=4)
    for number in range(1000):
        manager.get_or_create(str(number), 1)
        clock.advance()
        if number % 3:
            manager.evict(str(number))
    assert len(manager._table._queue) < 300
    manager.check()


@pytest.mark.parametrize("count", [pytest.param(n, id=f"tokens-{n}") for n in (1, 5, 40)])
def test_a_block_of_many_pages_comes_back_zeroed_whatever_was_appended(count: int) -> None:
    layout = KVLayout(layers=2, kv_heads=2, head_dim=64, max_context=100)
    manager = KVCacheManager(layout, capacity_bytes=layout.block_bytes)
    for _ in range(2):
        entry = manager.get_or_create("first")
        for _ in range(2):
            entry.append(tokens(layout, count, 3.0), tokens(layout, count, 4.0))
        manager.evict("first")
        heir = manager.get_or_create("second")
        assert not heir.key(whole=True).any()
        assert not heir.value(whole=True).any()
        manager.evict("second")


@pytest.mark.parametrize(
    "look",
    [
        pytest.param(lambda entry: entry.key(whole=True).any(), id="whole"),
        pytest.param(lambda entry: entry.value_mut().any(), id="mutable"),
    ],
)
def test_who_finds_an_entry_while_it_is_zeroed_waits_to_see_the_whole(
    look: Callable[[KVCacheEntry], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    manager, _, _ = make(blocks=1)
    manager.get_or_create("first", 1).key_mut()[:] = 9.0
    manager.evict("first")
    begun, go_on, seen = threading.Event(), threading.Event(), list[object]()
    zero_range = manager._pool.zero_range

    def slow(offset: int, length: int) -> None:
        begun.set()
        go_on.wait(5)
        zero_range(offset, length)

    monkeypatch.setattr(manager._pool, "zero_range", slow)
    creator = threading.Thread(target=lambda: manager.get_or_create("a", 1), daemon=True)
    creator.start()
    assert begun.wait(5)
    found = manager.get("a")
    assert found is not None
    assert found.token_count == 0
    looker = threading.Thread(target=lambda: seen.append(bool(look(found))), daemon=True)
    looker.start()
    looker.join(0.05)
    assert seen == []
    go_on.set()
    looker.join(5)
    creator.join(5)
    assert seen == [False]


@pytest.mark.parametrize("small", [pytest.param(True, id="small"), pytest.param(False, id="large")])
def test_a_token_is_the_same_whichever_way_it_is_copied(small: bool) -> None:
    manager, clock, _ = make(blocks=8)
    entry = manager.get_or_create("a", 3)
    entry._small = small
    for number in range(3):
        clock.advance()
        entry.append(one_token(manager.layout, float(number)), one_token(manager.layout, -float(number)))
    assert entry.key()[:, 1, 1, 3].tolist() == [0.0, 1.0, 2.0]
    assert entry.value()[:, 0, 0, 0].tolist() == [0.0, -1.0, -2.0]
    assert (entry.last_accessed, entry.uses) == (clock.now, 4)
    assert manager.statistics().tokens == manager.statistics().appended_tokens == 3
    with pytest.raises(ContextOverflowError):
        entry.append(one_token(manager.layout), one_token(manager.layout))
    manager.evict("a")
    with pytest.raises(StaleEntryError):
        entry.append(one_token(manager.layout), one_token(manager.layout))
    assert manager.performance().append.count == 3
    manager.check()
