"""Whatever has been computed of a text is found, and nothing else is ever taken for it."""

import os
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kvcache import (
    InvalidSizeError,
    KVCacheEntry,
    KVCacheManager,
    KVLayout,
    OutOfMemoryError,
    PrefixIndex,
    UnknownSessionError,
)
from tests.kvcache.threads import run_threads

LAYOUT = KVLayout(layers=1, kv_heads=1, head_dim=2, max_context=64)


def make(sessions: int = 6, page: int = 4) -> tuple[KVCacheManager, PrefixIndex]:
    manager = KVCacheManager(LAYOUT, capacity_bytes=sessions * LAYOUT.block_bytes)
    return manager, PrefixIndex(manager, page=page)


def compute(entry: KVCacheEntry, text: list[int]) -> None:
    """Append what a model would: keys that tell of every token up to theirs."""
    for at in range(len(entry), len(text)):
        key = np.full(LAYOUT.token_shape, hash(tuple(text[: at + 1])) % 100_003, dtype=np.float32)
        entry.append(key, -key)


def is_computed_from(entry: KVCacheEntry, text: list[int]) -> bool:
    expected = [hash(tuple(text[: at + 1])) % 100_003 for at in range(len(entry))]
    return bool(entry.key()[:, 0, 0, 0].tolist() == expected)


def say(manager: KVCacheManager, index: PrefixIndex, session: str, text: list[int], namespace: str = "") -> int:
    """What a server does for a request; returns how many tokens it did not compute."""
    known = index.begin(session, text, namespace=namespace)
    compute(manager.get_or_create(session), text)
    index.record(session, text, namespace=namespace)
    return known


def test_the_longest_beginning_is_found_in_whole_pages_and_in_parts_of_them() -> None:
    manager, index = make()
    say(manager, index, "short", [1, 2, 3])
    say(manager, index, "long", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    say(manager, index, "other", [1, 2, 3, 4, 5, 9])
    assert index.longest([1, 2, 3, 4, 5, 6, 7, 8, 9, 11]) == ("long", 9)
    assert index.longest([1, 2, 3, 4, 5, 9, 9, 9]) == ("other", 6)
    assert index.longest([1, 2, 7]) in [("short", 2), ("long", 2)]
    assert index.longest([2, 1]) is None
    assert index.longest([]) is None
    index.check()


def test_equal_pages_behind_different_texts_are_different() -> None:
    manager, index = make()
    say(manager, index, "a", [1, 1, 1, 1, 5, 5, 5, 5])
    assert index.longest([2, 2, 2, 2, 5, 5, 5, 5]) is None
    assert index.longest([5, 5, 5, 5]) is None


@pytest.mark.parametrize("array", [pytest.param(False, id="list"), pytest.param(True, id="array")])
def test_a_shared_prompt_is_computed_once(array: bool) -> None:
    manager, index = make()
    prompt = list(range(100, 120))
    say(manager, index, "prompt", prompt)
    for number in range(3):
        text = [*prompt, number, number]
        assert index.begin(f"user-{number}", np.array(text) if array else text) == 20
        entry = manager.get_or_create(f"user-{number}")
        assert is_computed_from(entry, text)


def test_the_last_token_is_always_computed() -> None:
    manager, index = make()
    text = [1, 2, 3, 4, 5]
    say(manager, index, "a", text)
    assert index.begin("a", text) == 4
    assert index.begin("b", text) == 4
    assert index.begin("c", []) == index.begin("c", [1]) == 0


def test_a_conversation_that_was_edited_is_kept_up_to_the_edit() -> None:
    manager, index = make()
    say(manager, index, "a", [1, 2, 3, 4, 5, 6])
    assert index.begin("a", [1, 2, 3, 9, 9]) == 3
    assert manager.get_or_create("a").token_count == 3
    assert index.longest([1, 2, 3, 4, 5, 6]) == ("a", 3)


def test_a_session_of_unknown_tokens_is_not_used() -> None:
    manager, index = make()
    compute(manager.get_or_create("a"), [1, 2, 3])
    assert index.longest([1, 2, 3]) is None
    assert index.begin("a", [1, 2, 3, 4]) == 0
    assert manager.get_or_create("a").token_count == 0


def test_tokens_that_were_taken_away_and_written_anew_are_not_found() -> None:
    manager, index = make()
    say(manager, index, "a", [1, 2, 3, 4, 5])
    entry = manager.get_or_create("a")
    entry.truncate(2)
    compute(entry, [1, 2, 9, 9, 9])
    assert index.longest([1, 2, 3, 4, 5]) is None
    assert index.begin("b", [1, 2, 3, 4, 5]) == 0
    assert "b" not in manager


def test_a_session_that_was_evicted_is_not_found_even_under_its_old_name() -> None:
    manager, index = make()
    say(manager, index, "a", [1, 2, 3])
    manager.evict("a")
    assert index.longest([1, 2, 3]) is None
    compute(manager.get_or_create("a"), [7, 8, 9])
    assert index.longest([1, 2, 3]) is None
    assert len(index) == 0
    index.check()


def test_namespaces_never_meet() -> None:
    manager, index = make()
    say(manager, index, "a", [1, 2, 3, 4, 5], namespace="tenant")
    assert index.longest([1, 2, 3, 4, 5]) is None
    assert index.longest([1, 2, 3, 4, 5], namespace="other") is None
    assert index.begin("a", [1, 2, 3, 4, 5, 6], namespace="other") == 0
    assert manager.get_or_create("a").token_count == 0


def test_what_is_no_row_of_tokens_is_refused() -> None:
    manager, index = make()
    bad: list[Any] = [[[1]], [1.5], ["a"], 3, None]
    for tokens in bad:
        with pytest.raises(InvalidSizeError, match="a row of whole numbers"):
            index.longest(tokens)
    with pytest.raises(UnknownSessionError):
        index.record("nobody", [1])
    compute(manager.get_or_create("a"), [1, 2])
    with pytest.raises(InvalidSizeError, match="all 2 tokens"):
        index.record("a", [1])
    manager.get_or_create("batch", sequences=2)
    with pytest.raises(InvalidSizeError, match="one sequence"):
        index.record("batch", [1])
    with pytest.raises(InvalidSizeError, match="page"):
        PrefixIndex(manager, page=0)


def test_sessions_that_are_gone_are_swept() -> None:
    manager, index = make(sessions=3)
    for number in range(1000):
        say(manager, index, str(number), [number, 1, 2, 3, 4])
    assert len(index) < 150
    index.check()


def test_a_source_that_got_another_text_since_it_was_found_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, index = make()
    say(manager, index, "source", [1, 2, 3, 4, 5])
    copy, others = PrefixIndex._copy, [[9, 9, 9, 9, 9]]

    def copy_after_another_text(index: PrefixIndex, *arguments: Any) -> bool:
        if others:
            say(manager, index, "source", others.pop())
        return copy(index, *arguments)

    monkeypatch.setattr(PrefixIndex, "_copy", copy_after_another_text)
    assert index.begin("target", [1, 2, 3, 4, 6]) == 0
    index.check()


def test_threads_never_get_the_tokens_of_another_text() -> None:
    manager, index = make(sessions=5)
    problems = list[str]()

    def work(worker: int) -> None:
        random = np.random.default_rng(worker)
        for step in range(150):
            text = random.integers(0, 2, 12).tolist()
            name = f"{worker}-{step % 3}"
            try:
                index.begin(name, text)
                entry = manager.get_or_create(name)
                with entry.pin():
                    if not is_computed_from(entry, text):
                        problems.append(f"{name}: {text}")
                    compute(entry, text)
                    index.record(name, text)
            except (LookupError, OutOfMemoryError):  # evicted for somebody else, or all are pinned
                continue

    run_threads(work)
    assert not problems
    index.check()


class PrefixMachine(RuleBasedStateMachine):
    """Drives an index beside a model that compares whole texts."""

    NAMES = st.sampled_from("abcd")
    TEXTS = st.lists(st.integers(0, 1), max_size=12)
    SPACES = st.sampled_from(["", "x"])

    def __init__(self) -> None:
        super().__init__()
        self.manager, self.index = make(sessions=3, page=3)
        self.model: dict[str, tuple[str, list[int]]] = {}  # what is recorded, and still so

    def forget_the_evicted(self) -> None:
        for name in set(self.model) - set(self.manager.sessions()):
            del self.model[name]

    def best(self, text: list[int], space: str) -> int:
        counts = [0]
        for namespace, known in self.model.values():
            if namespace == space:
                unlike = (at for at, (a, b) in enumerate(zip(known, text, strict=False)) if a != b)
                counts.append(next(unlike, min(len(known), len(text))))
        return max(counts)

    @rule(name=NAMES, text=TEXTS, space=SPACES)
    def serve(self, name: str, text: list[int], space: str) -> None:
        best = self.best(text, space)
        known = self.index.begin(name, text, namespace=space)
        assert known == min(best, max(len(text) - 1, 0))
        entry = self.manager.get_or_create(name)
        assert len(entry) == known
        assert is_computed_from(entry, text)
        compute(entry, text)
        self.index.record(name, text, namespace=space)
        self.model[name] = (space, text)
        self.forget_the_evicted()

    @rule(name=NAMES, kept=st.integers(0, 12))
    def truncate(self, name: str, kept: int) -> None:
        entry = self.manager.get(name)
        if entry is not None and kept < len(entry):
            entry.truncate(kept)
            self.model.pop(name, None)

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
        self.manager.evict(name)
        self.forget_the_evicted()

    @rule(text=TEXTS, space=SPACES)
    def longest(self, text: list[int], space: str) -> None:
        found, best = self.index.longest(text, namespace=space), self.best(text, space)
        assert (found is None and best == 0) or (found is not None and found[1] == best)
        if found is not None:
            namespace, known = self.model[found[0]]
            assert (namespace, known[:best]) == (space, text[:best])

    @invariant()
    def the_tree_is_whole(self) -> None:
        self.index.check()
        self.manager.check()


TestPrefixMachine = pytest.mark.slow(PrefixMachine.TestCase)
TestPrefixMachine.settings = settings(max_examples=200, stateful_step_count=40)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_of_a_fork_can_use_the_index_whatever_a_thread_was_doing() -> None:
    manager, index = make()
    say(manager, index, "a", [1, 2, 3])
    inside, go = threading.Event(), threading.Event()

    def work() -> None:
        with index._lock:
            inside.set()
            go.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    inside.wait(20)
    threading.Timer(0.05, go.set).start()  # the fork waits for the thread
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        os._exit(0 if index._lock.acquire(timeout=20) else 1)
    assert os.waitpid(child, 0)[1] == 0
    thread.join()
    assert index.longest([1, 2, 3]) == ("a", 3)


def test_a_source_that_becomes_another_one_while_it_is_copied_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, index = make()
    say(manager, index, "a", [1, 2, 3, 4, 5])
    fork = manager.fork

    def meanwhile(source: str, target: str, tokens: int) -> KVCacheEntry:
        entry = manager.get_or_create(source)
        entry.truncate(1)  # another thread goes on with it
        compute(entry, [1, 9, 9, 9, 9])
        return fork(source, target, tokens)

    monkeypatch.setattr(manager, "fork", meanwhile)
    assert index.begin("b", [1, 2, 3, 4, 5]) == 0
    assert "b" not in manager
    index.check()
