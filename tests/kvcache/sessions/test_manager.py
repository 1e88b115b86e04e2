import math
import threading
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest

from kvcache import (
    ClosedError,
    ContextOverflowError,
    EvictionReason,
    IntegrityError,
    InvalidSessionError,
    InvalidSizeError,
    KVCacheEntry,
    KVCacheManager,
    MemorySink,
    OutOfBoundsError,
    OutOfMemoryError,
    Record,
    StaleEntryError,
    UnknownSessionError,
)
from tests.kvcache.fakes import FakeClock, make_manager, one_token, small_layout, tokens

Use: TypeAlias = Callable[[], object]


def fill(manager: KVCacheManager, clock: FakeClock, names: str) -> list[KVCacheEntry]:
    """Create one session per letter, a second apart."""
    entries = []
    for name in names:
        entries.append(manager.get_or_create(name))
        clock.advance()
    return entries


def test_a_miss_creates_and_a_hit_finds_the_same_entry() -> None:
    manager = make_manager()
    entry = manager.get_or_create("a")
    assert manager.get_or_create("a") is entry
    assert manager.get("a") is entry
    assert manager.get("b") is None
    assert "a" in manager
    assert "b" not in manager
    assert len(manager) == 1
    assert manager.sessions() == ("a",)
    statistics = manager.statistics()
    assert (statistics.hits, statistics.misses, statistics.hit_rate) == (2, 2, 0.5)


def test_a_block_that_is_used_again_comes_back_zeroed() -> None:
    manager = make_manager(blocks=1)
    entry = manager.get_or_create("a")
    entry.key_mut()[:] = 1.0
    entry.value_mut()[:] = 2.0
    manager.evict("a")
    heir = manager.get_or_create("b")
    assert not heir.key_mut().any()
    assert not heir.value_mut().any()


def test_a_session_may_ask_for_less_context_than_the_model_has() -> None:
    manager = make_manager(blocks=1)
    small = manager.get_or_create("small", 1)
    assert small.max_context_length == 1
    assert manager.get_or_create("other", 3).size_bytes == 3 * small.size_bytes
    assert manager.statistics().bytes_free == 0


def test_append_through_the_manager_writes_and_counts() -> None:
    clock = FakeClock()
    manager = make_manager(clock=clock)
    entry = manager.get_or_create("a")
    clock.advance(3)
    assert manager.append("a", tokens(entry.layout, 2), tokens(entry.layout, 2)) == 2
    assert entry.last_accessed == 3.0
    with pytest.raises(UnknownSessionError) as caught:
        manager.append("b", tokens(entry.layout, 1), tokens(entry.layout, 1))
    assert caught.value.got == "b"


@pytest.mark.parametrize(
    "name", [pytest.param("", id="empty"), pytest.param(7, id="number"), pytest.param(None, id="none")]
)
def test_a_session_id_that_is_no_text_is_refused_everywhere(name: str) -> None:
    manager = make_manager()
    uses: list[Use] = [
        lambda: manager.get_or_create(name),
        lambda: manager.get(name),
        lambda: manager.evict(name),
        lambda: manager.append(name, np.zeros(1), np.zeros(1)),
    ]
    for use in uses:
        with pytest.raises(InvalidSessionError):
            use()
    assert manager.statistics().misses == 0


def test_a_full_arena_evicts_the_least_recently_used() -> None:
    clock = FakeClock()
    manager = make_manager(blocks=3, clock=clock)
    first, second, third = fill(manager, clock, "abc")
    manager.get("a")
    manager.get_or_create("d")
    assert manager.sessions() == ("a", "c", "d")
    assert first.is_live
    assert third.is_live
    with pytest.raises(StaleEntryError):
        second.key()
    assert manager.statistics().evictions.lru == 1
    manager.check()


def test_evict_takes_one_session_and_says_whether_it_was_there() -> None:
    manager = make_manager()
    manager.get_or_create("a")
    manager.get_or_create("b")
    assert manager.evict("a") is True
    assert manager.evict("a") is False
    assert manager.sessions() == ("b",)
    assert manager.statistics().evictions.manual == 1


def test_clear_takes_all_sessions_and_leaves_one_free_span() -> None:
    clock = FakeClock()
    manager = make_manager(blocks=3, clock=clock)
    fill(manager, clock, "abc")
    assert manager.clear() == ("a", "b", "c")
    statistics = manager.statistics()
    assert (statistics.sessions, statistics.largest_free) == (0, statistics.bytes_capacity)


def test_a_closed_manager_refuses_every_call_and_closes_twice() -> None:
    with make_manager() as manager:
        entry = manager.get_or_create("a")
    manager.close()
    assert manager.closed
    uses: list[Use] = [
        lambda: manager.get_or_create("a"),
        lambda: manager.get("a"),
        lambda: manager.append("a", one_token(small_layout()), one_token(small_layout())),
        lambda: manager.evict("a"),
        manager.expire,
        manager.clear,
        manager.statistics,
    ]
    for use in uses:
        with pytest.raises(ClosedError):
            use()
    with pytest.raises(StaleEntryError):
        entry.key()


@pytest.mark.parametrize("ttl", [pytest.param(t, id=f"ttl-{t}") for t in (0, -1.0, math.nan, math.inf, "60")])
def test_a_time_to_live_is_finite_and_above_zero(ttl: float) -> None:
    with pytest.raises(InvalidSizeError, match="ttl_seconds"):
        make_manager(ttl=ttl)


@pytest.mark.parametrize("now", [pytest.param(math.nan, id="nan"), pytest.param("1", id="text")])
def test_expire_refuses_what_is_no_time(now: float) -> None:
    manager = make_manager(ttl=1.0)
    manager.get_or_create("a")
    with pytest.raises(InvalidSizeError):
        manager.expire(now)
    assert len(manager) == 1


def test_nothing_expires_where_no_time_to_live_is_set() -> None:
    manager = make_manager()
    manager.get_or_create("a")
    assert manager.expire(1e9) == ()
    assert len(manager) == 1


def test_a_request_larger_than_the_arena_never_evicts_anybody() -> None:
    layout = small_layout(max_context=8)
    manager = KVCacheManager(layout, capacity_bytes=layout.block_bytes // 2, clock=FakeClock())
    entries = [manager.get_or_create(name, 2) for name in "ab"]
    with pytest.raises(OutOfMemoryError) as caught:
        manager.get_or_create("c", 8)
    assert (caught.value.needed, caught.value.free) == (layout.block_bytes, 0)
    assert all(entry.is_live for entry in entries)
    assert manager.statistics().evictions.total == 0


def test_receipts_tell_who_went_why_and_what_changed() -> None:
    clock, sink = FakeClock(), MemorySink()
    manager = make_manager(blocks=2, clock=clock, ttl=10.0, sink=sink)
    entry = manager.get_or_create("a")
    manager.append("a", tokens(entry.layout, 3), tokens(entry.layout, 3))
    clock.advance(10)
    manager.get_or_create("b")
    manager.expire()
    (receipt,) = sink.receipts
    assert (receipt.session_id, receipt.reason, receipt.token_count) == ("a", EvictionReason.TTL, 3)
    assert (receipt.created_at, receipt.last_accessed, receipt.evicted_at) == (0.0, 0.0, 10.0)
    assert receipt.span == entry.span
    assert receipt.before.bytes_used - receipt.after.bytes_used == entry.size_bytes
    assert (receipt.before.sessions, receipt.after.sessions) == (2, 1)
    assert receipt.after.evictions.ttl == 1


def test_a_sink_that_raises_breaks_nothing_and_is_counted() -> None:
    def broken(_record: Record) -> None:
        raise RuntimeError("disk full")

    manager = make_manager(sink=broken)
    manager.get_or_create("a")
    assert manager.evict("a")
    assert manager.statistics().sink_failures == 1
    manager.check()


def test_a_sink_may_call_the_manager_and_even_wait_for_another_thread_that_does() -> None:
    seen: list[int] = []

    def sink(_record: Record) -> None:
        other = threading.Thread(target=lambda: seen.append(manager.statistics().sessions), daemon=True)
        other.start()
        other.join(5)

    manager = make_manager(sink=sink)
    manager.get_or_create("a")
    manager.evict("a")
    assert seen == [0]


def test_check_finds_a_block_without_an_entry() -> None:
    manager = make_manager()
    manager.get_or_create("a")
    manager._entries.clear()
    with pytest.raises(IntegrityError, match="manager"):
        manager.check()


# The faults of the original, one test each.


def test_fault_self_deadlock_on_every_miss() -> None:
    manager = make_manager(blocks=1)
    done = threading.Event()

    def miss_twice() -> None:
        manager.get_or_create("a")
        manager.get_or_create("b")
        done.set()

    threading.Thread(target=miss_twice, daemon=True).start()
    assert done.wait(5)


def test_fault_ttl_expiry_frees_a_made_up_offset_and_hands_a_live_block_out_again() -> None:
    clock = FakeClock()
    manager = make_manager(blocks=3, clock=clock, ttl=10.0)
    first, expired, third = fill(manager, clock, "abc")
    first.key_mut()[:] = 1.0
    clock.now = 9.0
    manager.get("a")
    manager.get("c")
    clock.now = 11.0
    assert manager.expire() == ("b",)
    heir = manager.get_or_create("d")
    assert heir.span == expired.span
    assert not heir.span.overlaps(first.span)
    assert not heir.span.overlaps(third.span)
    assert (first.key_mut() == 1.0).all()
    manager.check()


def test_fault_ttl_constants_are_hard_coded() -> None:
    for ttl in (0.5, 7200.0):
        clock = FakeClock()
        manager = make_manager(clock=clock, ttl=ttl)
        manager.get_or_create("a")
        assert manager.expire(ttl - 0.01) == ()
        assert manager.expire(ttl) == ("a",)


def test_fault_the_retry_fails_after_everyone_was_evicted() -> None:
    clock = FakeClock()
    layout = small_layout(max_context=2)
    manager = KVCacheManager(layout, capacity_bytes=2 * layout.block_bytes, clock=clock)
    for name in "abcd":
        manager.get_or_create(name, 1)
        clock.advance()
    manager.get("b")  # the two least recently used are now a and c, and b lies between them
    clock.advance()
    entry = manager.get_or_create("large", 2)
    assert entry.is_live
    assert manager.sessions() == ("a", "b", "large")
    manager.check()


def test_fault_a_hit_does_not_touch_recency() -> None:
    clock = FakeClock()
    manager = make_manager(clock=clock)
    entry = manager.get_or_create("a")
    clock.advance(5)
    manager.get_or_create("a")
    assert entry.last_accessed == 5.0
    clock.advance(5)
    manager.get("a")
    assert entry.last_accessed == 10.0


def test_fault_a_hit_does_not_check_the_context() -> None:
    clock = FakeClock()
    manager = make_manager(clock=clock)
    entry = manager.get_or_create("a", 2)
    clock.advance()
    with pytest.raises(ContextOverflowError) as caught:
        manager.get_or_create("a", 3)
    assert caught.value.got == 3
    with pytest.raises(ContextOverflowError):
        manager.get_or_create("new", 5)
    assert entry.last_accessed == 0.0
    assert manager.get_or_create("a", 1) is entry
    assert manager.get_or_create("a") is entry


def test_fault_the_same_session_created_twice_leaks() -> None:
    manager = make_manager()
    for _ in range(3):
        manager.get_or_create("a")
    assert manager.statistics().bytes_used == small_layout().block_bytes
    manager.evict("a")
    assert manager.statistics().bytes_used == 0


def test_fault_a_zero_range_error_becomes_a_panic(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = make_manager()
    manager.get_or_create("first").key_mut()[:] = 1.0  # only bytes that were written to are zeroed
    manager.evict("first")

    def refuse(offset: int, length: int) -> None:
        raise OutOfBoundsError("zero_range", expected="0", got=(offset, length))

    with monkeypatch.context() as patch:
        patch.setattr(manager._pool, "zero_range", refuse)
        with pytest.raises(OutOfBoundsError):
            manager.get_or_create("a")
    assert "a" not in manager
    assert manager.statistics().bytes_used == 0
    manager.check()
    assert manager.get_or_create("a").is_live


def test_fault_shutdown_without_receipts() -> None:
    sink = MemorySink()
    manager = make_manager(sink=sink)
    manager.get_or_create("a")
    manager.get_or_create("b")
    manager.close()
    assert [(each.session_id, each.reason) for each in sink.receipts] == [("a", "shutdown"), ("b", "shutdown")]
    assert sink.receipts[-1].after.bytes_used == 0
