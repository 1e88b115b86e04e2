"""States of varying size: found by the longest beginning, never mixed up, never more bytes than there is room for."""

from __future__ import annotations

import copy
import gc
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kvcache import LFU, InvalidSizeError, RecomputeCost, StaleEntryError
from kvcache.integrations.states import KeptState, StateStore
from kvcache.token_text import bytes_of, tokens_of
from kvcache.values import Array
from tests.kvcache.fakes import FakeClock

UNIT = 64


class Ticking(FakeClock):
    """A clock that goes on by a second whenever somebody looks at it."""

    def __call__(self) -> float:
        self.advance()
        return self.now


def make(units: int = 8, **more: Any) -> StateStore:
    return StateStore(units * UNIT, clock=more.pop("clock", Ticking()), **more)


def put(store: StateStore, tokens: list[int], content: bytes, namespace: str = "") -> KeptState | None:
    def fill(block: Array) -> None:
        block[:] = np.frombuffer(content, np.uint8)

    return store.put(tokens, len(content), fill, len(content), namespace=namespace)


def found(store: StateStore, tokens: list[int], namespace: str = "") -> bytes | None:
    state = store.find(tokens, namespace=namespace)
    return None if state is None else store.read(state[0])


def units(count: int, fill: bytes = b"x") -> bytes:
    return fill * (count * UNIT)


def test_the_state_with_the_longest_beginning_is_found_and_counted() -> None:
    store = make()
    put(store, [1, 2], b"short")
    put(store, [1, 2, 3, 4], b"long")
    state = store.find([1, 2, 3, 9])
    assert state is not None
    assert (tokens_of(state[0].text), state[1], store.read(state[0]), state[0].facts) == ([1, 2, 3, 4], 3, b"long", 4)
    assert found(store, [1, 2, 9]) == b"short"  # as much in common as the other one, and smaller
    assert found(store, [2, 1]) is None
    assert found(store, []) is None
    figures = store.statistics()
    assert (figures.hits, figures.misses, figures.tokens_found) == (2, 2, 5)
    assert figures.hit_rate == 0.5
    assert (figures.states, figures.bytes_used, figures.bytes_capacity) == (2, 2 * UNIT, 8 * UNIT)
    assert make().statistics().hit_rate is None


def test_the_last_token_of_a_text_does_not_count_as_found() -> None:
    store = make()
    put(store, [1, 2, 3], b"a")
    assert found(store, [1, 2, 3]) == b"a"
    assert store.statistics().tokens_found == 2


def test_to_peek_counts_nothing_and_uses_nothing() -> None:
    store = make(2)
    put(store, [1], units(1))
    put(store, [2], units(1))
    assert store.peek([1, 5]) == bytes_of([1])
    assert store.peek([3]) is None
    put(store, [3], units(1))
    assert store.peek([1]) is None  # it was the least recently used
    assert (store.statistics().hits, store.statistics().misses) == (0, 0)


def test_few_common_tokens_are_a_miss_where_least_says_so() -> None:
    store = make(least=3)
    put(store, [1, 2, 3, 4], b"a")
    assert [found(store, text) for text in ([1, 2, 9, 9], [1, 2, 3, 9])] == [None, b"a"]


def test_namespaces_never_meet() -> None:
    store = make()
    put(store, [1, 2], b"mine", "alice")
    put(store, [1, 2], b"yours", "bob")
    assert [found(store, [1, 2, 3], name) for name in ("alice", "bob", "")] == [b"mine", b"yours", None]
    assert store.clear("alice") == 1
    assert [found(store, [1, 2, 3], name) for name in ("alice", "bob")] == [None, b"yours"]
    store.check()


def test_a_state_of_the_same_tokens_takes_the_place_of_the_one_before() -> None:
    store = make(1)
    put(store, [1, 2], b"old")
    put(store, [1, 2], b"newer")
    assert found(store, [1, 2, 3]) == b"newer"
    figures = store.statistics()
    assert (figures.states, figures.evictions, figures.refused) == (1, 0, 0)


def test_the_least_recently_used_state_makes_room() -> None:
    store = make(3)
    for token in (1, 2, 3):
        put(store, [token], units(1))
    found(store, [1])
    put(store, [4], units(1))
    assert [store.peek([token]) is not None for token in (1, 2, 3, 4)] == [True, False, True, True]
    assert store.statistics().evictions == 1


def test_states_that_lie_together_make_room_for_a_larger_one() -> None:
    store = make(4)
    for token in (1, 2, 3, 4):
        put(store, [token], units(1))
    for token in (1, 4, 2, 3):  # 1 and 4 are the oldest, but there is no room between them
        found(store, [token])
    put(store, [5], units(2, b"5"))
    assert [token for token in (1, 2, 3, 4, 5) if store.peek([token]) is not None] == [3, 4, 5]
    assert found(store, [5]) == units(2, b"5")
    store.check()


def test_a_state_that_another_goes_on_with_makes_room_first() -> None:
    store = make(3)
    put(store, [9], units(1))
    put(store, [1, 2], units(1))
    put(store, [1, 2, 3], units(1, b"turn"[:1]))
    put(store, [7], units(1))
    assert [store.peek(text) is not None for text in ([9], [1, 2, 3], [7])] == [True, True, True]
    assert found(store, [1, 2, 8]) == units(1, b"t")


def test_of_states_that_others_go_on_with_those_that_are_held_go_last() -> None:
    store = make(4)
    held = put(store, [1], units(1))
    put(store, [2], units(1))
    put(store, [1, 5], units(1))
    put(store, [2, 5], units(1))
    put(store, [3], units(1))
    assert held is not None
    assert store.holds(held)
    assert store.peek([2, 9]) == bytes_of([2, 5])


def test_where_states_cannot_be_cut_only_whole_ones_are_found_and_beginnings_are_kept() -> None:
    store = make(3, whole=True)
    put(store, [1, 2], b"beginning")
    put(store, [1, 2, 3, 4], b"more")
    assert found(store, [1, 2, 3, 9]) == b"beginning"
    assert found(store, [1, 2, 3, 4]) == b"beginning"  # the last token is computed again
    assert found(store, [1, 2, 3, 4, 5]) == b"more"
    assert found(store, [1, 9]) is None
    put(store, [9], b"third")
    for text in ([1, 2, 5], [1, 2, 3, 4, 5], [9, 9]):
        assert found(store, text) is not None
    put(store, [8], b"fourth")
    assert found(store, [1, 2, 5]) is None  # because it was used the longest ago


@pytest.mark.parametrize(("policy", "kept"), [(LFU(), [1, 3]), (RecomputeCost(), [1, 3]), (None, [2, 3])])
def test_the_policy_says_which_state_makes_room(policy: Any, kept: list[int]) -> None:
    clock = FakeClock()
    store = make(2, policy=policy, clock=clock)
    put(store, [1] * 9, units(1))
    found(store, [1] * 9)
    clock.advance()
    put(store, [2], units(1))
    clock.advance()
    put(store, [3], units(1))
    assert [token for token in (1, 2, 3) if store.peek([token]) is not None] == kept


def test_a_policy_that_raises_leaves_no_half_of_a_state() -> None:
    class Broken(LFU):
        def cost(self, candidate: object, now: float, /) -> float:
            raise RuntimeError("no")

    store = make(1, policy=Broken())
    put(store, [1], units(1, b"a"))
    with pytest.raises(RuntimeError, match="no"):
        put(store, [2], units(1, b"b"))
    assert (found(store, [1]), found(store, [2])) == (units(1, b"a"), None)
    store.check()


@pytest.mark.parametrize(("tokens", "content"), [([1], units(9)), ([], b"of no token"), ([2], units(8) + b"x")])
def test_what_cannot_be_stored_is_counted_and_nothing_goes(tokens: list[int], content: bytes) -> None:
    store = make(8)
    put(store, [1], b"a")
    assert put(store, tokens, content) is None
    figures = store.statistics()
    assert (figures.refused, figures.states, figures.evictions) == (1, 1, 0)
    assert found(store, [1]) == b"a"


def test_a_state_may_fill_the_whole_store_or_nothing() -> None:
    store = make(8)
    for token in range(5):
        put(store, [token], b"small")
    assert put(store, [9], units(8, b"9")) is not None
    assert found(store, [9]) == units(8, b"9")
    assert put(store, [7], b"") is not None
    assert found(store, [7]) == b""
    store.check()


def test_a_state_that_is_held_stays_whole_when_its_block_goes_to_another() -> None:
    store = make(1)
    first = put(store, [1], units(1, b"1"))
    again = store.find([1])
    assert first is not None
    assert again is not None
    assert again[0] is first  # so that one copy is enough
    put(store, [2], units(1, b"2"))
    assert not store.holds(first)
    assert (store.read(first), store.read(first, 1, 3)) == (units(1, b"1"), b"11")
    seen: list[bytes] = []
    store.look(first, lambda content: seen.append(bytes(content[:2])))
    assert seen == [b"11"]
    other = store.find([2])
    assert other is not None
    assert store.holds(other[0])
    store.close()
    assert store.read(other[0]) == units(1, b"2")


def test_a_state_that_nobody_holds_is_not_copied() -> None:
    store = make(1)
    put(store, [1], units(1, b"1"))
    found(store, [1])
    gc.collect()
    block = next(iter(store._blocks.values()))
    assert block.handle is not None
    assert block.handle() is None


def test_without_memory_for_the_copy_of_a_held_state_the_new_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    store = make(1)
    held = put(store, [1], units(1, b"1"))
    assert held is not None

    def full(state: KeptState) -> Array:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(store, "_bytes", full)
        assert put(store, [2], units(1)) is None
    assert store.read(held) == units(1, b"1")
    assert store.statistics().refused == 1
    store.check()


def test_what_is_written_by_half_is_never_found() -> None:
    store = make()

    def fails(block: Array) -> None:
        block[:10] = 1
        raise OSError("lost")

    with pytest.raises(OSError, match="lost"):
        store.put([1], 64, fails)
    assert found(store, [1]) is None
    assert store.statistics().bytes_used == 0
    store.check()


def test_a_state_of_another_store_cannot_be_read() -> None:
    one, other = make(), make()
    state = put(one, [1], b"mine")
    put(other, [1], b"yours")
    assert state is not None
    with pytest.raises(StaleEntryError, match="expected one of this store"):
        other.read(state)
    assert not other.holds(state)


def test_a_closed_store_finds_nothing_and_takes_nothing() -> None:
    with make() as store:
        put(store, [1], b"a")
    assert store.closed
    store.close()
    assert found(store, [1]) is None
    assert put(store, [1], b"a") is None
    assert store.clear() == 0
    figures = store.statistics()
    assert (figures.states, figures.bytes_used, figures.refused) == (0, 0, 1)
    store.check()


def test_to_clear_gives_the_memory_back() -> None:
    store = make(4096)
    put(store, [1], units(4096))
    assert store._pool.resident >= 4096 * UNIT
    assert store.clear() == 1
    if store._pool.can_release:
        assert store._pool.resident < UNIT * 128


@pytest.mark.parametrize(
    "make_it",
    [
        pytest.param(lambda: StateStore(1), id="less than a unit"),
        pytest.param(lambda: StateStore(64, least=0), id="no token in common"),
        pytest.param(lambda: make().put([1], -1, len), id="fewer bytes than none"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make_it: Callable[[], object]) -> None:
    with pytest.raises(InvalidSizeError):
        make_it()


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickle.dumps])
def test_neither_the_store_nor_a_state_can_be_copied(way: Callable[[object], object]) -> None:
    store = make()
    for thing in (store, put(store, [1], b"a")):
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            way(thing)
