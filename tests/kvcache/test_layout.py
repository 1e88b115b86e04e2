from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache import ContextOverflowError, DtypeError, InvalidSizeError, KVLayout

SIZES: dict[str, Any] = {"layers": 3, "kv_heads": 2, "head_dim": 5, "max_context": 7}


def test_a_block_is_two_aligned_regions() -> None:
    layout = KVLayout(**SIZES)
    assert layout.token_bytes == 3 * 2 * 5 * 4
    assert layout.region_bytes == 840
    assert layout.value_offset == 896
    assert layout.block_bytes == 1792
    assert layout.region_shape == (7, 3, 2, 5)
    assert layout.region_elements == 210


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
    layers=st.integers(1, 40),
    kv_heads=st.integers(1, 16),
    head_dim=st.integers(1, 130),
    max_context=st.integers(1, 300),
    dtype=st.sampled_from(["int8", "float16", "bfloat16", "float32", "float64"]),
    alignment=st.sampled_from([1, 16, 64, 4096]),
)


@given(LAYOUTS)
def test_regions_are_aligned_disjoint_and_inside_the_block(layout: KVLayout) -> None:
    assert layout.region_bytes == int(np.prod(layout.region_shape)) * layout.dtype.itemsize
    assert layout.region_bytes <= layout.value_offset < layout.region_bytes + layout.alignment
    assert layout.value_offset + layout.region_bytes <= layout.block_bytes
    assert layout.value_offset % layout.alignment == layout.block_bytes % layout.alignment == 0
