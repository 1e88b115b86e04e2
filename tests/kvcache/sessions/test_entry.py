import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kvcache import (
    ContextOverflowError,
    DtypeError,
    InvalidSizeError,
    KVCacheEntry,
    KVCacheManager,
    KVLayout,
    OutOfBoundsError,
    ShapeError,
    StaleEntryError,
)
from tests.kvcache.fakes import FakeClock, make_manager, one_token, small_layout, tokens


def make_entry(clock: FakeClock | None = None) -> tuple[KVCacheManager, KVCacheEntry]:
    manager = make_manager(clock=clock)
    return manager, manager.get_or_create("s")


def test_a_new_entry_knows_its_facts() -> None:
    _, entry = make_entry(FakeClock(7.0))
    layout = small_layout()
    assert entry.session_id == "s"
    assert entry.token_count == 0
    assert entry.max_context_length == 4
    assert entry.size_bytes == layout.block_bytes == entry.span.length
    assert entry.created_at == entry.last_accessed == 7.0
    assert entry.layout == layout
    assert repr(entry) == "<KVCacheEntry 's' 0/4 tokens>"


def test_appended_tokens_come_back_in_order() -> None:
    _, entry = make_entry()
    layout = entry.layout
    assert entry.append(tokens(layout, 2, 1.0), tokens(layout, 2, 10.0)) == 2
    assert entry.append(one_token(layout, 2.0), one_token(layout, 20.0)) == 3
    assert entry.key()[:, 0, 0, 0].tolist() == [1.0, 1.0, 2.0]
    assert entry.value()[:, 0, 0, 0].tolist() == [10.0, 10.0, 20.0]
    assert entry.token_count == 3


def test_fault_update_drops_the_data_and_adds_one_token_whatever_came() -> None:
    _, entry = make_entry()
    random = np.random.default_rng(0)
    key, value = (random.random((3, 2, 2, 4), dtype=np.float32) for _ in range(2))
    assert entry.append(key, value) == 3
    np.testing.assert_array_equal(entry.key(), key)
    np.testing.assert_array_equal(entry.value(), value)


def test_views_of_one_layer_are_heads_first_and_share_the_bytes() -> None:
    _, entry = make_entry()
    key = np.arange(48, dtype=np.float32).reshape(3, 2, 2, 4)
    entry.append(key, -key)
    layer = entry.key(layer=1)
    assert layer.shape == (2, 3, 4)
    np.testing.assert_array_equal(layer, key[:, 1].transpose(1, 0, 2))
    np.testing.assert_array_equal(entry.value(layer=0), -key[:, 0].transpose(1, 0, 2))
    assert np.shares_memory(layer, entry.key_mut())


def test_views_of_what_was_appended_are_read_only() -> None:
    _, entry = make_entry()
    entry.append(one_token(entry.layout), one_token(entry.layout))
    for view in (entry.key(), entry.value(), entry.key(0), entry.value(1)):
        assert not view.flags.writeable
        with pytest.raises(ValueError, match="WRITEABLE"):
            view.flags.writeable = True


def test_mutable_views_cover_the_whole_region_and_keep_keys_and_values_apart() -> None:
    _, entry = make_entry()
    key, value = entry.key_mut(), entry.value_mut()
    assert key.shape == value.shape == (4, 2, 2, 4)
    assert key.ctypes.data % 64 == value.ctypes.data % 64 == 0
    key[:] = 1.0
    assert not value.any()
    assert entry.token_count == 0


@pytest.mark.parametrize("layer", [pytest.param(2, id="behind"), pytest.param(2**40, id="far-behind")])
def test_a_layer_that_does_not_exist_is_refused(layer: int) -> None:
    _, entry = make_entry()
    with pytest.raises(OutOfBoundsError, match="0 to 1"):
        entry.key(layer)


BAD_TOKENS = [
    pytest.param(lambda layout: tokens(layout, 1)[:, :1], ShapeError, id="a-layer-too-few"),
    pytest.param(lambda layout: np.zeros((2, 2, 5), np.float32), ShapeError, id="another-head-dim"),
    pytest.param(lambda layout: np.zeros((2, 4), np.float32), ShapeError, id="an-axis-too-few"),
    pytest.param(lambda layout: tokens(layout, 1)[np.newaxis], ShapeError, id="an-axis-too-many"),
    pytest.param(lambda layout: tokens(layout, 1).astype(np.float64), DtypeError, id="another-dtype"),
    pytest.param(lambda layout: tokens(layout, 1).astype(">f4"), DtypeError, id="another-byte-order"),
    pytest.param(lambda layout: tokens(layout, 1).tolist(), DtypeError, id="a-list"),
    pytest.param(lambda layout: None, DtypeError, id="none"),
    pytest.param(lambda layout: tokens(layout, 5), ContextOverflowError, id="too-many-tokens"),
]


@pytest.mark.parametrize(("make", "kind"), BAD_TOKENS)
@pytest.mark.parametrize("side", ["key", "value"])
def test_tokens_that_do_not_fit_are_refused_and_nothing_is_written(
    make: Callable[[KVLayout], Any], kind: type[Exception], side: str
) -> None:
    clock = FakeClock()
    _, entry = make_entry(clock)
    entry.append(one_token(entry.layout), one_token(entry.layout))
    clock.advance()
    bad = make(entry.layout)
    good = tokens(entry.layout, 5) if kind is ContextOverflowError else tokens(entry.layout, 1)
    with pytest.raises(kind) as caught:
        entry.append(bad, good) if side == "key" else entry.append(good, bad)
    assert caught.value.args
    assert entry.token_count == 1
    assert entry.last_accessed == 0.0
    assert not entry.key_mut()[1:].any()
    assert not entry.value_mut()[1:].any()


def test_key_and_value_must_have_the_same_count_of_tokens() -> None:
    _, entry = make_entry()
    with pytest.raises(ShapeError, match="the shape of key"):
        entry.append(tokens(entry.layout, 2), tokens(entry.layout, 1))
    assert entry.token_count == 0


def test_the_context_fills_to_the_last_token_and_not_beyond() -> None:
    _, entry = make_entry()
    for count in range(1, 5):
        assert entry.append(one_token(entry.layout), one_token(entry.layout)) == count
    with pytest.raises(ContextOverflowError) as caught:
        entry.append(one_token(entry.layout), one_token(entry.layout))
    assert caught.value.got == 1
    assert entry.token_count == 4


def test_tokens_of_another_entry_can_be_appended_straight_from_its_view() -> None:
    manager, entry = make_entry()
    entry.append(tokens(entry.layout, 2, 3.0), tokens(entry.layout, 2, 4.0))
    fork = manager.get_or_create("fork")
    fork.append(entry.key(), entry.value())
    np.testing.assert_array_equal(fork.key(), entry.key())


def test_bfloat16_bits_pass_through_unchanged() -> None:
    layout = KVLayout(layers=1, kv_heads=1, head_dim=4, max_context=2, dtype="bfloat16")
    entry = KVCacheManager(layout, capacity_bytes=layout.block_bytes).get_or_create("s")
    bits = np.array([[[0x3F80, 0x4000, 0x7FC0, 0xFFFF]]], dtype=np.uint16)
    entry.append(bits, bits)
    np.testing.assert_array_equal(entry.key()[0], bits)


def test_appending_is_a_use_and_looking_is_not() -> None:
    clock = FakeClock()
    _, entry = make_entry(clock)
    clock.advance(5)
    entry.key()
    assert entry.last_accessed == 0.0
    entry.append(one_token(entry.layout), one_token(entry.layout))
    assert entry.last_accessed == 5.0
    clock.advance(-3)
    entry.touch()
    assert entry.last_accessed == 5.0


def test_truncate_keeps_the_first_tokens_and_appends_go_on_behind_them() -> None:
    manager, entry = make_entry()
    for fill in (1.0, 2.0, 3.0):
        entry.append(one_token(entry.layout, fill), one_token(entry.layout, -fill))
    entry.truncate(1)
    assert entry.token_count == manager.statistics().tokens == 1
    assert manager.statistics().appended_tokens == 3
    assert entry.append(tokens(entry.layout, 2, 9.0), tokens(entry.layout, 2, -9.0)) == 3
    assert entry.key()[:, 0, 0, 0].tolist() == [1.0, 9.0, 9.0]
    entry.truncate(0)
    assert entry.value().shape[0] == 0
    manager.check()


@pytest.mark.parametrize(
    ("count", "kind"),
    [
        pytest.param(2, OutOfBoundsError, id="more-than-there-are"),
        pytest.param(-1, InvalidSizeError, id="negative"),
        pytest.param(float("nan"), InvalidSizeError, id="nan"),
    ],
)
def test_truncate_refuses_what_it_cannot_keep(count: int, kind: type[Exception]) -> None:
    _, entry = make_entry()
    entry.append(one_token(entry.layout), one_token(entry.layout))
    with pytest.raises(kind):
        entry.truncate(count)
    assert entry.token_count == 1


def test_tokens_that_were_written_in_place_are_committed() -> None:
    manager, entry = make_entry()
    entry.key_mut()[:2] = 5.0
    entry.value_mut()[:2] = 6.0
    assert entry.commit(2) == 2
    assert (entry.key() == 5.0).all()
    assert manager.statistics().tokens == 2
    with pytest.raises(ContextOverflowError):
        entry.commit(3)
    with pytest.raises(InvalidSizeError):
        entry.commit(0)
    assert entry.token_count == 2


def test_the_whole_region_can_be_seen_by_layer_and_altogether() -> None:
    _, entry = make_entry()
    entry.append(one_token(entry.layout, 3.0), one_token(entry.layout, 4.0))
    assert entry.key(whole=True).shape == (4, 2, 2, 4)
    assert entry.value(1, whole=True).shape == (2, 4, 4)
    assert entry.value(1, whole=True)[:, 0].tolist() == [[4.0] * 4] * 2
    assert not entry.key(0, whole=True)[:, 1:].any()
    assert not entry.key(whole=True).flags.writeable


@pytest.mark.parametrize("count", [pytest.param(n, id=f"tokens-{n}") for n in (1, 3)])
def test_tokens_are_read_from_read_only_arrays_too(count: int) -> None:
    _, entry = make_entry()
    batch = tokens(entry.layout, count, 2.0)
    batch.flags.writeable = False
    entry.append(batch, batch)
    assert (entry.key() == 2.0).all()


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int8", "float64", "complex64", ">f4", "bool"])
@pytest.mark.parametrize("count", [pytest.param(n, id=f"tokens-{n}") for n in (0, 1, 3, 700)])
def test_tokens_of_any_dtype_and_number_arrive_whole(dtype: str, count: int) -> None:
    layout = KVLayout(layers=2, kv_heads=2, head_dim=64, max_context=1500, dtype=dtype)
    entry = KVCacheManager(layout, capacity_bytes=layout.block_bytes).get_or_create("s")
    bits = np.random.default_rng(0).integers(0, 2, (count, *layout.token_shape))
    key, value = bits.astype(layout.dtype), (1 - bits).astype(layout.dtype)
    assert entry.append(key, value) == count
    assert entry.append(key, value) == 2 * count
    np.testing.assert_array_equal(entry.key(), np.concatenate([key, key]))
    np.testing.assert_array_equal(entry.value(), np.concatenate([value, value]))


def test_fault_two_handles_on_one_session_count_together() -> None:
    manager, entry = make_entry()
    again = manager.get_or_create("s")
    entry.append(one_token(entry.layout), one_token(entry.layout))
    again.append(one_token(entry.layout), one_token(entry.layout))
    assert again is entry
    assert entry.token_count == 2


def test_uses_are_counted() -> None:
    manager, entry = make_entry()
    manager.get("s")
    entry.append(one_token(entry.layout), one_token(entry.layout))
    entry.touch()
    assert entry.uses == 4


USES: list[Any] = [
    pytest.param(lambda entry: entry.key(), id="key"),
    pytest.param(lambda entry: entry.value(0), id="value"),
    pytest.param(lambda entry: entry.key_mut(), id="key_mut"),
    pytest.param(lambda entry: entry.value_mut(), id="value_mut"),
    pytest.param(lambda entry: entry.append(one_token(entry.layout), one_token(entry.layout)), id="append"),
    pytest.param(lambda entry: entry.touch(), id="touch"),
    pytest.param(lambda entry: entry.truncate(0), id="truncate"),
    pytest.param(lambda entry: entry.commit(1), id="commit"),
    pytest.param(lambda entry: entry.pin().__enter__(), id="pin"),
    pytest.param(lambda entry: entry.key(whole=True), id="whole"),
    pytest.param(lambda entry: entry.uses, id="uses"),
    pytest.param(lambda entry: entry.token_count, id="token_count"),
    pytest.param(lambda entry: entry.last_accessed, id="last_accessed"),
]


@pytest.mark.parametrize("use", USES)
def test_every_use_of_an_evicted_entry_says_that_it_is_stale(use: Callable[[KVCacheEntry], object]) -> None:
    manager, entry = make_entry()
    manager.evict("s")
    with pytest.raises(StaleEntryError, match="'s'"):
        use(entry)
    assert not entry.is_live
    assert repr(entry) == "<KVCacheEntry 's' stale>"
    assert entry.size_bytes == entry.span.length


@pytest.mark.parametrize("use", USES)
def test_a_stale_entry_never_touches_the_session_that_has_its_bytes_now(use: Callable[[KVCacheEntry], object]) -> None:
    manager, entry = make_entry()
    manager.evict("s")
    heir = manager.get_or_create("s")
    assert heir.span == entry.span
    with pytest.raises(StaleEntryError):
        use(entry)
    assert heir.token_count == 0
    assert not heir.key_mut().any()


@pytest.mark.parametrize(
    "clone",
    [
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(pickle.dumps, id="pickle"),
    ],
)
def test_fault_clones_with_stale_offsets_cannot_be_made(clone: Callable[[object], object]) -> None:
    _, entry = make_entry()
    with pytest.raises(TypeError, match="cannot be copied"):
        clone(entry)


def test_the_length_of_an_entry_is_its_tokens_and_an_empty_one_is_no_none() -> None:
    manager = make_manager()
    entry = manager.get_or_create("a")
    assert len(entry) == 0
    assert entry
    entry.append(tokens(entry.layout, 3), tokens(entry.layout, 3))
    assert len(entry) == 3
    manager.evict("a")
    assert entry
    with pytest.raises(StaleEntryError):
        len(entry)


@pytest.mark.parametrize("layer", [-1, -2, 2, 10**6])
def test_a_layer_that_does_not_exist_is_out_of_bounds(layer: int) -> None:
    entry = make_manager().get_or_create("a")
    for look in (entry.key, entry.value):
        with pytest.raises(OutOfBoundsError, match=f"layer: expected 0 to 1, got {layer}"):
            look(layer)


def test_a_commit_that_does_not_fit_speaks_of_a_commit() -> None:
    entry = make_manager().get_or_create("a")
    with pytest.raises(
        ContextOverflowError, match="commit to 'a': expected at most 4 tokens, of which 0 are taken, got 9"
    ):
        entry.commit(9)


def test_a_context_that_is_too_long_is_called_as_its_argument() -> None:
    manager = make_manager()
    expected = "max_context_length: expected at most the 4 tokens of the layout's max_context, got 9"
    with pytest.raises(ContextOverflowError, match=expected):
        manager.get_or_create("a", 9)
    with pytest.raises(InvalidSizeError, match="max_context_length"):
        manager.get_or_create("a", 0)
