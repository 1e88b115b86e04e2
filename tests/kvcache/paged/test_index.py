import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kvcache import DoubleFreeError, InvalidSizeError, OutOfMemoryError
from kvcache.paged.events import AllBlocksCleared, BlockRemoved, BlockStored, Event, as_message, page_digest
from kvcache.paged.index import PageIndex
from kvcache.paged.pages import PagePool
from kvcache.token_text import bytes_of
from tests.kvcache.fakes import FakeClock

PAGE = 4


def make(count: int = 8, **settings: Any) -> tuple[PagePool, PageIndex]:
    pool = PagePool(count)
    return pool, PageIndex(pool, page=PAGE, **settings)


def computed(pool: PagePool, index: PageIndex, tokens: list[int], **settings: Any) -> list[int]:
    """Compute a text: look for its beginning, compute the rest, make it known, and let go of it."""
    match = index.match(tokens, namespace=settings.get("namespace", ""))
    new = pool.get(-(-len(tokens) // PAGE) - len(match.pages))
    pages = [*match.pages.tolist(), *new.tolist()]
    index.store(pages, tokens, **settings)
    pool.drop(pages + ([match.tail[0]] if match.tail else []))
    return pages


def known(pool: PagePool, index: PageIndex, tokens: list[int], namespace: str = "") -> int:
    """How many tokens of a text are known."""
    match = index.match(tokens, namespace=namespace)
    pool.drop(match.pages)
    if match.tail:
        pool.drop_one(match.tail[0])
    return match.tokens + (match.tail[1] if match.tail else 0)


def test_the_longest_beginning_is_found_with_the_part_of_a_page() -> None:
    pool, index = make()
    pages = computed(pool, index, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    match = index.match([1, 2, 3, 4, 5, 6, 7, 8, 9, 11])
    assert (match.pages.tolist(), match.tokens, match.tail) == (pages[:2], 8, (pages[2], 1))
    assert pool.holders(pages).tolist() == [2, 2, 2]
    other = index.match([1, 2, 3, 4, 5, 6, 9, 9])
    assert (other.pages.tolist(), other.tokens, other.tail) == (pages[:1], 4, (pages[1], 2))
    assert index.match([1, 2, 3, 4, 5, 6, 7, 8], most=7).tail == (pages[1], 3)
    assert index.match([2, 1]).tail is None
    index.check()


def test_equal_pages_behind_different_texts_are_different() -> None:
    pool, index = make()
    first = computed(pool, index, [1, 1, 1, 1, 7, 7, 7, 7])
    second = computed(pool, index, [2, 2, 2, 2, 7, 7, 7, 7])
    assert not set(first) & set(second)
    assert known(pool, index, [7, 7, 7, 7]) == 0


def test_namespaces_never_find_each_other_s_pages() -> None:
    pool, index = make()
    pages = computed(pool, index, [1, 2, 3, 4], namespace="alice")
    assert known(pool, index, [1, 2, 3, 4], "bob") == 0
    assert known(pool, index, [1, 2, 3, 4]) == 0
    pool.hold(pages)
    with pytest.raises(InvalidSizeError, match="pages that have no text yet"):
        index.store(pages, [1, 2, 3, 4], namespace="bob")
    assert known(pool, index, [1, 2, 3, 4], "bob") == 0


def test_pages_are_given_up_from_the_end_and_the_oldest_text_first() -> None:
    pool, index = make(6)
    old = computed(pool, index, [1] * 12)
    young = computed(pool, index, [2] * 12)
    assert pool.free == 0
    assert known(pool, index, [1] * 8) == 8
    pool.get(1)
    assert known(pool, index, [1] * 12) == 8  # its last page was not asked for since
    pool.get(2)
    assert known(pool, index, [1] * 12) == 8
    assert known(pool, index, [2] * 12) == 4
    assert len(index) == 3
    assert pool.holders([old[0], young[0]]).tolist() == [1, 1]
    index.check()


def test_those_of_a_lower_priority_go_first_and_those_in_use_stay() -> None:
    pool, index = make(6)
    computed(pool, index, [1] * 8, priority=1)
    used = computed(pool, index, [2] * 8)
    computed(pool, index, [3] * 8)
    match = index.match([2] * 8)
    assert match.pages.tolist() == used
    taken = pool.get(3)
    assert [known(pool, index, [number] * 8) for number in (1, 2, 3)] == [4, 8, 0]
    with pytest.raises(OutOfMemoryError):
        pool.get(2)
    assert [known(pool, index, [number] * 8) for number in (1, 2, 3)] == [4, 8, 0]
    pool.drop(taken)
    index.check()


def test_pages_are_known_until_their_time_ends() -> None:
    clock = FakeClock()
    pool, index = make(clock=clock)
    computed(pool, index, [1] * 8, ttl_seconds=5.0)
    computed(pool, index, [1] * 4, ttl_seconds=9.0)
    clock.advance(6)
    assert known(pool, index, [1] * 8) == 4
    clock.advance(6)
    assert known(pool, index, [1] * 8) == 0
    assert pool.free == 8
    index.check()


def test_a_page_that_was_stored_again_for_ever_does_not_end() -> None:
    clock = FakeClock()
    pool, index = make(clock=clock)
    computed(pool, index, [1] * 4, ttl_seconds=5.0)
    computed(pool, index, [1] * 8)
    clock.advance(60)
    assert known(pool, index, [1] * 8) == 8


def test_what_is_held_outlives_being_known() -> None:
    pool, index = make()
    computed(pool, index, [1] * 8)
    match = index.match([1] * 8)
    assert index.clear() == 2
    assert pool.holders(match.pages).tolist() == [1, 1]
    pool.drop(match.pages)
    assert pool.free == 8
    assert index.clear("nobody") == 0


@pytest.mark.parametrize(
    ("pages", "tokens", "error"),
    [
        pytest.param([0], [1] * 5, InvalidSizeError, id="too-few"),
        pytest.param([0, 1], [1] * 4, InvalidSizeError, id="too-many"),
        pytest.param([0, 0], [1] * 8, InvalidSizeError, id="twice"),
        pytest.param([0, 7], [1] * 8, DoubleFreeError, id="nobody-holds-it"),
        pytest.param([0], [1.5], InvalidSizeError, id="no-tokens"),
    ],
)
def test_what_cannot_be_stored_changes_nothing(pages: list[int], tokens: list[int], error: type[Exception]) -> None:
    pool, index = make()
    held = sorted(pool.get(8).tolist())
    pool.drop([7])
    with pytest.raises(error):
        index.store(pages, tokens)
    assert len(index) == 0
    assert pool.holders(held).tolist() == [1] * 7 + [0]
    index.check()


def test_events_have_the_form_of_vllm() -> None:
    heard = list[Event]()
    pool, index = make(3, listener=heard.append)
    computed(pool, index, [1, 2, 3, 4], namespace="adapter")
    computed(pool, index, [1, 2, 3, 4, 5, 6, 7, 8], namespace="adapter")
    first = page_digest(None, "adapter", bytes_of([1, 2, 3, 4]))
    second = page_digest(first, "adapter", bytes_of([5, 6, 7, 8]))
    assert heard == [
        BlockStored((first,), None, (1, 2, 3, 4), PAGE, lora_name="adapter"),
        BlockStored((second,), first, (5, 6, 7, 8), PAGE, lora_name="adapter"),
    ]
    pool.get(2)
    index.clear("adapter")
    index.clear()
    assert heard[2:] == [BlockRemoved((second,)), BlockRemoved((first,)), AllBlocksCleared()]
    assert as_message(heard[1]) == {
        "type": "BlockStored",
        "block_hashes": [second],
        "parent_block_hash": first,
        "token_ids": [5, 6, 7, 8],
        "block_size": PAGE,
        "lora_id": None,
        "medium": "CPU",
        "lora_name": "adapter",
    }
    assert as_message(heard[4]) == {"type": "AllBlocksCleared"}


def test_digests_of_namespaces_and_texts_never_meet() -> None:
    assert page_digest(None, "a", b"bc") != page_digest(None, "ab", b"c")
    assert page_digest(None, "", b"") != page_digest(b"", "", b"\0")


def test_many_uses_leave_no_heap_of_old_ones() -> None:
    pool, index = make(4)
    for step in range(2000):
        computed(pool, index, [step % 3] * 8)
    assert len(index._leaves) < 200
    index.check()


def test_an_index_cannot_be_copied() -> None:
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.deepcopy(make()[1])


TEXTS = st.lists(st.integers(0, 1), max_size=3 * PAGE + 1)


class IndexMachine(RuleBasedStateMachine):
    """Drives an index beside the set of all beginnings that it should know."""

    @initialize()
    def start(self) -> None:
        self.clock, self.heard = FakeClock(), list[Event]()
        self.pool, self.index = make(10, clock=self.clock, listener=self.heard.append)
        self.model: dict[tuple[str, tuple[int, ...]], int] = {}  # page by namespace and whole beginning
        self.held = list[list[int]]()

    def whole(self, tokens: list[int]) -> list[tuple[int, ...]]:
        return [tuple(tokens[: start + PAGE]) for start in range(0, len(tokens), PAGE)]

    def forget(self) -> None:
        """Pages that the index gave up are forgotten, which must not have had anything behind them, or a holder."""
        gone = {key for key, page in self.model.items() if page not in self.index._nodes}
        for namespace, text in gone:
            behind = [other for name, other in self.model if name == namespace and other[: len(text)] == text]
            assert len(text) % PAGE or all((namespace, other) in gone for other in behind)
            page = self.model[namespace, text]
            assert not any(page in pages for pages in self.held)
        for key in gone:
            del self.model[key]

    @rule(tokens=TEXTS, namespace=st.sampled_from("ab"), keep=st.booleans(), priority=st.integers(0, 2))
    def compute(self, tokens: list[int], namespace: str, keep: bool, priority: int) -> None:
        match = self.index.match(tokens, namespace=namespace)
        held = match.pages.tolist() + ([match.tail[0]] if match.tail else [])
        before = self.pool.holders(range(10)).tolist(), len(self.index)
        try:
            new = self.pool.get(len(self.whole(tokens)) - len(match.pages)).tolist()
        except OutOfMemoryError:
            assert (self.pool.holders(range(10)).tolist(), len(self.index)) == before
            self.pool.drop(held)
            return
        self.forget()
        pages = match.pages.tolist() + new
        self.index.store(pages, tokens, namespace=namespace, priority=priority)
        for text, page in zip(self.whole(tokens), pages, strict=True):
            self.model.setdefault((namespace, text), page)
        if match.tail:
            self.pool.drop_one(match.tail[0])
        if keep and len(self.held) < 2:
            self.held.append(pages)
        else:
            self.pool.drop(pages)

    @rule()
    def let_go(self) -> None:
        if self.held:
            self.pool.drop(self.held.pop(0))

    @rule(tokens=TEXTS, namespace=st.sampled_from("abc"))
    def look(self, tokens: list[int], namespace: str) -> None:
        match = self.index.match(tokens, namespace=namespace)
        text, pages = tuple(tokens), list[int]()
        while len(text) >= (end := PAGE * (len(pages) + 1)) and (namespace, text[:end]) in self.model:
            pages.append(self.model[namespace, text[:end]])
        assert match.pages.tolist() == pages
        start = len(pages) * PAGE
        best = 0
        for name, other in self.model:
            if (
                name == namespace
                and len(other) > start
                and other[:start] == text[:start]
                and len(other) <= start + PAGE
            ):
                agree = [one == two for one, two in zip(other[start:], text[start:], strict=False)]
                best = max(best, [*agree, False].index(False))
        assert (match.tail[1] if match.tail else 0) == best
        self.pool.drop(match.pages)
        if match.tail:
            self.pool.drop_one(match.tail[0])

    @rule(namespace=st.sampled_from(["a", "b", None]))
    def clear(self, namespace: str | None) -> None:
        self.index.clear(namespace)
        self.model = {key: page for key, page in self.model.items() if namespace is not None and key[0] != namespace}

    @invariant()
    def everything_adds_up(self) -> None:
        if not hasattr(self, "model"):
            return
        self.pool.check()
        self.index.check()
        assert self.index._nodes.keys() == set(self.model.values())
        expected = np.zeros(10, np.int64)
        for page in [*self.model.values(), *(page for pages in self.held for page in pages)]:
            expected[page] += 1
        assert self.pool.holders(range(10)).tolist() == expected.tolist()
        digests = set[bytes]()
        for event in self.heard:
            if isinstance(event, BlockStored):
                digests |= set(event.block_hashes)
            elif isinstance(event, BlockRemoved):
                assert digests >= set(event.block_hashes)
                digests -= set(event.block_hashes)
            else:
                digests.clear()
        assert len(digests) == len(self.model)


TestIndexMachine = IndexMachine.TestCase
TestIndexMachine.settings = settings(max_examples=40, stateful_step_count=25)
