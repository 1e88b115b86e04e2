"""A session takes float32 numbers, stores them in a smaller type, and gives them back."""

from typing import Any

import numpy as np
import pytest

from kvcache import SYSTEM_PAGE, DtypeError, KVCacheManager, KVLayout, ShapeError, SnapshotError, restore, save
from kvcache.encodings.encoding import ENCODINGS

LOSS = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "int8": 1 / 120, "int4": 1 / 6.5}
"""Of a number, at most, as a part of the largest one of its token and head."""

NAMES = [pytest.param(name, id=name) for name in ENCODINGS]


def layout_in(encoding: str | None, **other: Any) -> KVLayout:
    return KVLayout(layers=2, kv_heads=2, head_dim=8, value_dim=5, max_context=64, encoding=encoding, **other)


def manager_in(encoding: str | None, **other: Any) -> KVCacheManager:
    layout = layout_in(encoding, **other)
    return KVCacheManager(layout, capacity_bytes=4 * layout.block_bytes)


def some(count: int, seed: int = 0) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    source = np.random.default_rng(seed)
    keys, values = (source.standard_normal((count, 2, 2, width), np.float32) for width in (8, 5))
    return keys, values


def near(back: np.ndarray[Any, Any], floats: np.ndarray[Any, Any], encoding: str) -> None:
    largest = np.abs(floats).max(-1, keepdims=True)
    assert np.all(np.abs(back - floats) <= largest * LOSS[encoding])


@pytest.mark.parametrize("encoding", NAMES)
def test_appended_and_written_numbers_come_back(encoding: str) -> None:
    keys, values = some(10)
    entry = manager_in(encoding).get_or_create("a")
    entry.append(keys[0], values[0])
    entry.append(keys[1:6], values[1:6])
    for layer in range(2):
        new = keys[6:, layer].transpose(1, 0, 2), values[6:, layer].transpose(1, 0, 2)
        stored_keys, stored_values = entry.write(layer, *new)
        assert stored_keys.dtype == stored_values.dtype == entry.layout.dtype
        before, _ = entry.floats(layer)
        assert before.shape == (2, 10, 8)
    entry.commit()
    for layer in range(2):
        for back, floats in zip(entry.floats(layer), (keys, values), strict=True):
            assert back.dtype == np.float32
            near(back, floats[:, layer].transpose(1, 0, 2), encoding)


@pytest.mark.parametrize("encoding", NAMES)
def test_what_is_stored_can_be_appended_elsewhere_as_it_is(encoding: str) -> None:
    manager = manager_in(encoding)
    manager.get_or_create("a").append(*some(5))
    entry, other = manager.fork("a", "b", 4), manager.get_or_create("c")
    other.append(*entry.key_and_value())
    for layer in range(2):
        np.testing.assert_array_equal(entry.floats(layer)[0], other.floats(layer)[0])
        np.testing.assert_array_equal(entry.values(layer), other.values(layer))


@pytest.mark.parametrize("encoding", NAMES)
def test_a_saved_session_comes_back_in_the_same_encoding_only(encoding: str, tmp_path: Any) -> None:
    manager = manager_in(encoding)
    manager.get_or_create("a").append(*some(5))
    save(manager, "a", tmp_path / "a")
    again = restore(manager_in(encoding), tmp_path / "a")
    np.testing.assert_array_equal(again.key(), manager.get_or_create("a").key())
    for other in {"float16", "bfloat16", "int8", "int4", None} - {encoding}:
        with pytest.raises(SnapshotError):
            restore(manager_in(other), tmp_path / "a")


def test_an_encoding_is_not_confused_with_the_same_bytes_without_it(tmp_path: Any) -> None:
    manager = manager_in("bfloat16")
    manager.get_or_create("a").append(*some(5))
    save(manager, "a", tmp_path / "a")
    with pytest.raises(SnapshotError, match="expected numbers in uint16, got 'bfloat16'"):
        restore(manager_in(None, dtype="bfloat16"), tmp_path / "a")


@pytest.mark.parametrize("encoding", NAMES)
def test_room_for_numbers_serves_again_and_again(encoding: str) -> None:
    entry = manager_in(encoding).get_or_create("a")
    entry.append(*some(7))
    room = np.full((2, 64, 8), np.nan, np.float32), np.full((2, 64, 5), np.nan, np.float32)
    for layer in range(2):
        keys, values = entry.floats(layer, out=room)
        assert np.shares_memory(keys, room[0])
        assert np.shares_memory(values, room[1])
        np.testing.assert_array_equal(keys, entry.floats(layer)[0])
        np.testing.assert_array_equal(values, entry.floats(layer)[1])
        assert np.isnan(room[0][:, 7:]).all()


def test_float32_is_shown_without_a_copy_and_halves_are_converted() -> None:
    entry = manager_in(None).get_or_create("a")
    entry.append(*some(3))
    keys, _ = entry.floats(1)
    assert np.shares_memory(keys, entry.keys(1))
    assert not keys.flags.writeable
    for dtype in ("float16", "float64", "bfloat16"):
        other = manager_in(None, dtype=dtype).get_or_create("a")
        halves = [
            (side.view(np.uint32) >> 16).astype(np.uint16) if dtype == "bfloat16" else side.astype(dtype)
            for side in some(3)
        ]
        other.append(*halves)
        np.testing.assert_allclose(other.floats(1)[0], keys, rtol=2.0**-7)


def test_codes_scales_and_errors_can_be_read() -> None:
    entry = manager_in("int8").get_or_create("a")
    keys, values = some(6)
    entry.append(keys, values)
    codes = entry.codes(1)
    assert codes.keys.dtype == np.int8
    assert not codes.keys.flags.writeable
    assert np.shares_memory(codes.keys, entry.keys(1))
    np.testing.assert_array_equal(codes.keys * codes.key_scales[..., np.newaxis], entry.floats(1)[0])
    lost = entry.floats(1)[1] - values[:, 1].transpose(1, 0, 2)
    np.testing.assert_allclose(codes.value_errors, np.sqrt((lost**2).mean(-1)), rtol=2.0**-6)
    with pytest.raises(DtypeError, match="expected a layout in int8 or int4, got 'float16'"):
        manager_in("float16").get_or_create("a").codes(0)


def test_a_smaller_type_takes_less_memory() -> None:
    sizes = {}
    for name in (None, *ENCODINGS):
        layout = KVLayout(layers=2, kv_heads=2, head_dim=64, max_context=4096, alignment=SYSTEM_PAGE, encoding=name)
        sizes[name] = layout.block_bytes
    assert sizes["float16"] == sizes["bfloat16"] == sizes[None] / 2
    assert sizes["int8"] == sizes[None] * 68 / 256
    assert sizes["int4"] == sizes[None] * 36 / 256


def test_a_layout_can_change_its_encoding_and_its_context() -> None:
    plain = layout_in(None)
    for name in ENCODINGS:
        encoded = plain.for_encoding(name)
        assert encoded == layout_in(name)
        assert encoded.for_context(10).encoding == name
        assert encoded.for_encoding(None) == plain
        assert (encoded.head_dim, encoded.token_shape) == (8, (2, 2, 8))
    with pytest.raises(DtypeError, match="a layout of float32"):
        layout_in(None, dtype="float16").for_encoding("int8")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        pytest.param({"encoding": "int3"}, "one of float16, bfloat16, int8, int4", id="unknown"),
        pytest.param({"encoding": "int8", "dtype": "float64"}, "float32 numbers", id="not-float32"),
    ],
)
def test_an_encoding_that_does_not_exist_or_fit_is_refused(other: dict[str, Any], words: str) -> None:
    with pytest.raises(DtypeError, match=words):
        layout_in(**other)


def test_what_is_neither_numbers_nor_stored_is_refused() -> None:
    entry = manager_in("int8").get_or_create("a")
    keys, values = some(2)
    with pytest.raises(DtypeError, match="an array of float32, or uint8 as it is stored"):
        entry.append(keys.astype(np.float64), values)
    with pytest.raises(ShapeError, match="expected heads of 8 numbers"):
        entry.append(keys[..., :7], values)
    with pytest.raises(ShapeError):
        entry.append(keys.view(np.uint8), values)
    with pytest.raises(ShapeError, match=r"expected \[2, tokens, 8\], got \(3, 2, 8\)"):
        entry.write(0, np.zeros((3, 2, 8), np.float32), np.zeros((3, 2, 5), np.float32))
    assert len(entry) == 0
    entry.append(keys, values)
    with pytest.raises(ShapeError, match="2 or more"):
        entry.floats(0, out=(np.empty((2, 1, 8), np.float32), np.empty((2, 1, 5), np.float32)))
    with pytest.raises(DtypeError, match="an array of float32"):
        entry.floats(0, out=(np.empty((2, 2, 8), np.float64), np.empty((2, 2, 5), np.float64)))
