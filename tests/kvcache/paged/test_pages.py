import copy

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kvcache import DoubleFreeError, InvalidSizeError, OutOfBoundsError, OutOfMemoryError
from kvcache.paged.pages import PagePool


def test_pages_are_handed_out_once_until_they_are_dropped() -> None:
    pool = PagePool(300)
    first, second = pool.get(200), [pool.get_one() for _ in range(100)]
    assert sorted([*first.tolist(), *second]) == list(range(300))
    assert pool.free == 0
    pool.drop(first)
    for page in second:
        pool.drop_one(page)
    assert pool.free == 300
    assert sorted(pool.get(300).tolist()) == list(range(300))
    pool.check()


def test_a_page_is_free_when_its_last_holder_drops_it() -> None:
    pool = PagePool(8)
    pages = pool.get(3)
    pool.hold(pages[:2])
    pool.drop(pages)
    assert (pool.free, pool.holders(pages).tolist()) == (6, [1, 1, 0])
    pool.drop_one(int(pages[0]))
    pool.drop([pages[1]])
    assert pool.free == 8
    pool.check()


@pytest.mark.parametrize(
    ("pages", "error"),
    [
        pytest.param([0, 0], DoubleFreeError, id="twice"),
        pytest.param([0, 3], DoubleFreeError, id="one-is-free"),
        pytest.param([1, 1, 1], DoubleFreeError, id="once-too-often"),
        pytest.param([0, -1], OutOfBoundsError, id="negative"),
        pytest.param([0, 4], OutOfBoundsError, id="behind-the-last"),
        pytest.param([0, 2**40], OutOfBoundsError, id="far-behind"),
        pytest.param([0.0], InvalidSizeError, id="not-whole"),
        pytest.param([[0]], InvalidSizeError, id="no-row"),
    ],
)
@pytest.mark.parametrize("call", ["drop", "hold"])
@pytest.mark.parametrize("as_array", [pytest.param(True, id="array"), pytest.param(False, id="list")])
def test_a_call_that_fails_leaves_every_count_as_it_was(
    pages: list[int], error: type[Exception], call: str, as_array: bool
) -> None:
    pool = PagePool(4)
    pool.get(4)
    pool.drop([3])
    pool.hold([1])
    pages = [3] if call == "hold" and error is DoubleFreeError else pages  # more holders are no failure
    with pytest.raises(error):
        getattr(pool, call)(np.array(pages) if as_array else pages)
    assert pool.holders([0, 1, 2, 3]).tolist() == [1, 2, 1, 0]
    pool.check()


@pytest.mark.parametrize("page", [-1, 4, 2, True, 1.0])
def test_one_page_that_is_none_is_refused(page: int) -> None:
    pool = PagePool(4)
    pool.get(4)
    pool.drop([2])
    with pytest.raises((DoubleFreeError, OutOfBoundsError, InvalidSizeError)):
        pool.drop_one(page)
    assert pool.free == 1
    pool.check()


@pytest.mark.parametrize("count", [-1, True, 1.5, "2"])
def test_a_number_of_pages_is_whole(count: int) -> None:
    with pytest.raises(InvalidSizeError):
        PagePool(4).get(count)


def test_too_few_pages_change_nothing() -> None:
    pool = PagePool(4)
    pool.get_one()
    with pytest.raises(OutOfMemoryError, match="enlarge the pool of pages") as caught:
        pool.get(4)
    assert (caught.value.needed, caught.value.free, pool.free) == (4, 3, 3)
    assert len(pool.get(3)) == 3
    with pytest.raises(OutOfMemoryError):
        pool.get_one()
    assert len(pool.get(0)) == 0
    pool.check()


def test_a_pool_that_runs_short_asks_for_room() -> None:
    asked = list[int]()
    pool = PagePool(4)
    pages = pool.get(4)

    def reclaim(count: int) -> bool:
        asked.append(count)
        pool.drop(pages[:count])
        return True

    pool.reclaim = reclaim
    assert len(pool.get(2)) == 2
    assert asked == [2]
    with pytest.raises(OutOfMemoryError):
        pool.get(5)  # never
    assert asked == [2]


def test_a_pool_cannot_be_copied() -> None:
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(PagePool(1))


class PagesMachine(RuleBasedStateMachine):
    """Drives a pool beside a count of holders for each page."""

    COUNT = 200

    def __init__(self) -> None:
        super().__init__()
        self.pool = PagePool(self.COUNT)
        self.holders = [0] * self.COUNT

    @rule(count=st.integers(0, 220))
    def get(self, count: int) -> None:
        if count > self.pool.free:
            with pytest.raises(OutOfMemoryError):
                self.pool.get(count)
            return
        for page in self.pool.get(count).tolist():
            assert self.holders[page] == 0
            self.holders[page] = 1

    @rule(count=st.integers(1, 150))
    def get_one_by_one(self, count: int) -> None:
        for _ in range(min(count, self.pool.free)):
            page = self.pool.get_one()
            assert self.holders[page] == 0
            self.holders[page] = 1

    @rule(pages=st.lists(st.integers(-2, COUNT + 1), max_size=20), everything=st.booleans(), more=st.booleans())
    def change(self, pages: list[int], everything: bool, more: bool) -> None:
        if everything:
            pages = [page for page, count in enumerate(self.holders) if count]
        after = list(self.holders)
        legal = all(0 <= page < self.COUNT and self.holders[page] for page in pages)
        for page in pages if legal else ():
            after[page] += 1 if more else -1
        call = self.pool.hold if more else self.pool.drop
        if legal and min(after) >= 0:
            call(np.array(pages, np.int64))
            self.holders = after
        else:
            with pytest.raises((DoubleFreeError, OutOfBoundsError)):
                call(np.array(pages, np.int64))

    @rule(count=st.integers(1, 150))
    def drop_one_by_one(self, count: int) -> None:
        for page in [page for page, holders in enumerate(self.holders) if holders][:count]:
            self.pool.drop_one(page)
            self.holders[page] -= 1

    @invariant()
    def every_count_is_right(self) -> None:
        self.pool.check()
        assert self.pool.holders(range(self.COUNT)).tolist() == self.holders
        assert self.pool.free == self.holders.count(0)


TestPagesMachine = PagesMachine.TestCase
TestPagesMachine.settings = settings(max_examples=40, stateful_step_count=20)


def test_a_page_that_is_dropped_twice_at_once_is_free_once() -> None:
    pool = PagePool(4)
    page = pool.get(1)
    pool.hold(page)
    pool.drop([page[0], page[0]])
    assert pool.free == 4
    assert sorted(pool.get(4).tolist()) == [0, 1, 2, 3]
