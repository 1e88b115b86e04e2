from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache import SYSTEM_PAGE, ContextOverflowError, DtypeError, InvalidSizeError, KVCacheManager, KVLayout
from kvcache.values import is_bfloat16
from tests.kvcache.fakes import make_manager, one_token

SIZES: dict[str, Any] = {"layers": 3, "kv_heads": 2, "head_dim": 5, "max_context": 7}


def test_a_block_is_two_aligned_regions() -> None:
    layout = KVLayout(**SIZES)
    assert layout.token_bytes == 3 * 2 * 5 * 4
    assert layout.keys.shape == layout.values.shape == (3, 2, 7, 5)
    assert layout.keys.length == layout.values.offset == 896
    assert layout.keys.row_bytes == 7 * 5 * 4
    assert layout.block_bytes == 1792


@pytest.mark.parametrize(
    ("model", "block_bytes"),
    [
        pytest.param({"layers": 1, "kv_heads": 1, "head_dim": 64}, 2 * 64 * 4 * 10, id="one-layer-of-64"),
        pytest.param({"layers": 32, "kv_heads": 8, "head_dim": 128}, 2 * 32 * 8 * 128 * 4 * 10, id="grouped-query"),
        pytest.param({"layers": 4, "kv_heads": 1, "head_dim": 80}, 2 * 4 * 80 * 4 * 10, id="multi-query-of-80"),
    ],
)
def test_fault_64_dims_and_one_layer_are_not_hard_coded(model: dict[str, Any], block_bytes: int) -> None:
    assert KVLayout(**model, max_context=10).block_bytes == block_bytes


@pytest.mark.parametrize(
    ("dtype", "token_bytes"),
    [
        pytest.param("float32", 120, id="float32"),
        pytest.param("float16", 60, id="float16"),
        pytest.param("bfloat16", 60, id="bfloat16"),
        pytest.param("int8", 30, id="int8"),
    ],
)
def test_the_dtype_decides_the_bytes_of_a_token(dtype: str, token_bytes: int) -> None:
    assert KVLayout(**SIZES, dtype=dtype).token_bytes == token_bytes


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in (*SIZES, "alignment")])
@pytest.mark.parametrize("value", [pytest.param(v, id=f"is-{v}") for v in (0, -1, 2.0, float("nan"), "3", None)])
def test_a_number_that_is_none_is_refused(name: str, value: object) -> None:
    with pytest.raises(InvalidSizeError, match=name):
        KVLayout(**{**SIZES, name: value})


def test_a_block_that_cannot_be_addressed_is_refused() -> None:
    with pytest.raises(InvalidSizeError, match="at most"):
        KVLayout(layers=2**20, kv_heads=2**20, head_dim=2**20, max_context=1)
    with pytest.raises(InvalidSizeError, match="at most"):
        KVLayout(layers=1, kv_heads=1, head_dim=1, max_context=2**60)


def test_numpy_integers_do_not_wrap_around() -> None:
    layout = KVLayout(layers=np.int8(100), kv_heads=np.int8(100), head_dim=np.int8(100), max_context=np.int8(1))
    assert layout.token_bytes == 4_000_000


def test_objects_are_no_elements() -> None:
    with pytest.raises(DtypeError):
        KVLayout(**SIZES, dtype=object)


def test_a_session_may_hold_less_than_the_model_and_not_more() -> None:
    layout = KVLayout(**SIZES)
    assert layout.for_context(7) is layout
    assert layout.for_context(3) == KVLayout(**{**SIZES, "max_context": 3})
    with pytest.raises(ContextOverflowError) as caught:
        layout.for_context(8)
    assert caught.value.got == 8
    with pytest.raises(InvalidSizeError):
        layout.for_context(0)


def test_a_layout_is_a_frozen_value() -> None:
    layout = KVLayout(**SIZES)
    with pytest.raises(FrozenInstanceError):
        layout.layers = 1  # type: ignore[misc]
    assert replace(layout, layers=4).token_bytes == 160
    assert hash(layout) == hash(KVLayout(**SIZES))


LAYOUTS = st.builds(
    KVLayout,
    layers=st.integers(1, 4),
    kv_heads=st.integers(1, 4),
    head_dim=st.integers(1, 130),
    max_context=st.integers(1, 50),
    dtype=st.sampled_from(["int8", "float16", "bfloat16", "float32", "float64"]),
    alignment=st.sampled_from([1, 16, 64, SYSTEM_PAGE]),
    value_dim=st.none() | st.integers(1, 130),
)


@given(LAYOUTS)
def test_regions_are_aligned_disjoint_and_inside_the_block(layout: KVLayout) -> None:
    block = np.zeros(layout.block_bytes, np.uint8)
    for region, width in ((layout.keys, layout.head_dim), (layout.values, layout.value_dim)):
        assert region.shape == (layout.layers, layout.kv_heads, layout.max_context, width)
        assert region.offset % layout.alignment == region.length % layout.alignment == 0
        region.of(block, layout.dtype).view(np.uint8)[:] += np.uint8(1)
        assert region.rows * region.row_bytes <= region.length
        assert layout.alignment < SYSTEM_PAGE or region.row_bytes % layout.alignment == 0
    written = int(np.prod(layout.token_shape) + np.prod(layout.value_shape)) * layout.max_context
    assert np.count_nonzero(block) == (block == 1).sum() == written * layout.dtype.itemsize
    assert layout.keys.length + layout.values.length == layout.block_bytes


@pytest.mark.parametrize(
    "dtype",
    [
        pytest.param((np.float32, (2,)), id="sub-array"),
        pytest.param("S4", id="bytes"),
        pytest.param("U4", id="text"),
        pytest.param("V4", id="raw"),
        pytest.param("M8[s]", id="time"),
        pytest.param("m8[s]", id="duration"),
        pytest.param([("a", "f4")], id="record"),
        pytest.param("O", id="object"),
    ],
)
def test_a_dtype_that_is_no_number_is_refused(dtype: Any) -> None:
    with pytest.raises(DtypeError, match="expected a dtype of numbers"):
        KVLayout(**SIZES, dtype=dtype)


class Metres(np.ndarray[Any, Any]):
    """An array that says more than its bytes do."""


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda array: np.ma.masked_array(array, mask=True), id="masked"),
        pytest.param(np.ma.masked_array, id="nothing-masked"),
        pytest.param(lambda array: array.view(Metres), id="subclass"),
        pytest.param(lambda array: array.tolist(), id="list"),
    ],
)
def test_an_array_that_says_more_than_its_bytes_is_refused(make: Callable[[Any], Any]) -> None:
    entry = make_manager().get_or_create("a")
    plain = one_token(entry.layout)
    for key, value in ((make(plain), plain), (plain, make(plain))):
        with pytest.raises(DtypeError, match="expected a plain array of float32"):
            entry.append(key, value)
    assert entry.token_count == 0
    assert entry.is_idle


def test_a_mapped_file_is_a_plain_array(tmp_path: Path) -> None:
    entry = make_manager().get_or_create("a")
    mapped = np.memmap(tmp_path / "token", dtype=np.float32, mode="w+", shape=entry.layout.token_shape)
    mapped[:] = 3.0
    assert entry.append(mapped, mapped) == 1
    assert (entry.key() == 3.0).all()


class _Bfloat16:
    """Looks like the dtype `ml_dtypes.bfloat16`."""

    name, itemsize = "bfloat16", 2


def test_a_bfloat16_of_another_package_is_told_by_its_name_and_size() -> None:
    assert is_bfloat16(_Bfloat16())  # type: ignore[arg-type]
    assert not is_bfloat16(np.dtype(np.uint16))
    assert not is_bfloat16(np.dtype(np.float16))


def test_arrays_of_such_a_bfloat16_are_stored_as_their_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "kvcache.sessions.layout.is_bfloat16", lambda dtype: dtype == np.float16
    )  # stands in, of the same width
    layout = KVLayout(layers=1, kv_heads=1, head_dim=2, max_context=2, dtype="bfloat16")
    entry = KVCacheManager(layout, capacity_bytes=layout.block_bytes).get_or_create("a")
    ones = np.ones(layout.token_shape, dtype=np.float16)
    assert entry.append(ones, ones) == 1
    assert (entry.key() == 0x3C00).all()
    assert (entry.value().view(np.float16) == 1.0).all()
    with pytest.raises(DtypeError, match="expected an array of uint16"):
        entry.append(ones.astype(np.float32), ones)
