from collections.abc import Callable
from typing import Any

import pytest

from kvcache import (
    LRU,
    POLICIES,
    SYSTEM_PAGE,
    EvictionReceipt,
    InvalidSizeError,
    KVCacheManager,
    KVLayout,
    MemorySink,
    OutOfMemoryError,
    Policy,
)
from kvcache.sessions.eviction import Candidate
from tests.kvcache.fakes import FakeClock, one_token, small_layout, tokens

PAGED = KVLayout(layers=1, kv_heads=1, head_dim=64, max_context=64, alignment=SYSTEM_PAGE)
PER_PAGE = SYSTEM_PAGE // 256


def in_arena(blocks: int = 3, **settings: Any) -> tuple[KVCacheManager, FakeClock]:
    """A manager whose arena holds so many sessions."""
    clock, layout = FakeClock(), small_layout(1)
    return KVCacheManager(layout, capacity_bytes=blocks * layout.block_bytes, clock=clock, **settings), clock


def in_memory(sessions: int = 3, **settings: Any) -> tuple[KVCacheManager, FakeClock]:
    """A manager whose memory holds a page of so many sessions."""
    clock = FakeClock()
    memory = 2 * SYSTEM_PAGE * sessions
    return KVCacheManager(
        PAGED, capacity_bytes=PAGED.block_bytes * 9, memory_bytes=memory, clock=clock, **settings
    ), clock


def add(manager: KVCacheManager, clock: FakeClock, name: str, priority: int | None = None) -> None:
    clock.advance()
    entry = manager.get_or_create(name, priority=priority)
    entry.append(one_token(manager.layout), one_token(manager.layout))


BOTH = pytest.mark.parametrize("make", [pytest.param(in_arena, id="arena"), pytest.param(in_memory, id="memory")])
EACH_POLICY = pytest.mark.parametrize("policy", [pytest.param(each, id=name) for name, each in POLICIES.items()])


@BOTH
@EACH_POLICY
def test_the_lowest_priority_goes_first_whatever_the_policy_says(make: Callable[..., Any], policy: Policy) -> None:
    manager, clock = make(policy=policy)
    for name, priority in (("first", 1), ("second", 2), ("third", None)):
        add(manager, clock, name, priority)
    for name in ("fourth", "fifth"):
        add(manager, clock, name, 3)
    assert manager.sessions() == ("second", "fourth", "fifth")


@BOTH
def test_the_policy_decides_among_sessions_of_one_priority(make: Callable[..., Any]) -> None:
    manager, clock = make()
    for name in "abc":
        add(manager, clock, name, 7)
    clock.advance()
    manager.get("a")
    add(manager, clock, "d", 7)
    assert manager.sessions() == ("a", "c", "d")


@BOTH
def test_a_high_priority_is_no_pin(make: Callable[..., Any]) -> None:
    manager, clock = make()
    for name in "abc":
        add(manager, clock, name, 9)
    add(manager, clock, "d", 0)
    assert manager.sessions() == ("b", "c", "d")


@BOTH
def test_a_priority_can_be_lowered_and_raised_later(make: Callable[..., Any]) -> None:
    manager, clock = make()
    for name in "abc":
        add(manager, clock, name, 1)
    assert manager.prioritize("c", 0)
    assert manager.prioritize("a", 2)
    assert not manager.prioritize("nobody", 2)
    add(manager, clock, "d", 1)
    add(manager, clock, "e", 1)
    assert manager.sessions() == ("a", "d", "e")


@BOTH
def test_a_session_whose_time_has_ended_goes_before_one_of_a_lower_priority(make: Callable[..., Any]) -> None:
    manager, clock = make()
    add(manager, clock, "low", -1)
    manager.get_or_create("ended", ttl_seconds=0.5, priority=5).append(
        one_token(manager.layout), one_token(manager.layout)
    )
    add(manager, clock, "other")
    add(manager, clock, "new")
    assert manager.sessions() == ("low", "other", "new")


def test_a_lookup_changes_the_priority_only_if_it_says_one() -> None:
    manager, _ = in_arena()
    assert manager.get_or_create("a").priority == 0
    assert manager.get_or_create("a", priority=4).priority == 4
    assert manager.get_or_create("a").priority == 4
    manager.evict("a")
    assert manager.get_or_create("a").priority == 0


def test_a_change_of_priority_is_no_use() -> None:
    manager, clock = in_arena()
    entry = manager.get_or_create("a")
    before = manager.statistics()
    clock.advance()
    manager.prioritize("a", 3)
    assert (entry.last_accessed, entry.uses) == (0.0, 1)
    assert manager.statistics() == before


def test_a_fork_has_its_own_priority() -> None:
    manager, clock = in_arena()
    add(manager, clock, "prompt", 5)
    assert manager.fork("prompt", "answer").priority == 0
    assert manager.fork("prompt", "answer", priority=2).priority == 2


def test_a_recoded_session_keeps_its_priority() -> None:
    layout = KVLayout(layers=1, kv_heads=1, head_dim=64, max_context=4)
    manager = KVCacheManager(layout, capacity_bytes=4 * layout.block_bytes)
    manager.get_or_create("a", priority=5).append(tokens(layout, 2), tokens(layout, 2))
    assert manager.recode("a", "int8")
    found = manager.get("a")
    assert found is not None
    assert found.priority == 5


def test_receipts_and_snapshots_tell_the_priority() -> None:
    sink = MemorySink()
    manager, _ = in_arena(sinks=[sink])
    manager.get_or_create("a", priority=5)
    assert [block.priority for block in manager.snapshot().blocks] == [5]
    manager.evict("a")
    assert [each.priority for each in sink.records if isinstance(each, EvictionReceipt)] == [5]


@pytest.mark.parametrize("priority", [1.5, "1", float("nan"), True, 2**63])
def test_a_priority_is_a_whole_number(priority: Any) -> None:
    manager, _ = in_arena()
    entry = manager.get_or_create("a", priority=3)
    with pytest.raises(InvalidSizeError):
        manager.get_or_create("a", priority=priority)
    with pytest.raises(InvalidSizeError):
        manager.prioritize("a", priority)
    with pytest.raises(InvalidSizeError):
        manager.fork("a", "b", priority=priority)
    assert (entry.priority, manager.sessions()) == (3, ("a",))


def test_a_policy_that_raises_leaves_the_priority_as_it_was() -> None:
    class Fragile(LRU):
        broken = False

        def cost(self, candidate: Candidate, now: float, /) -> float:
            if Fragile.broken:
                raise ZeroDivisionError
            return super().cost(candidate, now)

    manager, clock = in_arena(policy=Fragile())
    for name in "abc":
        add(manager, clock, name, 1)
    Fragile.broken = True
    with pytest.raises(ZeroDivisionError):
        manager.prioritize("c", 0)
    Fragile.broken = False
    add(manager, clock, "d", 1)
    assert manager.sessions() == ("b", "c", "d")


def test_changes_without_end_take_no_memory() -> None:
    manager, clock = in_arena()
    for name in "abc":
        add(manager, clock, name)
    for number in range(1000):
        manager.prioritize("abc"[number % 3], -number)
    assert len(manager._table._queue) < 200
    add(manager, clock, "d")
    assert manager.sessions() == ("b", "c", "d")


def test_a_pinned_session_of_the_lowest_priority_stays() -> None:
    manager, clock = in_arena()
    for name, priority in (("a", 0), ("b", 1), ("c", 2)):
        add(manager, clock, name, priority)
    entry = manager.get("a")
    assert entry is not None
    with entry.pin():
        add(manager, clock, "d", 1)
    assert manager.sessions() == ("a", "c", "d")
    with entry.pin(), pytest.raises(OutOfMemoryError):
        manager.get_or_create("too large", 1, sequences=3)
