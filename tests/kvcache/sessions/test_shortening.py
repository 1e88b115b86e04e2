"""Tokens leave a session from the middle, or all but a window, and their memory goes back."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache import (
    SYSTEM_PAGE,
    DtypeError,
    InvalidSizeError,
    KVCacheManager,
    KVLayout,
    OutOfBoundsError,
    OutOfMemoryError,
    Rotary,
)
from kvcache.sessions import sharing
from kvcache.values import Array
from tests.kvcache.fakes import FakeClock, make_manager, tokens

HEADS, WIDTH = 2, 64
PER_PAGE = SYSTEM_PAGE // (WIDTH * 4)
STEP = 2 * HEADS * SYSTEM_PAGE
LAYOUT = KVLayout(layers=1, kv_heads=HEADS, head_dim=WIDTH, max_context=6 * PER_PAGE, alignment=SYSTEM_PAGE)


def counted(first: int, last: int) -> Array:
    """Tokens that are their own number."""
    return np.arange(first, last, dtype=np.float32)[:, None, None, None] * np.ones(LAYOUT.token_shape, np.float32)


def rotated(keys: Array, positions: Array, base: float = 10000.0) -> Array:
    """Keys at their positions, as a Llama model turns them, written out one pair after the other."""
    answer = keys.copy()
    half = keys.shape[-1] // 2
    for place, position in enumerate(positions):
        for pair in range(half):
            angle = position * base ** (-2 * pair / keys.shape[-1])
            x, y = keys[:, place, pair], keys[:, place, pair + half]
            answer[:, place, pair] = x * np.cos(angle) - y * np.sin(angle)
            answer[:, place, pair + half] = y * np.cos(angle) + x * np.sin(angle)
    return answer


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 2), (1, 3), (2, 4), (0, 4), (4, 4)])
def test_what_is_behind_follows_on(first: int, last: int) -> None:
    manager = make_manager()
    entry = manager.get_or_create("a")
    batch = np.arange(4, dtype=np.float32)[:, None, None, None] * np.ones((4, *entry.layout.token_shape), np.float32)
    entry.append(batch, -batch)
    before = entry.truncations
    left = [number for number in range(4) if not first <= number < last]
    assert entry.remove(first, last) == len(left) == len(entry)
    assert entry.key()[:, 1, 1, 3].tolist() == left
    assert entry.value()[:, 0, 0, 0].tolist() == [-number for number in left]
    assert entry.truncations == before + (first < last)
    manager.check()


@pytest.mark.parametrize(("first", "last"), [(2, 1), (0, 5), (-1, 1), (0, 1.5)])
def test_tokens_that_are_not_there_cannot_be_removed(first: int, last: int) -> None:
    manager = make_manager()
    entry = manager.get_or_create("a")
    entry.append(*[tokens(entry.layout, 4)] * 2)
    with pytest.raises((OutOfBoundsError, InvalidSizeError)):
        entry.remove(first, last)
    assert len(entry) == 4


def test_keys_turn_to_their_new_positions() -> None:
    manager = KVCacheManager(LAYOUT, capacity_bytes=LAYOUT.block_bytes)
    entry = manager.get_or_create("a")
    plain = np.random.default_rng(0).normal(size=(HEADS, 12, WIDTH)).astype(np.float32)
    entry.write(0, rotated(plain, np.arange(12)), plain)
    entry.commit()
    entry.remove(3, 8, rotate=Rotary())
    left = np.concatenate([plain[:, :3], plain[:, 8:]], axis=1)
    np.testing.assert_allclose(entry.keys(0), rotated(left, np.arange(7)), atol=1e-5)
    np.testing.assert_array_equal(entry.values(0), left)


@pytest.mark.parametrize("encoding", ["float16", "int8"])
def test_encoded_keys_turn_too(encoding: str) -> None:
    layout = KVLayout(layers=1, kv_heads=HEADS, head_dim=WIDTH, max_context=16, encoding=encoding)
    entry = KVCacheManager(layout, capacity_bytes=layout.block_bytes).get_or_create("a")
    plain = np.random.default_rng(0).normal(size=(HEADS, 12, WIDTH)).astype(np.float32)
    entry.write(0, rotated(plain, np.arange(12)), plain)
    entry.commit()
    entry.remove(0, 4, rotate=Rotary())
    np.testing.assert_allclose(entry.floats(0)[0], rotated(plain[:, 4:], np.arange(8)), atol=0.06)


@given(st.booleans(), st.integers(-50, 50), st.integers(-50, 50), st.sampled_from([None, 2, 8]))
def test_turning_twice_is_turning_by_the_sum(interleaved: bool, one: int, other: int, width: int | None) -> None:
    keys = np.random.default_rng(1).normal(size=(2, 3, 8)).astype(np.float32)
    turn = Rotary(base=100.0, width=width, interleaved=interleaved)
    np.testing.assert_allclose(turn(turn(keys, one), other), turn(keys, one + other), atol=1e-4)
    np.testing.assert_array_equal(turn(keys, one)[..., width or 8 :], keys[..., width or 8 :])


def test_pairs_are_neighbours_or_halves() -> None:
    keys = np.array([[[1.0, 0.0, 0.0, 0.0]]], np.float32)
    turned = [np.flatnonzero(np.abs(Rotary(interleaved=each)(keys, 1))[0, 0] > 0.1).tolist() for each in (False, True)]
    assert turned == [[0, 2], [0, 1]]


@pytest.mark.parametrize("width", [0, 3, 10])
def test_a_width_that_cannot_be_turned_is_refused(width: int) -> None:
    with pytest.raises(InvalidSizeError, match="rotary width"):
        Rotary(width=width)(np.zeros((1, 1, 8), np.float32), 1)


def test_keys_that_are_no_numbers_are_not_turned() -> None:
    layout = KVLayout(layers=1, kv_heads=1, head_dim=4, max_context=4, dtype="bfloat16")
    entry = KVCacheManager(layout, capacity_bytes=layout.block_bytes).get_or_create("a")
    entry.append(*[np.ones((3, 1, 1, 4), np.uint16)] * 2)
    with pytest.raises(DtypeError, match="keys that are numbers"):
        entry.remove(0, 1, rotate=Rotary())
    assert entry.remove(0, 1) == 2


def test_where_turning_fails_the_tokens_before_are_left() -> None:
    def fail(keys: Array, by: int) -> Array:
        raise KeyboardInterrupt

    manager = make_manager()
    entry = manager.get_or_create("a")
    entry.append(*[tokens(entry.layout, 4)] * 2)
    with pytest.raises(KeyboardInterrupt):
        entry.remove(1, 2, rotate=fail)
    assert len(entry) == 1
    assert entry.is_idle
    manager.check()


needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="no other system gives single pages back")


@needs_linux
def test_a_window_gives_memory_back() -> None:
    manager = KVCacheManager(LAYOUT, capacity_bytes=LAYOUT.block_bytes, memory_bytes=20 * STEP, clock=FakeClock())
    entry = manager.get_or_create("a")
    entry.append(counted(0, 6 * PER_PAGE), counted(0, 6 * PER_PAGE))
    assert entry.slide(PER_PAGE + 2, sinks=4) == 5 * PER_PAGE - 6
    expected = [0, 1, 2, 3, *range(5 * PER_PAGE - 2, 6 * PER_PAGE)]
    assert entry.key()[:, 0, 0, 0].tolist() == entry.value()[:, 0, 1, 5].tolist() == expected
    assert manager.statistics().bytes_resident == entry.resident_bytes == 2 * STEP
    assert not entry.key(whole=True)[2 * PER_PAGE :].any()
    assert entry.slide(PER_PAGE + 2, sinks=4) == 0
    entry.append(counted(0, 3 * PER_PAGE), counted(0, 3 * PER_PAGE))
    assert manager.statistics().bytes_resident == entry.resident_bytes == 5 * STEP
    manager.check()


@needs_linux
def test_while_a_writable_view_is_held_no_memory_goes_back() -> None:
    manager = KVCacheManager(LAYOUT, capacity_bytes=LAYOUT.block_bytes, memory_bytes=20 * STEP, clock=FakeClock())
    entry = manager.get_or_create("a")
    entry.append(counted(0, 3 * PER_PAGE), counted(0, 3 * PER_PAGE))
    entry.truncate(1)
    rows = entry.rows_mut()
    assert entry.shrink() == 0
    del rows
    assert entry.shrink() == 2 * STEP
    assert entry.shrink() == 0
    assert entry.key()[:, 0, 0, 0].tolist() == [0.0]


@needs_linux
def test_removing_what_is_shared_leaves_the_other_session_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "WORTH", SYSTEM_PAGE)
    manager = KVCacheManager(LAYOUT, capacity_bytes=2 * LAYOUT.block_bytes, memory_bytes=12 * STEP, clock=FakeClock())
    source = manager.get_or_create("a")
    source.append(counted(0, 4 * PER_PAGE), counted(0, 4 * PER_PAGE))
    fork = manager.fork("a", "b")
    fork.remove(PER_PAGE + 3, 2 * PER_PAGE)
    assert source.key()[:, 0, 0, 0].tolist() == list(range(4 * PER_PAGE))
    left = [*range(PER_PAGE + 3), *range(2 * PER_PAGE, 4 * PER_PAGE)]
    assert fork.key()[:, 0, 0, 0].tolist() == fork.value()[:, 0, 1, 1].tolist() == left
    assert fork.shared_bytes == STEP
    assert manager.statistics().bytes_resident == 4 * STEP + fork.resident_bytes
    fork.slide(2)
    assert manager.statistics().bytes_resident == 4 * STEP + fork.resident_bytes
    assert fork.key()[:, 0, 0, 0].tolist() == left[-2:]


@needs_linux
def test_where_shared_pages_cannot_be_copied_nothing_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "WORTH", SYSTEM_PAGE)
    manager = KVCacheManager(LAYOUT, capacity_bytes=2 * LAYOUT.block_bytes, memory_bytes=5 * STEP, clock=FakeClock())
    source = manager.get_or_create("a")
    source.append(counted(0, 4 * PER_PAGE), counted(0, 4 * PER_PAGE))
    fork = manager.fork("a", "b")
    with source.pin(), pytest.raises(OutOfMemoryError):
        fork.remove(0, 1)
    assert fork.key()[:, 0, 0, 0].tolist() == list(range(4 * PER_PAGE))
    assert fork.shared_bytes == 4 * STEP
    fork.append(counted(0, 1), counted(0, 1))
    assert fork.resident_bytes == STEP
    assert manager.sessions() == ("a", "b")
    manager.check()


@needs_linux
def test_what_is_not_committed_keeps_its_memory() -> None:
    manager = KVCacheManager(LAYOUT, capacity_bytes=LAYOUT.block_bytes, memory_bytes=20 * STEP, clock=FakeClock())
    entry = manager.get_or_create("a")
    batch = np.full((HEADS, PER_PAGE + 1, WIDTH), 3.0, np.float32)
    entry.write(0, batch, batch)
    entry.shrink()
    assert entry.commit() == PER_PAGE + 1
    assert (entry.keys(0) == 3.0).all()
