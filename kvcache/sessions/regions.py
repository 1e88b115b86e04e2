"""Say what one layer keeps of a token, and where layers of one shape lie together in a block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, SupportsIndex

import numpy as np

from kvcache import checks
from kvcache.memory.arena import SYSTEM_PAGE
from kvcache.values import Array, align_up, checked_product, checked_sum

SLACK: Final = 64
"""Tokens that a session may be shortened by and still have whole windows."""


@dataclass(frozen=True, slots=True, init=False)
class LayerShape:
    """What one layer keeps of a token.

    Attributes:
        kv_heads: key/value heads; with grouped-query attention fewer than the query heads.
        head_dim: elements per head of the keys.
        value_dim: elements per head of the values, where they are of another width than the keys.
        window: tokens that a query attends to, itself included; None: all. What is in front of a window is given back to the system
            where rows begin at pages, see `KVCacheEntry.first_token`.

    Raises:
        InvalidSizeError: a number is not whole or not above 0.
    """

    kv_heads: int
    head_dim: int
    value_dim: int
    window: int | None

    def __init__(
        self,
        kv_heads: SupportsIndex,
        head_dim: SupportsIndex,
        value_dim: SupportsIndex | None = None,
        window: SupportsIndex | None = None,
    ) -> None:
        keys = checks.whole_number("head_dim", head_dim, minimum=1)
        values = keys if value_dim is None else checks.whole_number("value_dim", value_dim, minimum=1)
        seen = None if window is None else checks.whole_number("window", window, minimum=1)
        heads = checks.whole_number("kv_heads", kv_heads, minimum=1)
        for name, number in (("kv_heads", heads), ("head_dim", keys), ("value_dim", values), ("window", seen)):
            object.__setattr__(self, name, number)  # the one way into a frozen value

    @property
    def widths(self) -> tuple[int, int]:
        """Elements per head of the keys and of the values."""
        return self.head_dim, self.value_dim

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Heads, and elements per head of the keys and of the values."""
        return self.kv_heads, self.head_dim, self.value_dim

    def of_batch(self, sequences: int) -> LayerShape:
        """The same for several sequences, as heads beside each other."""
        return LayerShape(sequences * self.kv_heads, self.head_dim, self.value_dim, self.window)


@dataclass(frozen=True, slots=True)
class Region:
    """Where the keys, or the values, of a group of layers lie in a session's block.

    Attributes:
        offset: bytes from the start of the block.
        length: bytes, padding included.
        shape: layers, kv_heads, max_context, and the stored width of a head.
        strides: bytes from one layer, head, token and element to the next.
        elements: numbers of a head; what they are stored in may be narrower.
        group: which of the layout's groups.
    """

    offset: int
    length: int
    shape: tuple[int, int, int, int]
    strides: tuple[int, int, int, int]
    elements: int
    group: int = 0

    @property
    def rows(self) -> int:
        """Rows, one for each layer and head."""
        return self.shape[0] * self.shape[1]

    @property
    def row_bytes(self) -> int:
        """Bytes from one row to the next, padding included."""
        return self.strides[1]

    @property
    def token_bytes(self) -> int:
        """Bytes from one token of a row to the next."""
        return self.strides[2]

    def of(self, block: Array, dtype: np.dtype[Any]) -> Array:
        """The region of a block that is given as bytes; shape [layers, kv_heads, max_context, width], without a copy."""
        return np.ndarray(self.shape, dtype, block, self.offset, self.strides)


@dataclass(frozen=True, slots=True)
class LayerGroup:
    """Layers of one shape.

    Attributes:
        layers: their numbers.
        shape: what each keeps of a token.
        keys: where their keys lie.
        values: where their values lie.
        window: tokens that a query attends to; None: all, or nothing can be given back because rows do not begin at pages.
        step: tokens that are given back at once, at least.
    """

    layers: tuple[int, ...]
    shape: LayerShape
    keys: Region
    values: Region
    window: int | None
    step: int

    def needed(self, tokens: int) -> int:
        """The first token that the next one needs where there are `tokens` others: where its window begins."""
        return 0 if self.window is None else max(tokens - self.window + 1, 0)


def groups_of(
    shapes: Sequence[LayerShape], *, max_context: int, item: int, alignment: int, stored_width: Callable[[int], int]
) -> tuple[LayerGroup, ...]:
    """Put layers of one shape together, in the order of their first layers, and give each group its place.

    Raises:
        OverflowError: they are larger than can be addressed.
    """
    members: dict[LayerShape, list[int]] = {}
    for number, shape in enumerate(shapes):
        members.setdefault(shape, []).append(number)
    groups, offset, in_pages = list[LayerGroup](), 0, alignment % SYSTEM_PAGE == 0
    for shape, layers in members.items():
        sides = list[Region]()
        for elements in shape.widths:
            width = stored_width(elements)
            row = checked_product(max_context, width, item)
            row = align_up(row, alignment) if in_pages else row
            length = align_up(checked_product(len(layers), shape.kv_heads, row), alignment)
            sizes = len(layers), shape.kv_heads, max_context, width
            strides = shape.kv_heads * row, row, width * item, item
            sides.append(Region(offset, length, sizes, strides, elements, len(groups)))
            offset = checked_sum(offset, length)
        step = max(SLACK, -(-SYSTEM_PAGE // min(side.token_bytes for side in sides)))
        keys, values = sides
        groups.append(LayerGroup(tuple(layers), shape, keys, values, shape.window if in_pages else None, step))
    return tuple(groups)
