import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache import InvalidSizeError, OutOfBoundsError, OutOfMemoryError
from kvcache.paged.index import PageIndex
from kvcache.paged.pages import PagePool
from kvcache.paged.tables import NONE, PageTable, padded, select


def make(count: int = 8) -> tuple[PagePool, PageTable]:
    pool = PagePool(count)
    return pool, PageTable(pool, page=4)


def test_a_table_takes_a_page_when_its_last_one_is_full() -> None:
    pool, table = make()
    assert table.extend(4) == ()
    assert table.extend(1) == ()
    first, second = table.pages.tolist()
    assert table.slots(2, 3).tolist() == [first * 4 + 2, first * 4 + 3, second * 4]
    assert (len(table), pool.free) == (5, 6)
    table.truncate(4)
    assert (table.pages.tolist(), pool.free) == ([first], 7)
    table.release()
    table.release()
    assert (len(table), pool.free) == (0, 8)


def test_a_fork_copies_its_last_page_when_it_writes_to_it() -> None:
    pool, table = make()
    table.extend(6)
    fork = table.fork()
    assert pool.free == 6
    ((source, target),) = fork.extend(1)
    assert table.pages.tolist()[1] == source
    assert fork.pages.tolist() == [table.pages.tolist()[0], target]
    assert table.extend(1) == ()  # nobody else holds its last page any more
    assert fork.extend(0) == ()
    for each in (table, fork):
        each.release()
    assert pool.free == 8
    pool.check()


def test_where_there_are_too_few_pages_nothing_is_changed() -> None:
    pool, table = make(3)
    table.extend(6)
    fork = table.fork()
    with pytest.raises(OutOfMemoryError):
        fork.extend(4)
    assert (len(fork), fork.pages.tolist()) == (6, table.pages.tolist())
    assert pool.holders(table.pages).tolist() == [2, 2]
    pool.check()


def test_a_window_gives_pages_back_and_keeps_the_first_ones() -> None:
    pool, table = make()
    table.extend(22)
    pages = table.pages.tolist()
    assert table.slide(6, sinks=3) == 3
    assert table.pages.tolist() == [pages[0], NONE, NONE, NONE, *pages[4:]]
    assert table.slide(6, sinks=3) == 0
    assert pool.free == 5
    with pytest.raises(OutOfBoundsError, match="not given back"):
        table.slots(0, 6)
    with pytest.raises(OutOfBoundsError):
        table.truncate(15)
    fork = table.fork()
    table.truncate(12)
    assert table.pages.tolist() == [pages[0], NONE, NONE]
    table.release()
    assert pool.free == 5
    fork.release()
    assert pool.free == 8
    pool.check()


def test_beams_go_into_other_places() -> None:
    pool, first = make()
    second = PageTable(pool, page=4)
    first.extend(3)
    second.extend(5)
    pages = second.pages.tolist()
    beams = select([first, second], [1, 1])
    assert [beam.pages.tolist() for beam in beams] == [pages, pages]
    assert (len(first), pool.free) == (0, 6)
    with pytest.raises(OutOfBoundsError):
        select(beams, [2])
    assert pool.holders(pages).tolist() == [2, 2]


def test_a_batch_is_padded() -> None:
    pool, first = make()
    second = PageTable(pool, page=4)
    first.extend(9)
    second.extend(2)
    rows, lengths = padded([first, second])
    assert rows.tolist() == [first.pages.tolist(), [*second.pages.tolist(), NONE, NONE]]
    assert lengths.tolist() == [9, 2]
    with pytest.raises(InvalidSizeError):
        padded([])


def test_a_table_begins_with_what_is_known() -> None:
    pool, table = make()
    index = PageIndex(pool, page=4)
    table.extend(6)
    index.store(table.pages, [1, 2, 3, 4, 5, 6])
    match = index.match([1, 2, 3, 4, 5, 6, 7])
    begun = PageTable(pool, page=4, match=match)
    assert (len(begun), begun.pages.tolist()) == (4, table.pages.tolist()[:1])
    assert match.tail is not None
    begun.extend(3)  # the caller copies two tokens of the tail
    pool.drop_one(match.tail[0])
    begun.release()
    assert table.extend(1), "the index holds the last page, so that it is copied"
    index.check()


def test_a_table_cannot_be_copied() -> None:
    with pytest.raises(TypeError, match="cannot be copied"):
        copy.copy(make()[1])


@given(
    st.lists(
        st.tuples(st.sampled_from(["extend", "truncate", "fork", "release", "slide"]), st.integers(0, 9)), max_size=30
    )
)
def test_tokens_are_never_written_where_another_table_reads(steps: list[tuple[str, int]]) -> None:
    pool = PagePool(30)
    tables, bytes_of_pages = [PageTable(pool, page=4)], np.zeros(30 * 4, np.int64)
    model: list[list[int]] = [[]]
    for number, (action, count) in enumerate(steps, start=1):
        at = count % len(tables)
        table, text = tables[at], model[at]
        if action == "extend" and pool.free > 4:
            for source, target in table.extend(count):
                bytes_of_pages[target * 4 : target * 4 + 4] = bytes_of_pages[source * 4 : source * 4 + 4]
            if count:
                bytes_of_pages[table.slots(len(text), count)] = number
            text += [number] * count
        elif action == "truncate" and NONE not in table.pages:
            del text[count:]
            table.truncate(min(count, len(table)))
        elif action == "fork" and len(tables) < 5:
            tables.append(table.fork())
            model.append(list(text))
        elif action == "release":
            table.release()
            text.clear()
        elif action == "slide":
            table.slide(count, sinks=3)
        pool.check()
        for each, expected in zip(tables, model, strict=True):
            kept = [place for place in range(len(expected)) if each.pages[place // 4] != NONE]
            assert [int(bytes_of_pages[each.slots(place, 1)][0]) for place in kept] == [
                expected[place] for place in kept
            ]
    for table in tables:
        table.release()
    assert pool.free == 30
