"""Whoever's time to live has ended is found by nobody, and the first to make room."""

from collections.abc import Callable

import pytest

from kvcache import EvictionReason, KVCacheManager, MemorySink, OutOfMemoryError, UnknownSessionError
from tests.kvcache.fakes import FakeClock, make_manager, one_token


def expired(blocks: int = 2) -> tuple[KVCacheManager, FakeClock, MemorySink]:
    """A manager with one session whose time has ended."""
    clock, sink = FakeClock(), MemorySink()
    manager = make_manager(blocks=blocks, clock=clock, ttl=10.0, sink=sink)
    entry = manager.get_or_create("dead")
    entry.append(one_token(entry.layout), one_token(entry.layout))
    clock.now = 10.0
    return manager, clock, sink


def test_get_finds_no_session_whose_time_has_ended() -> None:
    manager, _, sink = expired()
    assert manager.get("dead") is None
    assert manager.sessions() == ()
    assert [receipt.reason for receipt in sink.receipts] == [EvictionReason.TTL]
    assert manager.statistics().misses == 2


def test_get_or_create_makes_such_a_session_anew() -> None:
    manager, _, _ = expired()
    entry = manager.get_or_create("dead")
    assert entry.token_count == 0
    assert entry.uses == 1
    assert not entry.key(whole=True).any()


def test_an_append_by_name_does_not_find_it() -> None:
    manager, _, _ = expired()
    token = one_token(manager.layout)
    with pytest.raises(UnknownSessionError):
        manager.append("dead", token, token)


def test_who_is_used_in_time_lives_on() -> None:
    manager, clock, _ = expired()
    clock.now = 9.0
    assert manager.get("dead") is not None
    clock.now = 18.0
    assert manager.get("dead") is not None


def test_who_is_in_use_lives_on() -> None:
    manager, _, _ = expired()
    entry = manager._entries["dead"]
    with entry.pin():
        assert manager.get("dead") is entry
    held = entry.key_mut()
    manager.get_or_create("other")
    assert manager.get("dead") is entry
    del held


@pytest.mark.parametrize(
    ("own", "gone"),
    [
        pytest.param([None, 2.0], ("b",), id="the-younger-has-a-time-of-its-own"),
        pytest.param([3.0, 2.0], ("b", "a"), id="all-that-have-expired"),
    ],
)
def test_an_expired_session_makes_room_before_a_live_one(own: list[float | None], gone: tuple[str, ...]) -> None:
    clock, sink = FakeClock(), MemorySink()
    manager = make_manager(blocks=2, clock=clock, sink=sink)
    for name, ttl in zip("ab", own, strict=True):
        manager.get_or_create(name, ttl_seconds=ttl)
        clock.advance(0.5)
    clock.now = 9.0
    manager.get_or_create("new")
    assert tuple(receipt.session_id for receipt in sink.receipts) == gone
    assert {receipt.reason for receipt in sink.receipts} == {EvictionReason.TTL}
    manager.check()


def test_where_the_expired_do_not_suffice_the_policy_chooses_among_the_others() -> None:
    clock, sink = FakeClock(), MemorySink()
    manager = make_manager(blocks=4, clock=clock, sink=sink)
    manager.get_or_create("a", 4)
    manager.get_or_create("dead", 2, ttl_seconds=1.0)
    for name, context in (("b", 3), ("c", 3), ("d", 4), ("e", 4)):
        clock.advance()
        manager.get_or_create(name, context)
    went = [(receipt.session_id, receipt.reason) for receipt in sink.receipts]
    assert went == [("dead", EvictionReason.TTL), ("a", EvictionReason.LRU)]
    manager.check()


def test_a_request_larger_than_the_arena_evicts_nobody() -> None:
    clock = FakeClock()
    manager = KVCacheManager(
        make_manager().layout, capacity_bytes=256, clock=clock, ttl_seconds=1.0
    )  # less than a block of full context
    manager.get_or_create("dead", 1)
    clock.now = 5.0
    with pytest.raises(OutOfMemoryError, match=r"the whole arena has 256 bytes; ask for less, or enlarge the arena"):
        manager.get_or_create("large")
    assert manager.sessions() == ("dead",)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda manager: manager.evict("dead"), id="evict"),
        pytest.param(lambda manager: manager.expire() == ("dead",), id="expire"),
        pytest.param(lambda manager: manager.clear() == ("dead",), id="clear"),
    ],
)
def test_it_can_be_evicted_as_any_other(call: Callable[[KVCacheManager], bool]) -> None:
    manager, _, _ = expired()
    assert call(manager)
    assert len(manager) == 0
