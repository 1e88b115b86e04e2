"""States in threads, in forks and in any order: against a list of all that was ever put."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kvcache.integrations.states import KeptState, StateStore
from kvcache.token_text import bytes_of, common, tokens_of
from kvcache.values import Array
from tests.kvcache.integrations.test_states import UNIT, found, make, put
from tests.kvcache.sessions.test_interrupts import interrupted
from tests.kvcache.test_forking import in_a_child
from tests.kvcache.threads import run_threads


def test_four_threads_never_see_bytes_of_another_text() -> None:
    store, wrong = make(24), list[object]()

    def content(tokens: list[int]) -> bytes:
        return bytes(tokens) * (tokens[0] * 8)

    def work(worker: int) -> None:
        random = np.random.default_rng(worker)
        held: list[tuple[KeptState, bytes]] = []
        for _ in range(150):
            tokens = random.integers(1, 4, int(random.integers(1, 5))).tolist()
            name = "ab"[int(random.integers(2))]
            if random.random() < 0.5:
                put(store, tokens, content(tokens) + name.encode(), name)
            elif (state := store.find(tokens, namespace=name)) is not None:
                text = tokens_of(state[0].text)
                held = [*held[-3:], (state[0], content(text) + name.encode())]
                if common(state[0].text, bytes_of(tokens)) != state[1]:
                    wrong.append((text, tokens))
            wrong.extend(state for state, expected in held if store.read(state) != expected)

    run_threads(work)
    assert not wrong
    store.check()
    assert store.statistics().evictions > 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_while_a_thread_is_in_the_middle_has_its_own_states() -> None:
    store = make()
    put(store, [1], b"before")
    inside, go_on = threading.Event(), threading.Event()

    def slow(block: Array) -> None:
        inside.set()
        go_on.wait(10)
        block[:] = 7

    def in_child() -> None:
        put(store, [3], b"child")
        assert (found(store, [1]), found(store, [2])) == (b"before", b"\7" * 4)

    thread = threading.Thread(target=lambda: store.put([2], 4, slow))
    thread.start()
    inside.wait(10)
    threading.Timer(0.01, go_on.set).start()
    assert in_a_child(in_child) == 0
    thread.join(10)
    assert found(store, [3]) is None


INTERRUPTED: dict[str, Callable[[StateStore], object]] = {
    "put": lambda store: put(store, [4], b"4" * 100),
    "replace": lambda store: put(store, [1], b"1" * 60),
    "find": lambda store: store.find([2, 5]),
    "peek": lambda store: store.peek([2, 5]),
    "statistics": lambda store: store.statistics(),
    "clear": lambda store: store.clear(),
    "close": lambda store: store.close(),
}


@pytest.mark.parametrize("way", INTERRUPTED)
def test_an_interrupt_leaves_no_lock_and_no_half_of_a_state(way: str) -> None:
    at, again = 1, True
    while again:
        store = make(3)
        held = [put(store, [token], bytes([48 + token]) * 60) for token in (1, 2, 3)]
        again = interrupted(lambda: INTERRUPTED[way](store), at)  # noqa: B023 - called at once
        at += 1
        assert store._lock.acquire(blocking=False), f"at call {at}"
        store._lock.release()
        for token, state in zip((1, 2, 3), held, strict=True):
            content = bytes([48 + token]) * 60
            assert state is not None
            assert store.read(state) == content
            assert found(store, [token, 9]) in (content, None)
        assert found(store, [4, 9]) in (b"4" * 100, None)
        store.check()
        if not store.closed:
            assert put(store, [7], b"7" * (3 * UNIT)) is not None, f"room was lost at call {at}"
            assert found(store, [7, 9]) == b"7" * (3 * UNIT)
    assert at > 2


TEXTS = st.lists(st.integers(0, 2), min_size=1, max_size=5)
NAMES = st.sampled_from(["", "a"])


class States(RuleBasedStateMachine):
    """Against a list of all that was ever put: each is there or was evicted, and reads the same for ever."""

    @initialize(whole=st.booleans(), least=st.integers(1, 2))
    def begin(self, whole: bool, least: int) -> None:
        self.store = make(10, whole=whole, least=least)
        self.whole, self.least = whole, least
        self.put: list[tuple[str, list[int], KeptState, bytes]] = []
        self.number = 0

    @rule(tokens=TEXTS, name=NAMES, size=st.integers(0, 5 * UNIT))
    def store_one(self, tokens: list[int], name: str, size: int) -> None:
        self.number += 1
        content = np.random.default_rng(self.number).bytes(size)
        state = put(self.store, tokens, content, name)
        assert state is not None
        self.put.append((name, tokens, state, content))

    @rule(size=st.integers(10 * UNIT + 1, 11 * UNIT))
    def store_too_much(self, size: int) -> None:
        assert put(self.store, [1], bytes(size)) is None

    @rule(tokens=TEXTS, name=NAMES)
    def ask(self, tokens: list[int], name: str) -> None:
        there = {tuple(known): content for at, known, state, content in self.put if at == name and self.holds(state)}
        asked = tokens[:-1] if self.whole else tokens
        best = 0
        for known in there:
            count = common(bytes_of(list(known)), bytes_of(asked))
            best = max(best, count if not self.whole or count == len(known) else 0)
        state = self.store.find(tokens, namespace=name)
        if best < self.least:
            assert state is None
        else:
            assert state is not None
            assert state[1] == best
            assert self.store.read(state[0]) == there[tuple(tokens_of(state[0].text))]

    @rule(name=st.sampled_from([None, "", "a"]))
    def clear(self, name: str | None) -> None:
        self.store.clear(name)
        assert not any(self.holds(state) for at, _, state, _ in self.put if name in (None, at))

    @rule()
    def let_go_of_those_that_are_gone(self) -> None:
        self.put = [each for each in self.put if self.holds(each[2])]

    @invariant()
    def every_state_reads_as_it_was_put(self) -> None:
        if hasattr(self, "store"):
            assert all(self.store.read(state) == content for _, _, state, content in self.put)
            self.store.check()

    def holds(self, state: KeptState) -> bool:
        return self.store.holds(state)


TestStates = States.TestCase
TestStates.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)
