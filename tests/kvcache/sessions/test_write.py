"""A model writes layer by layer, attends to what it has just written, and counts the tokens once."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache import (
    SYSTEM_PAGE,
    ContextOverflowError,
    DtypeError,
    InvalidSizeError,
    KVCacheManager,
    KVLayout,
    MemorySink,
    OutOfBoundsError,
    ShapeError,
    StaleEntryError,
    TraceEvent,
)
from kvcache.sessions.entry import KVCacheEntry
from tests.kvcache.fakes import FakeClock, make_manager, one_token, small_layout


def heads(count: int, fill: float = 1.0, *, width: int = 4) -> npt.NDArray[np.float32]:
    """The tokens of one layer of `small_layout`."""
    return np.full((2, count, width), fill, dtype=np.float32)


def write_all(entry: KVCacheEntry, count: int, fill: float) -> None:
    for layer in range(2):
        entry.write(layer, heads(count, fill), heads(count, -fill))


def test_what_is_written_is_seen_at_once_and_counted_by_the_commit() -> None:
    entry = make_manager().get_or_create("a")
    for layer in range(2):
        keys, values = entry.write(layer, heads(3, layer + 1.0), heads(3, -layer - 1.0))
        assert keys.shape == values.shape == (2, 3, 4)
        assert (keys == layer + 1.0).all()
        assert (values == -layer - 1.0).all()
        assert entry.token_count == 0
    assert entry.commit() == entry.token_count == 3
    assert entry.key()[:, :, 0, 0].tolist() == [[1.0, 2.0]] * 3
    for layer in range(2):
        keys, _ = entry.write(layer, heads(1, 9.0), heads(1, -9.0))
        assert keys[0, :, 0].tolist() == [layer + 1.0] * 3 + [9.0]
    assert entry.commit() == 4


def test_the_tokens_of_a_head_lie_together() -> None:
    layout = KVLayout(layers=2, kv_heads=2, head_dim=4, max_context=8, value_dim=3)
    entry = KVCacheManager(layout, capacity_bytes=layout.block_bytes).get_or_create("a")
    entry.write(1, heads(5), heads(5, width=3))
    for view, width in ((entry.keys(1), 4), (entry.values(1), 3)):
        assert view.strides == (8 * width * 4, width * 4, 4)
        assert view[0].flags.c_contiguous
        assert not view.flags.writeable
    assert entry.keys(0).shape == (2, 0, 4)


def test_views_of_a_layer_are_cut_from_what_is_made_once() -> None:
    entry = make_manager().get_or_create("a")
    write_all(entry, 2, 1.0)
    first, second = entry.keys(0), entry.keys(0)
    assert first.base is second.base
    assert np.shares_memory(first, entry.key_mut())


@pytest.mark.parametrize(
    "written",
    [
        pytest.param((), id="nothing"),
        pytest.param(((0, 1),), id="one-layer-only"),
        pytest.param(((0, 1), (1, 2)), id="unlike"),
    ],
)
def test_a_commit_wants_as_many_tokens_in_each_layer(written: tuple[tuple[int, int], ...]) -> None:
    entry = make_manager().get_or_create("a")
    for layer, count in written:
        entry.write(layer, heads(count), heads(count))
    with pytest.raises(InvalidSizeError, match="commit: expected as many tokens in each layer"):
        entry.commit()
    assert entry.token_count == 0


@pytest.mark.parametrize("after", [pytest.param(n, id=f"{n}-tokens") for n in (0, 1)])
def test_an_append_or_a_truncate_forgets_what_was_not_committed(after: int) -> None:
    entry = make_manager().get_or_create("a")
    write_all(entry, 2, 5.0)
    if after:
        entry.append(one_token(entry.layout), one_token(entry.layout))
    else:
        entry.truncate(0)
    assert entry.keys(1).shape == (2, after, 4)
    with pytest.raises(InvalidSizeError):
        entry.commit()


@pytest.mark.parametrize(
    ("layer", "key", "value", "kind"),
    [
        pytest.param(2, heads(1), heads(1), OutOfBoundsError, id="no-such-layer"),
        pytest.param(0, heads(1), heads(2), ShapeError, id="unlike-counts"),
        pytest.param(0, heads(1, width=5), heads(1), ShapeError, id="another-width"),
        pytest.param(0, heads(1)[:1], heads(1)[:1], ShapeError, id="a-head-too-few"),
        pytest.param(0, heads(1)[0], heads(1), ShapeError, id="an-axis-too-few"),
        pytest.param(0, heads(1), heads(1).astype(np.float64), DtypeError, id="another-dtype"),
        pytest.param(0, heads(1).tolist(), heads(1), DtypeError, id="a-list"),
        pytest.param(0, heads(5), heads(5), ContextOverflowError, id="too-many"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    layer: int, key: Any, value: Any, kind: type[Exception]
) -> None:
    entry = make_manager().get_or_create("a")
    with pytest.raises(kind):
        entry.write(layer, key, value)
    assert entry.keys(0).shape[1] == 0
    assert entry.is_idle
    assert not entry.key(whole=True).any()
    assert not entry.value(whole=True).any()


def test_an_evicted_entry_takes_and_shows_nothing() -> None:
    manager = make_manager()
    entry = manager.get_or_create("a")
    write_all(entry, 1, 1.0)
    manager.evict("a")
    for use in (
        lambda: entry.keys(0),
        lambda: entry.values(0),
        lambda: entry.write(0, heads(1), heads(1)),
        entry.commit,
    ):
        with pytest.raises(StaleEntryError):
            use()


def test_a_token_that_is_written_in_layers_is_one_use() -> None:
    clock = FakeClock()
    entry = make_manager(clock=clock).get_or_create("a")
    clock.advance(3)
    write_all(entry, 1, 1.0)
    assert (entry.uses, entry.last_accessed) == (1, 0.0)
    entry.commit()
    assert (entry.uses, entry.last_accessed) == (2, 3.0)


def test_a_trace_tells_of_the_commit_only() -> None:
    sink, layout = MemorySink(), small_layout()
    manager = KVCacheManager(layout, capacity_bytes=layout.block_bytes, trace=[sink])
    entry = manager.get_or_create("a")
    write_all(entry, 2, 1.0)
    entry.commit()
    assert [each.action for each in sink.records if isinstance(each, TraceEvent)] == ["create", "append"]


@given(st.data())
def test_layers_and_whole_tokens_write_the_same_bytes(data: st.DataObject) -> None:
    layout = KVLayout(
        layers=data.draw(st.integers(1, 3)),
        kv_heads=data.draw(st.integers(1, 3)),
        head_dim=data.draw(st.integers(1, 9)),
        value_dim=data.draw(st.integers(1, 9)),
        max_context=12,
        dtype=data.draw(st.sampled_from(["float32", "float16", "int8", "bfloat16"])),
        alignment=data.draw(st.sampled_from([64, SYSTEM_PAGE])),
    )
    manager = KVCacheManager(layout, capacity_bytes=2 * layout.block_bytes)
    by_layer, whole = manager.get_or_create("layers"), manager.get_or_create("whole")
    source, seen = np.random.default_rng(0), 0
    for count in data.draw(st.lists(st.integers(0, 4), max_size=3)):
        key, value = (
            source.integers(0, 100, (count, *shape)).astype(layout.dtype)
            for shape in (layout.token_shape, layout.value_shape)
        )
        whole.append(key, value)
        for layer in range(layout.layers):
            by_layer.write(layer, key[:, layer].transpose(1, 0, 2), value[:, layer].transpose(1, 0, 2))
        if count:
            by_layer.commit()
        seen += count
    assert len(by_layer) == len(whole) == seen
    np.testing.assert_array_equal(by_layer.key(whole=True), whole.key(whole=True))
    np.testing.assert_array_equal(by_layer.value(whole=True), whole.value(whole=True))
    for layer in range(layout.layers):
        np.testing.assert_array_equal(by_layer.keys(layer), whole.key(layer))
        np.testing.assert_array_equal(by_layer.values(layer), whole.value(layer))


def test_tokens_of_any_strides_are_taken() -> None:
    entry = make_manager().get_or_create("a")
    batch = np.arange(48, dtype=np.float32).reshape(3, 2, 2, 4)
    entry.append(batch.transpose(0, 2, 1, 3), batch[::1, ::-1])
    np.testing.assert_array_equal(entry.key(), batch.transpose(0, 2, 1, 3))
    np.testing.assert_array_equal(entry.value(), batch[:, ::-1])


def test_a_model_may_write_to_the_rows_by_itself() -> None:
    manager = make_manager(blocks=1)
    entry = manager.get_or_create("a")
    keys, values = entry.rows_mut()
    assert keys.shape == values.shape == (2, 2, 4, 4)
    assert entry.reserve(3) == 4
    keys[:, :, :3], values[:, :, :3] = 5.0, -5.0
    assert entry.commit(3) == 3
    assert (entry.key() == 5.0).all()
    assert (entry.value() == -5.0).all()
    with pytest.raises(ContextOverflowError, match="reserve"):
        entry.reserve(2)
    keys[:, :, 3:] = 77.0  # a mistake, which nobody else sees
    del keys, values
    manager.evict("a")
    assert not manager.get_or_create("b").key(whole=True).any()


def test_a_batch_is_a_session_with_so_many_times_the_heads() -> None:
    manager = make_manager(blocks=4)
    entry = manager.get_or_create("a", sequences=3)
    assert entry.layout.kv_heads == 6
    assert entry.size_bytes == 3 * manager.layout.block_bytes
    assert manager.get_or_create("a", sequences=3) is entry
    with pytest.raises(InvalidSizeError, match="expected the 3 it was made for, got 1"):
        manager.get_or_create("a")
    for other in (1, 2, 4):
        with pytest.raises(InvalidSizeError, match="expected the 3 it was made for"):
            manager.get_or_create("a", sequences=other)
    with pytest.raises(InvalidSizeError, match="sequences"):
        manager.get_or_create("b", sequences=0)
    assert manager.get("a") is entry
