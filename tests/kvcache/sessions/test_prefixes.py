"""Whatever has been computed of a text is found, and nothing else is ever taken for it."""

import os
import random
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from itertools import takewhile
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
from kvcache.paged import AllBlocksCleared, BlockRemoved, BlockStored, Event, PageIndex, PagePool
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


@pytest.mark.parametrize("page", [1, 3, 4, 16])
def test_the_longest_beginning_in_texts_that_branch_is_that_of_a_comparison_with_all(page: int) -> None:
    source = random.Random(page)
    manager, index = make(sessions=8, page=page)
    texts = list[list[int]]()
    for number in range(8):
        text = [source.randrange(2) for _ in range(source.randint(1, 64))]
        if texts:
            kept = source.randint(0, 64)
            text = [*source.choice(texts)[:kept], *text][:64]
        manager.get_or_create(str(number)).commit(len(text))
        index.record(str(number), text)
        texts.append(text)
    for _ in range(300):
        asked = [*source.choice(texts), 0, 1][: source.randint(1, 66)]
        asked[source.randrange(len(asked))] = source.randrange(2)
        common = [sum(1 for _ in takewhile(bool, map(int.__eq__, text, asked))) for text in texts]
        found = index.longest(asked)
        assert (found[1] if found else 0) == max(common)
        assert found is None or common[int(found[0])] == max(common)


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
    assert index.longest([1, 2, 3, 4, 5]) == ("a", 2)
    assert index.longest([1, 2, 9]) == ("a", 2)
    assert index.begin("b", [1, 2, 3, 4, 5]) == 2
    assert is_computed_from(manager.get_or_create("b"), [1, 2])


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
    for number in range(300):
        say(manager, index, str(number), [number, 1, 2, 3, 4])
    assert len(index) <= 3
    index.check()
    manager.clear()
    assert not index._tree.roots


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


class Router:
    """What another process knows of a worker by its events alone: which pages hang under which, and their tokens."""

    def __init__(self) -> None:
        self.known: dict[bytes, tuple[bytes | None, str | None, list[int]]] = {}

    def take(self, event: Event) -> None:
        match event:
            case BlockStored():
                parent, tokens = event.parent_block_hash, list(event.token_ids)
                assert parent is None or parent in self.known
                for name in event.block_hashes:
                    page, tokens = tokens[: event.block_size], tokens[event.block_size :]
                    assert name not in self.known
                    assert page
                    self.known[name] = parent, event.lora_name, page
                    parent = name
                assert not tokens
            case BlockRemoved():
                for name in event.block_hashes:
                    del self.known[name]
            case AllBlocksCleared():
                self.known.clear()

    def longest(self, text: list[int], namespace: str) -> int:
        parent, start = None, 0
        while True:
            below = [
                (name, page)
                for name, (above, space, page) in self.known.items()
                if above == parent and space == (namespace or None)
            ]
            whole = [(name, page) for name, page in below if page == text[start : start + len(page)]]
            if not whole:
                pairs = (zip(page, text[start:], strict=False) for _, page in below)
                return start + max(
                    (sum(1 for _ in takewhile(lambda two: two[0] == two[1], each)) for each in pairs), default=0
                )
            parent, page = max(whole, key=lambda each: len(each[1]))
            start += len(page)


def with_events(sessions: int = 6) -> tuple[KVCacheManager, PrefixIndex, list[Event]]:
    events = list[Event]()
    manager = KVCacheManager(LAYOUT, capacity_bytes=sessions * LAYOUT.block_bytes)
    return manager, PrefixIndex(manager, page=4, listener=events.append), events


def test_a_router_is_told_what_became_known_and_what_is_no_more() -> None:
    manager, index, events = with_events()
    say(manager, index, "a", [1, 2, 3, 4, 5], namespace="tenant")
    (stored,) = events
    assert isinstance(stored, BlockStored)
    assert (stored.token_ids, stored.block_size, stored.lora_name) == ((1, 2, 3, 4, 5), 4, "tenant")
    first, second = stored.block_hashes
    say(manager, index, "b", [1, 2, 3, 4, 6], namespace="tenant")
    (other,) = events[1:]
    assert isinstance(other, BlockStored)
    assert (other.parent_block_hash, other.token_ids) == (first, (6,))
    manager.evict("a")
    assert events[2:] == [BlockRemoved((second,))]
    manager.get_or_create("b").truncate(4)
    assert events[3:] == [BlockRemoved(other.block_hashes)]
    index.forget("b")
    assert events[4:] == [BlockRemoved((first,))]
    index.clear()
    assert events[5:] == [AllBlocksCleared()]


def test_pages_have_the_same_names_as_those_of_a_page_index() -> None:
    manager, index, events = with_events()
    say(manager, index, "a", [1, 2, 3, 4, 5], namespace="tenant")
    pool, others = PagePool(4), list[Event]()
    PageIndex(pool, page=4, listener=others.append).store(pool.get(2), [1, 2, 3, 4, 5], namespace="tenant")
    assert events == others


def test_a_text_that_grows_is_told_by_what_is_new() -> None:
    manager, index, events = with_events()
    say(manager, index, "a", list(range(8)))
    say(manager, index, "a", list(range(12)))
    assert [type(event) for event in events] == [BlockStored, BlockStored]
    index.record("a", list(range(12)))
    assert len(events) == 2


@pytest.mark.parametrize(
    "lose",
    [
        pytest.param(lambda manager: manager.evict("a"), id="evict"),
        pytest.param(lambda manager: manager.clear(), id="clear"),
        pytest.param(lambda manager: manager.expire(1e9), id="expire"),
        pytest.param(lambda manager: [manager.get_or_create(name) for name in "bcdefg"], id="room"),
        pytest.param(lambda manager: manager.recode("a", "float16"), id="recode"),
        pytest.param(lambda manager: manager.get("a").truncate(0), id="truncate"),
        pytest.param(lambda manager: manager.get("a").remove(0, 1), id="remove"),
        pytest.param(lambda manager: manager.get("a").slide(1), id="slide"),
        pytest.param(lambda manager: manager.fork("b", "a"), id="fork"),
        pytest.param(lambda manager: manager.close(), id="close"),
    ],
)
def test_a_router_is_told_at_once_whichever_way_a_session_loses_its_tokens(lose: Callable[[Any], object]) -> None:
    manager, index, events = with_events()
    entry = manager.get_or_create("a", ttl_seconds=100.0)
    compute(entry, [1, 2, 3, 4, 5])
    index.record("a", [1, 2, 3, 4, 5])
    compute(manager.get_or_create("b", priority=1), [9])
    lose(manager)
    assert [type(event) for event in events] == [BlockStored, BlockRemoved]
    assert index.longest([1, 2, 3, 4, 5]) is None


def test_a_session_that_could_not_be_recoded_is_still_known(monkeypatch: pytest.MonkeyPatch) -> None:
    manager, index, events = with_events()
    say(manager, index, "a", [1, 2, 3])
    entry = manager.get_or_create("a")
    recode_from = KVCacheEntry.recode_from

    def meanwhile(made: KVCacheEntry, source: KVCacheEntry, count: int) -> None:
        recode_from(made, source, count)
        entry.touch()  # another thread uses it

    monkeypatch.setattr(KVCacheEntry, "recode_from", meanwhile)
    assert not manager.recode("a", "float16")
    assert index.longest([1, 2, 3]) == ("a", 3)
    assert len(events) == 1


def test_a_listener_that_raises_breaks_nothing_and_is_counted() -> None:
    events = list[Event]()

    def listen(event: Event) -> None:
        events.append(event)
        raise ZeroDivisionError

    manager, _ = make()
    index = PrefixIndex(manager, page=4, listener=listen)
    assert say(manager, index, "a", [1, 2, 3]) == 0
    manager.evict("a")
    assert [type(event) for event in events] == [BlockStored, BlockRemoved]
    assert index.listener_failures == 2
    assert manager.statistics().sink_failures == 0


def test_a_listener_may_use_the_cache_and_gets_what_it_causes_afterwards() -> None:
    manager, _ = make()
    events, free = list[Event](), list[bool]()

    def listen(event: Event) -> None:
        events.append(event)
        other = threading.Thread(target=lambda: free.append(manager.statistics().sessions >= 0))
        other.start()
        other.join(20)  # no lock is held
        free.append(index.longest([7]) is None)
        if manager.evict("a"):
            assert len(events) == 1

    index = PrefixIndex(manager, page=4, listener=listen)
    say(manager, index, "a", [1, 2, 3])
    assert [type(event) for event in events] == [BlockStored, BlockRemoved]
    assert free == [True] * 4


def test_a_router_agrees_with_what_four_threads_did() -> None:
    router, manager = Router(), KVCacheManager(LAYOUT, capacity_bytes=5 * LAYOUT.block_bytes)
    index = PrefixIndex(manager, page=3, listener=router.take)

    def work(worker: int) -> None:
        random = np.random.default_rng(worker)
        for step in range(100):
            text = random.integers(0, 2, 12).tolist()
            name = f"{worker}-{step % 3}"
            with suppress(LookupError, OutOfMemoryError):
                index.begin(name, text)
                compute(manager.get_or_create(name), text)
                index.record(name, text)
                if not step % 5:
                    manager.get_or_create(name).truncate(int(random.integers(0, 12)))

    run_threads(work)
    assert index.listener_failures == 0
    index.check()
    for number in range(2**12):
        text = [number >> bit & 1 for bit in range(12)]
        found = index.longest(text)
        assert router.longest(text, "") == (0 if found is None else found[1])


def test_a_session_keeps_its_own_time_and_priority_when_it_begins_with_tokens_of_another() -> None:
    manager, index = make()
    say(manager, index, "prompt", [1, 2, 3, 4, 5])
    manager.get_or_create("a", ttl_seconds=50.0, priority=3)
    assert index.begin("a", [1, 2, 3, 9]) == 3
    entry = manager.get_or_create("a")
    assert (entry.ttl_seconds, entry.priority) == (50.0, 3)


class PrefixMachine(RuleBasedStateMachine):
    """Drives an index beside a model that compares whole texts."""

    NAMES = st.sampled_from("abcd")
    TEXTS = st.lists(st.integers(0, 1), max_size=12)
    SPACES = st.sampled_from(["", "x"])

    def __init__(self) -> None:
        super().__init__()
        self.manager, _ = make(sessions=3)
        self.router = Router()
        self.index = PrefixIndex(self.manager, page=3, listener=self.router.take)
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
            self.keep(name, kept)

    def keep(self, name: str, kept: int) -> None:
        if name in self.model:
            space, text = self.model.pop(name)
            if kept:
                self.model[name] = space, text[:kept]

    @rule(name=NAMES, first=st.integers(0, 8), last=st.integers(0, 8))
    def remove(self, name: str, first: int, last: int) -> None:
        entry = self.manager.get(name)
        if entry is not None and first < last <= len(entry):
            entry.remove(first, last)
            self.keep(name, first)
            entry.truncate(first)  # the rest tells of another text, which `is_computed_from` does not know

    @rule(name=NAMES)
    def recode(self, name: str) -> None:
        if self.manager.recode(name, "float16"):
            self.model.pop(name, None)
            self.manager.evict(name)  # the numbers of this test do not fit
        self.forget_the_evicted()  # room was made

    @rule(name=NAMES)
    def forget(self, name: str) -> None:
        assert self.index.forget(name) is (name in self.model)
        self.model.pop(name, None)

    @rule(space=st.sampled_from([None, "", "x"]))
    def clear(self, space: str | None) -> None:
        gone = [name for name, (namespace, _) in self.model.items() if space in {None, namespace}]
        assert self.index.clear(space) == len(gone)
        for name in gone:
            del self.model[name]

    @rule()
    def a_router_comes_late(self) -> None:
        self.router.known = {b"what it had of a worker": (None, None, [0])}
        self.index.resend()

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
        self.manager.evict(name)
        self.forget_the_evicted()

    @rule(text=TEXTS, space=SPACES)
    def longest(self, text: list[int], space: str) -> None:
        found, best = self.index.longest(text, namespace=space), self.best(text, space)
        assert (found is None and best == 0) or (found is not None and found[1] == best)
        assert self.router.longest(text, space) == best
        if found is not None:
            namespace, known = self.model[found[0]]
            assert (namespace, known[:best]) == (space, text[:best])

    @invariant()
    def the_tree_is_whole(self) -> None:
        self.index.check()
        self.manager.check()
        spaces = {space for space, _ in self.model.values()}
        for space, text in self.model.values():
            assert self.router.longest(text, space) == len(text)
        pages = {
            (space, tuple(text[: end + 3])) for space, text in self.model.values() for end in range(0, len(text), 3)
        }
        assert len(self.router.known) == len(pages)
        assert set(self.index._tree.roots) <= spaces


TestPrefixMachine = pytest.mark.slow(PrefixMachine.TestCase)
TestPrefixMachine.settings = settings(max_examples=200, stateful_step_count=40)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_of_a_fork_can_use_the_index_whatever_a_thread_was_doing() -> None:
    manager, index, events = with_events()
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
        manager.evict("a")
        quiet = len(events) == 1  # the parent's router has nothing to do with the child
        os._exit(0 if index._lock.acquire(timeout=20) and quiet else 1)
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
