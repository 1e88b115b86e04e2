"""Layers of one shape lie together, and every layer has its own place."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache import SYSTEM_PAGE, InvalidSizeError, KVLayout, LayerShape, ShapeError

WIDE, NARROW, LATENT = LayerShape(1, 8), LayerShape(2, 4), LayerShape(1, 6, 2)
MIXED = KVLayout.of_layers([NARROW, NARROW, WIDE, NARROW, LATENT], max_context=5)


def test_layers_of_one_shape_are_a_group() -> None:
    assert [(group.layers, group.shape) for group in MIXED.groups] == [
        ((0, 1, 3), NARROW),
        ((2,), WIDE),
        ((4,), LATENT),
    ]
    assert [region.shape for region in MIXED.regions] == [
        (3, 2, 5, 4),
        (3, 2, 5, 4),
        (1, 1, 5, 8),
        (1, 1, 5, 8),
        (1, 1, 5, 6),
        (1, 1, 5, 2),
    ]
    assert MIXED.places == ((0, 0), (0, 1), (1, 0), (0, 2), (2, 0))
    assert MIXED.token_bytes == (3 * 2 * 4 + 8 + 6) * 4


def test_layers_that_are_all_alike_are_the_same_layout_however_they_are_said() -> None:
    plain = KVLayout(layers=3, kv_heads=2, head_dim=4, max_context=5)
    said = KVLayout.of_layers([NARROW] * 3, max_context=5)
    assert said == plain
    assert (said.kv_heads, said.head_dim, said.value_dim, said.layers) == (2, 4, 4, 3)
    assert not said.is_mixed
    assert said.keys == plain.keys
    assert plain != MIXED


@pytest.mark.parametrize(
    "name", ["kv_heads", "head_dim", "value_dim", "window", "token_shape", "value_shape", "keys", "values"]
)
def test_a_number_that_layers_do_not_share_is_refused_with_the_place_that_has_it(name: str) -> None:
    with pytest.raises(
        ShapeError, match=rf"layout: {name}: expected layers of one shape, got '3 shapes'.*layout\.shapes"
    ):
        getattr(MIXED, name)
    assert not hasattr(KVLayout, "nothing")
    with pytest.raises(AttributeError, match="nothing"):
        MIXED.nothing  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param([], id="none"),
        pytest.param([(1, 8)], id="no-shape"),
        pytest.param([WIDE] * 65_537, id="too-many"),
    ],
)
def test_what_is_no_list_of_layers_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidSizeError, match="layers: expected at least 1 LayerShape"):
        KVLayout.of_layers(wrong, max_context=5)


@pytest.mark.parametrize("name", ["kv_heads", "head_dim", "value_dim", "window"])
@pytest.mark.parametrize("value", [0, -1, 2.0, "3"])
def test_a_shape_has_numbers(name: str, value: object) -> None:
    with pytest.raises(InvalidSizeError, match=name):
        LayerShape(**{"kv_heads": 1, "head_dim": 2, name: value})  # type: ignore[arg-type]


def test_a_mixed_layout_is_copied_pickled_shown_and_changed_as_any_other() -> None:
    for again in (copy.copy(MIXED), copy.deepcopy(MIXED), pickle.loads(pickle.dumps(MIXED)), eval(repr_of(MIXED))):
        assert again == MIXED
        assert hash(again) == hash(MIXED)
    assert MIXED.for_context(2).regions[0].shape == (3, 2, 2, 4)
    batch = MIXED.for_batch(3)
    assert [shape.kv_heads for shape in batch.shapes] == [6, 6, 3, 6, 3]
    assert (batch.sequences_of(MIXED), MIXED.sequences_of(MIXED)) == (3, 1)
    encoded = MIXED.for_encoding("int8")
    assert (encoded.shapes, encoded.dtype, encoded.regions[2].shape) == (
        MIXED.shapes,
        np.dtype(np.uint8),
        (1, 1, 5, 12),
    )
    assert encoded.for_encoding(None) == MIXED


def repr_of(layout: KVLayout) -> str:
    return repr(layout)


SHAPES = st.builds(
    LayerShape,
    st.integers(1, 3),
    st.integers(1, 40),
    st.none() | st.integers(1, 40),
    st.none() | st.integers(1, 9),
)


@given(
    st.lists(SHAPES, min_size=1, max_size=6),
    st.integers(1, 30),
    st.sampled_from(["int8", "float16", "float32"]),
    st.sampled_from([1, 64, SYSTEM_PAGE]),
)
def test_regions_are_aligned_disjoint_and_inside_the_block(
    shapes: list[LayerShape], context: int, dtype: str, alignment: int
) -> None:
    layout = KVLayout.of_layers(shapes, max_context=context, dtype=dtype, alignment=alignment)
    block = np.zeros(layout.block_bytes, np.uint8)
    regions = [region.of(block, layout.dtype) for region in layout.regions]
    keys, values = layout.by_layer(regions)
    for shape, *sides in zip(shapes, keys, values, strict=True):
        for rows, width in zip(sides, shape.widths, strict=True):
            assert rows.shape == (shape.kv_heads, context, width)
            rows.view(np.uint8)[:] += np.uint8(1)
    assert all(region.offset % alignment == 0 for region in layout.regions)
    assert all(region.rows * region.row_bytes <= region.length for region in layout.regions)
    assert sum(region.length for region in layout.regions) == layout.block_bytes
    elements = sum(shape.kv_heads * sum(shape.widths) for shape in shapes)
    assert np.count_nonzero(block) == (block == 1).sum() == elements * context * layout.dtype.itemsize
    assert layout.has_windows == (alignment == SYSTEM_PAGE and any(shape.window for shape in shapes))
