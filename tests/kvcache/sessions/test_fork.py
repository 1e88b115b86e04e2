"""A session begins with the tokens of another one, and goes its own way."""

import threading

import numpy as np
import pytest

from kvcache import (
    InvalidSessionError,
    InvalidSizeError,
    KVCacheEntry,
    MemorySink,
    OutOfBoundsError,
    OutOfMemoryError,
    PinnedEntryError,
    UnknownSessionError,
)
from kvcache.values import Array
from tests.kvcache.fakes import make_manager, one_token, tokens


def test_a_fork_has_the_tokens_of_its_source_and_goes_its_own_way() -> None:
    manager = make_manager()
    source = manager.get_or_create("a")
    batch = np.arange(48, dtype=np.float32).reshape(3, 2, 2, 4)
    source.append(batch, -batch)
    fork = manager.fork("a", "b")
    np.testing.assert_array_equal(fork.key(), batch)
    np.testing.assert_array_equal(fork.value(), -batch)
    fork.truncate(1)
    fork.append(one_token(fork.layout, 9.0), one_token(fork.layout, 9.0))
    np.testing.assert_array_equal(source.key(), batch)
    assert len(fork) == 2
    manager.check()


def test_a_fork_may_have_the_first_tokens_only() -> None:
    manager = make_manager()
    manager.get_or_create("a", 3, sequences=1).append(*[tokens(manager.layout, 3)] * 2)
    fork = manager.fork("a", "b", 2, ttl_seconds=5.0)
    assert (len(fork), fork.max_context_length, fork.ttl_seconds) == (2, 3, 5.0)
    assert not fork.key(whole=True)[2:].any()


def test_a_batch_is_forked_as_a_batch() -> None:
    manager = make_manager()
    source = manager.get_or_create("a", sequences=2)
    source.append(*[tokens(source.layout, 2, 3.0)] * 2)
    assert manager.fork("a", "b").layout.kv_heads == source.layout.kv_heads


def test_whatever_the_target_had_is_gone() -> None:
    manager = make_manager()
    manager.get_or_create("b").append(*[tokens(manager.layout, 4, 7.0)] * 2)
    manager.get_or_create("a").append(*[tokens(manager.layout, 1, 1.0)] * 2)
    fork = manager.fork("a", "b")
    assert len(fork) == 1
    assert not fork.key(whole=True)[1:].any()


def test_the_source_never_makes_room_for_its_fork() -> None:
    manager = make_manager(blocks=1)
    manager.get_or_create("a").append(*[tokens(manager.layout, 1)] * 2)
    with pytest.raises(OutOfMemoryError):
        manager.fork("a", "b")
    assert manager.sessions() == ("a",)
    assert not manager.get_or_create("a").is_pinned


@pytest.mark.parametrize(
    ("source", "target", "count", "kind"),
    [
        pytest.param("a", "a", None, InvalidSessionError, id="itself"),
        pytest.param("nobody", "b", None, UnknownSessionError, id="no-source"),
        pytest.param("a", "", None, InvalidSessionError, id="no-name"),
        pytest.param("a", "b", 3, OutOfBoundsError, id="more-than-there-are"),
        pytest.param("a", "b", -1, InvalidSizeError, id="negative"),
        pytest.param("a", "pinned", None, PinnedEntryError, id="pinned"),
    ],
)
def test_a_fork_that_cannot_be_is_refused(source: str, target: str, count: int | None, kind: type[Exception]) -> None:
    sink = MemorySink()
    manager = make_manager(sink=sink)
    manager.get_or_create("a").append(*[tokens(manager.layout, 2)] * 2)
    with manager.get_or_create("pinned").pin():
        with pytest.raises(kind):
            manager.fork(source, target, count)
        assert manager.sessions() == ("a", "pinned")
    manager.check()


def test_keys_and_values_are_those_of_the_same_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = make_manager()
    entry = manager.get_or_create("a")
    entry.append(*[tokens(manager.layout, 2)] * 2)
    value_of = KVCacheEntry.value
    other = threading.Thread(target=entry.truncate, args=(1,), daemon=True)

    def value_while_another_thread_truncates(entry: KVCacheEntry) -> Array:
        if not other.is_alive():
            other.start()
            other.join(0.05)  # it waits for the lock: without one it ends at once
        return value_of(entry)

    monkeypatch.setattr(KVCacheEntry, "value", value_while_another_thread_truncates)
    keys, values = entry.key_and_value()
    assert (len(keys), len(values)) == (2, 2)
    other.join()
    assert len(entry) == 1
