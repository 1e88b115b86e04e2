import numpy as np
import pytest

from kvcache import (
    ContextOverflowError,
    InvalidSizeError,
    KVCacheEntry,
    KVCacheManager,
    ShapeError,
    StaleEntryError,
    commit_batch,
    gather,
    write_batch,
)
from kvcache.values import Array
from tests.kvcache.fakes import make_manager, tokens


def batch(count: int, tokens: int = 1, fill: float = 1.0) -> Array:
    """New tokens of one layer for `count` sessions, each with its own fill."""
    fills = fill + np.arange(count, dtype=np.float32)
    return fills[:, None, None, None] * np.ones((count, 2, tokens, 4), np.float32)


def make(*lengths: int) -> tuple[KVCacheManager, list[KVCacheEntry]]:
    manager = make_manager()
    entries = [manager.get_or_create(str(number)) for number in range(len(lengths))]
    for entry, length in zip(entries, lengths, strict=True):
        if length:
            entry.append(*[tokens(manager.layout, length, float(length))] * 2)
    return manager, entries


def test_every_session_gets_its_own_tokens() -> None:
    manager, entries = make(0, 2)
    for layer in range(2):
        write_batch(entries, layer, batch(2, fill=5.0), batch(2, fill=7.0))
    assert commit_batch(entries) == [1, 3]
    assert entries[0].keys(0)[0, :, 0].tolist() == [5.0]
    assert entries[1].keys(1)[1, :, 3].tolist() == [2.0, 2.0, 6.0]
    assert entries[1].values(1)[1, :, 3].tolist() == [2.0, 2.0, 8.0]
    manager.check()


def test_either_all_get_theirs_or_none() -> None:
    manager, entries = make(1, 4, 2)
    write_batch(entries[:1], 0, batch(1), batch(1))
    entries[0].truncate(1)
    with pytest.raises(ContextOverflowError):
        write_batch(entries, 0, batch(3), batch(3))
    assert [entry.keys(0).shape[1] for entry in entries] == [1, 4, 2]
    assert [entry.truncations for entry in entries] == [0, 0, 0]
    manager.evict("1")
    with pytest.raises(StaleEntryError):
        write_batch(entries, 0, batch(3), batch(3))
    assert entries[0].keys(0).shape[1] == 1


@pytest.mark.parametrize(("left", "rows"), [(False, [[1, 0, 0], [3, 3, 3]]), (True, [[0, 0, 1], [3, 3, 3]])])
@pytest.mark.parametrize("given", [pytest.param(True, id="out"), pytest.param(False, id="new")])
def test_the_shorter_are_filled_up(left: bool, rows: list[list[int]], given: bool) -> None:
    _, entries = make(1, 3)
    out = (np.full((3, 2, 4, 4), 9.0, np.float32), np.full((3, 2, 4, 4), 9.0, np.float32)) if given else None
    seen = gather(entries, 1, left=left, out=out)
    for side in (seen.keys, seen.values):
        assert side.shape == (2, 2, 3, 4)
        assert side[:, 1, :, 2].tolist() == rows
        assert out is None or np.shares_memory(side, out[0]) or np.shares_memory(side, out[1])
    assert seen.lengths.tolist() == [1, 3]
    assert seen.mask.tolist() == [[bool(place) for place in row] for row in rows]


def test_what_is_not_committed_is_gathered_too() -> None:
    _, entries = make(1, 0)
    write_batch(entries, 0, batch(2, tokens=2), batch(2, tokens=2))
    assert gather(entries, 0).lengths.tolist() == [3, 2]
    assert gather(entries, 1).lengths.tolist() == [1, 0]


def test_what_is_no_batch_is_refused() -> None:
    manager, entries = make(1, 1)
    with pytest.raises(InvalidSizeError, match="each session once"):
        write_batch([entries[0]] * 2, 0, batch(2), batch(2))
    for keys, values in ((batch(1), batch(2)), (batch(2), batch(3)), (batch(2)[0], batch(2))):
        with pytest.raises(ShapeError, match="write_batch"):
            write_batch(entries, 0, keys, values)
    with pytest.raises(InvalidSizeError, match="at least one session"):
        gather([], 0)
    with pytest.raises(ShapeError, match="sessions of 2 heads"):
        gather([entries[0], manager.get_or_create("wide", sequences=2)], 0)
    for out in (np.zeros((2, 2, 0, 4), np.float32), np.zeros((2, 2, 4, 4)), np.zeros((2, 2, 4), np.float32)):
        with pytest.raises(ShapeError, match="gather: out"):
            gather(entries, 0, out=(out, out))
    assert [entry.keys(0).shape[1] for entry in entries] == [1, 1]
