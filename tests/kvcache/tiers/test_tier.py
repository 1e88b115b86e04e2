"""Sessions that had to go come back from the store, or are a miss; never wrong, never late, never an error."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from kvcache import ClosedError, FileStore, InvalidSizeError, KVCacheManager, KVLayout, PrefixIndex, Tier
from kvcache.tiers.parcel import key_of
from tests.kvcache.fakes import FakeClock
from tests.kvcache.tiers.fakes import FakeStore, Gate, add, filling, lost, small_manager


@pytest.fixture
def manager() -> KVCacheManager:
    return small_manager()


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def tier(manager: KVCacheManager, store: FakeStore) -> Iterator[Tier]:
    made = Tier(manager, store, time_limit=10.0)
    yield made
    made.close()


def push_out(manager: KVCacheManager, tier: Tier | None = None) -> None:
    """Make room twice, so that everybody else goes; wait until they are stored."""
    for name in ("x", "y"):
        manager.get_or_create(name)
        manager.get_or_create(name).touch()
    if tier is not None:
        assert tier.flush(10)


def test_a_session_that_had_to_go_comes_back_as_it_was(manager: KVCacheManager, store: FakeStore, tier: Tier) -> None:
    entry = manager.get_or_create("a", ttl_seconds=100.0, priority=-3)
    keys, values = (np.random.default_rng(0).standard_normal((5, 2, 2, width), np.float32) for width in (4, 3))
    entry.append(keys, values)
    push_out(manager, tier)
    assert "a" not in manager
    assert len(store.kept) == 1
    again = tier.get("a")
    assert again is not None
    assert again is manager.get("a")
    assert (again.max_context_length, again.ttl_seconds, again.priority) == (8, 100.0, -3)
    np.testing.assert_array_equal(again.key(), keys)
    np.testing.assert_array_equal(again.value(), values)
    assert not store.kept  # it is in one place
    figures = tier.statistics()
    assert (figures.hits, figures.misses, figures.stored, figures.dropped) == (1, 0, 1, 0)


def test_what_a_session_was_computed_from_comes_back_with_it(manager: KVCacheManager, store: FakeStore) -> None:
    index = PrefixIndex(manager, page=2)
    tier = Tier(manager, store, index=index)
    add(manager, "a", 5, 1.0)
    index.record("a", [1, 2, 3, 4, 5], namespace="tenant")
    add(manager, "a", 2, 1.0)  # what it is computed from is not recorded
    push_out(manager, tier)
    assert index.longest([1, 2, 3, 4, 5], namespace="tenant") is None
    assert tier.get("a") is not None
    assert index.longest([1, 2, 3, 4, 5, 6], namespace="tenant") == ("a", 5)
    assert index.longest([1, 2, 3]) is None
    assert index.begin("a", [1, 2, 3, 9, 9], namespace="tenant") == 3
    index.check()
    tier.close()


def test_it_comes_back_after_a_restart_too(tmp_path: Path) -> None:
    for number in range(2):
        manager = small_manager()
        index = PrefixIndex(manager, page=2)
        tier = Tier(manager, FileStore(tmp_path), index=index)
        if number == 0:
            add(manager, "a", 3, 1.0)
            index.record("a", [1, 2, 3])
            assert tier.spill() == 1
        else:
            assert tier.get("a") is not None
            assert index.longest([1, 2, 3, 4]) == ("a", 3)
        manager.close()
        tier.close()


def test_without_an_index_no_text_is_kept(manager: KVCacheManager, store: FakeStore, tier: Tier) -> None:
    index = PrefixIndex(manager)
    add(manager, "a", 3, 1.0)
    index.record("a", [1, 2, 3])
    push_out(manager, tier)
    assert b'"text": null' in next(iter(store.kept.values()))
    assert tier.get("a") is not None
    assert index.longest([1, 2, 3]) is None


def test_several_sequences_and_encoded_numbers_come_back() -> None:
    layout = KVLayout(layers=2, kv_heads=1, head_dim=4, max_context=8, encoding="int4")
    manager = KVCacheManager(layout, capacity_bytes=3 * layout.block_bytes)
    with Tier(manager, FakeStore()) as tier:
        entry = manager.get_or_create("a", sequences=3)
        numbers = np.random.default_rng(0).standard_normal((5, 2, 3, 4), np.float32)
        entry.append(numbers, numbers)
        before = entry.key().copy()
        for name in ("x", "y", "z"):
            manager.get_or_create(name)
        again = tier.get("a")
        assert again is not None
        np.testing.assert_array_equal(again.key(), before)


def test_a_recoded_session_comes_back_as_it_went() -> None:
    wide = small_manager(4)
    with Tier(wide, FakeStore()) as second:
        add(wide, "a", 2, 1.0)
        assert wide.recode("a", "bfloat16")
        before = wide.get_or_create("a").key().copy()
        for number in range(12):
            wide.get_or_create(f"x{number}", 4)
        assert "a" not in wide
        again = second.get("a")
        assert again is not None
        assert again.layout.encoding == "bfloat16"
        np.testing.assert_array_equal(again.key(), before)


def test_what_nobody_has_is_a_miss_or_made(manager: KVCacheManager, tier: Tier) -> None:
    assert tier.get("nobody") is None
    assert len(tier.get_or_create("nobody", 3)) == 0
    assert tier.get_or_create("nobody").max_context_length == 3
    assert tier.statistics().misses == 2


@pytest.mark.parametrize("where", [pytest.param(n, id=n) for n in ("waiting", "flying")])
def test_a_session_comes_back_that_is_not_stored_yet(
    manager: KVCacheManager, store: FakeStore, tier: Tier, where: str
) -> None:
    gate = store.fault = Gate("put")
    if where == "waiting":
        add(manager, "before", 1, 9.0)
        push_out(manager)
        assert gate.reached.wait(10)
        manager.clear()
    add(manager, "a", 2, 1.0)
    push_out(manager)
    assert gate.reached.wait(10)
    assert tier.get("a") is not None
    assert filling(manager, "a") == [1.0, 1.0]
    assert "get" not in store.steps
    gate.open.set()
    assert tier.flush(10)
    manager.get_or_create("a").truncate(1)
    assert key_of("", "a") not in store.kept  # and no copy of an earlier state is left


@pytest.mark.parametrize("how", [pytest.param(n, id=n) for n in ("evict", "clear", "expire", "forget")])
def test_what_nobody_should_find_again_is_removed(
    manager: KVCacheManager, store: FakeStore, tier: Tier, how: str
) -> None:
    add(manager, "a", 2, 1.0)
    push_out(manager, tier)
    assert store.kept
    if how != "forget":
        manager.get_or_create("a", ttl_seconds=1.0)  # without asking the tier
    ways: dict[str, Callable[[], object]] = {
        "evict": lambda: manager.evict("a"),
        "clear": manager.clear,
        "expire": lambda: manager.expire(1e12),
        "forget": lambda: tier.forget("a"),
    }
    ways[how]()
    assert tier.get("a") is None
    assert tier.flush(10)
    assert not store.kept
    assert tier.get("a") is None


@pytest.mark.parametrize("how", [pytest.param(n, id=n) for n in ("forgotten", "taken-and-evicted")])
def test_what_nobody_should_find_again_is_not_found_on_its_way_either(
    manager: KVCacheManager, store: FakeStore, tier: Tier, how: str
) -> None:
    gate = store.fault = Gate("put")
    add(manager, "a", 2, 1.0)
    push_out(manager)
    assert gate.reached.wait(10)
    if how == "forgotten":
        tier.forget("a")
    else:
        assert tier.get("a") is not None
        manager.evict("a")
    assert tier.get("a") is None
    gate.open.set()
    assert tier.flush(10)
    assert tier.get("a") is None
    assert not store.kept


def test_a_spilled_session_whose_copy_was_forgotten_is_stored_when_it_goes(
    manager: KVCacheManager, store: FakeStore, tier: Tier
) -> None:
    add(manager, "a", 2, 1.0)
    assert tier.spill() == 1
    tier.forget("a")
    push_out(manager, tier)
    assert tier.get("a") is not None
    assert filling(manager, "a") == [1.0, 1.0]


def test_a_later_state_that_could_not_be_stored_makes_the_earlier_one_worthless(
    manager: KVCacheManager, store: FakeStore, tier: Tier
) -> None:
    add(manager, "a", 2, 1.0)
    push_out(manager, tier)
    add(manager, "a", 3, 2.0)  # made anew, without asking the tier
    store.fault = lost("put", "delete")
    push_out(manager, tier)
    store.fault = lambda _: None
    assert store.kept
    assert tier.get("a") is None
    assert tier.statistics().dropped == 1


def test_a_copy_that_cannot_be_removed_is_not_used(manager: KVCacheManager, store: FakeStore, tier: Tier) -> None:
    add(manager, "a", 2, 1.0)
    push_out(manager, tier)
    store.fault = lost("delete")
    assert tier.get("a") is None
    store.fault = lambda _: None
    assert tier.get("a") is None
    assert tier.statistics().failed == 1


def test_a_slow_store_is_a_miss_after_the_time_limit(manager: KVCacheManager, store: FakeStore) -> None:
    with Tier(manager, store, time_limit=0.01, failures=100) as tier:
        add(manager, "a", 2, 1.0)
        push_out(manager, tier)
        gate = store.fault = Gate("get")
        for asked in range(6):
            assert tier.get("a" if not asked else f"n{asked}") is None
        assert tier.statistics().late == 4  # no more than so many are left waiting
        assert store.steps.count("get") == 4
        gate.open.set()
        assert tier.get("a") is None  # the answer that came late may have been its last copy


def test_a_lost_store_is_left_in_peace_and_asked_again_after_a_while(manager: KVCacheManager, store: FakeStore) -> None:
    clock = FakeClock()
    with Tier(manager, store, failures=3, cooldown=5.0, clock=clock) as tier:
        store.fault = lost("get")
        for number in range(10):
            assert tier.get(f"n{number}") is None
        assert store.steps == ["get"] * 3
        clock.advance(5.0)
        assert tier.get("n") is None
        assert tier.get("n") is None
        assert store.steps == ["get"] * 4
        clock.advance(5.0)
        store.fault = lambda _: None
        for number in range(3):
            assert tier.get(f"m{number}") is None
        assert store.steps == ["get"] * 7
        figures = tier.statistics()
        assert (figures.failed, figures.opened, figures.late) == (4, 1, 0)


def test_an_outbox_that_is_full_lets_sessions_go_without_a_copy(manager: KVCacheManager, store: FakeStore) -> None:
    with Tier(manager, store, outbox_bytes=2 * 112) as tier:  # two tokens
        gate = store.fault = Gate("put")
        for name, count in (("a", 2), ("b", 1), ("c", 3)):
            add(manager, name, count, 1.0)
            push_out(manager)
        assert gate.reached.wait(10)
        figures = tier.statistics()
        assert (figures.dropped, figures.waiting_bytes) == (2, 224)
        gate.open.set()
        assert tier.flush(10)
        assert tier.statistics().waiting_bytes == 0
        assert [tier.get(name) is None for name in "abc"] == [False, True, True]


def test_a_session_for_which_there_is_no_room_goes_back(manager: KVCacheManager, store: FakeStore, tier: Tier) -> None:
    add(manager, "a", 2, 1.0)
    push_out(manager, tier)
    with manager.get_or_create("x").pin(), manager.get_or_create("y").pin():
        assert tier.get("a") is None
    assert tier.flush(10)
    assert tier.get("a") is not None
    assert filling(manager, "a") == [1.0, 1.0]


def test_sessions_that_were_spilled_need_no_copy_when_they_go(
    manager: KVCacheManager, store: FakeStore, tier: Tier
) -> None:
    add(manager, "a", 2, 1.0)
    add(manager, "b", 1, 2.0)
    assert tier.spill() == 2
    assert tier.flush(10)
    assert tier.spill(["a", "nobody"]) == 1
    add(manager, "b", 1, 2.0)
    push_out(manager, tier)
    assert store.steps.count("put") == 3
    assert tier.get("a") is not None
    assert tier.get("b") is not None
    assert filling(manager, "a") == [1.0, 1.0]
    assert filling(manager, "b") == [2.0, 2.0]


def test_a_spilled_session_that_changed_is_not_taken_for_what_it_was(
    manager: KVCacheManager, store: FakeStore, tier: Tier
) -> None:
    add(manager, "a", 2, 1.0)
    tier.spill()
    assert tier.flush(10)
    manager.get_or_create("a").truncate(1)
    add(manager, "a", 1, 5.0)
    push_out(manager, tier)
    assert tier.get("a") is not None
    assert filling(manager, "a") == [1.0, 5.0]


def test_a_restarted_process_finds_what_the_one_before_left(tmp_path: Path) -> None:
    first = small_manager()
    with Tier(first, FileStore(tmp_path), namespace="model") as tier:
        add(first, "a", 2, 1.0)
        first.close()
    second = small_manager()
    with Tier(second, FileStore(tmp_path), namespace="other model") as tier:
        assert tier.get("a") is None
    with Tier(second, FileStore(tmp_path), namespace="model") as tier:
        assert tier.get("a") is not None
        assert filling(second, "a") == [1.0, 1.0]


def test_a_model_of_another_layout_finds_nothing(manager: KVCacheManager, store: FakeStore, tier: Tier) -> None:
    add(manager, "a", 2, 1.0)
    push_out(manager, tier)
    other = KVLayout(layers=2, kv_heads=2, head_dim=4, value_dim=4, max_context=8)
    with Tier(small_manager(layout=other), store) as second:
        assert second.get("a") is None


@pytest.mark.parametrize("kind", [pytest.param(n, id=n) for n in ("garbage", "changed", "cut", "empty", "of-another")])
def test_a_store_that_says_something_wrong_is_a_miss(
    manager: KVCacheManager, store: FakeStore, tier: Tier, kind: str
) -> None:
    add(manager, "a", 2, 1.0)
    add(manager, "b", 2, 2.0)
    push_out(manager, tier)
    first, second = store.kept
    right = store.kept[first]
    wrong: dict[str, list[bytes]] = {
        "garbage": [b"x" * len(right)],
        "changed": [right[:at] + bytes([right[at] ^ 4]) + right[at + 1 :] for at in range(len(right))],
        "cut": [right[:at] for at in range(0, len(right), 3)] + [right + b"x"],
        "empty": [b""],
        "of-another": [store.kept[second]],
    }
    for content in wrong[kind]:
        store.kept[first] = content
        assert tier.get("a") is None
    assert tier.statistics().damaged == len(wrong[kind])
    assert filling(manager, "a") is None


def test_a_closed_tier_is_a_miss_and_the_manager_goes_on(manager: KVCacheManager, store: FakeStore, tier: Tier) -> None:
    add(manager, "a", 2, 1.0)
    push_out(manager)
    tier.close()
    assert store.closed
    assert len(store.kept) == 1
    assert tier.get("a") is None
    add(manager, "b", 1, 1.0)
    push_out(manager)
    assert tier.get("b") is None
    assert tier.spill() == 0
    manager.close()
    with pytest.raises(ClosedError):
        tier.get("a")


def test_a_store_that_hangs_at_the_end_holds_nobody_up(manager: KVCacheManager, store: FakeStore) -> None:
    tier = Tier(manager, store)
    gate = store.fault = Gate("put")
    for name in ("a", "b"):
        add(manager, name, 1, 1.0)
    push_out(manager)
    assert gate.reached.wait(10)
    assert not tier.flush(0.01)
    tier.close(timeout=0.01)
    assert tier.statistics().dropped == 1
    gate.open.set()


def test_a_forked_child_has_no_store(manager: KVCacheManager, store: FakeStore, tier: Tier) -> None:
    add(manager, "a", 2, 1.0)
    push_out(manager, tier)
    child = os.fork()
    if not child:
        right = tier.get("a") is None and tier.flush(1) and tier.get_or_create("b") is not None
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert tier.get("a") is not None


def test_two_threads_that_ask_at_once_get_the_same_session(
    manager: KVCacheManager, store: FakeStore, tier: Tier
) -> None:
    add(manager, "a", 2, 1.0)
    push_out(manager, tier)
    gate = store.fault = Gate("get")
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(tier.get("a"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert gate.reached.wait(10)
    gate.open.set()
    for thread in threads:
        thread.join()
    assert found == [manager.get("a")] * 3
    assert filling(manager, "a") == [1.0, 1.0]
    assert store.steps.count("get") == 1


@pytest.mark.parametrize(
    "wrong",
    [{"time_limit": 0.0}, {"cooldown": -1.0}, {"outbox_bytes": 0}, {"failures": 0}],
    ids=lambda each: next(iter(each)),
)
def test_what_makes_no_sense_is_refused(manager: KVCacheManager, store: FakeStore, wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidSizeError):
        Tier(manager, store, **wrong)  # type: ignore[arg-type]


def test_sessions_and_namespaces_are_not_confused() -> None:
    pairs = [("a", "bc"), ("ab", "c"), ("", "abc"), ("abc", ""), ("1:a", "b"), ("", "1:ab"), ("ü", "b"), ("", "üb")]
    assert len({key_of(*pair) for pair in pairs}) == len(pairs)
