"""Read what is stored: as float32 numbers, or as codes with their scales and errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kvcache.encodings.encoding import Encoding
from kvcache.encodings.halves import BFloat16
from kvcache.encodings.scaled import Int4, Int8, errors_of, scales_of
from kvcache.errors import DtypeError, ShapeError
from kvcache.values import Array


@dataclass(frozen=True, slots=True, eq=False)
class Codes:
    """The whole numbers of a layer, and what they are multiplied by.

    Attributes:
        keys: read-only and without a copy; int8 [kv_heads, tokens, head_dim], or of int4 uint8 with two in each byte.
        key_scales: float32, [kv_heads, tokens].
        key_errors: the root of the mean square of what was lost, float32, [kv_heads, tokens].
        values: as `keys`, with value_dim in the place of head_dim.
        value_scales: as `key_scales`.
        value_errors: as `key_errors`.
    """

    keys: Array
    key_scales: Array
    key_errors: Array
    values: Array
    value_scales: Array
    value_errors: Array


def codes_of(keys: Array, values: Array, coder: Encoding | None) -> Codes:
    """The codes of what is stored of a layer.

    Raises:
        DtypeError: the encoding has none.
    """
    if not isinstance(coder, Int8 | Int4):
        raise DtypeError("codes", expected="a layout in int8 or int4", got=None if coder is None else coder.name)
    return Codes(
        coder.codes(keys), scales_of(keys), errors_of(keys), coder.codes(values), scales_of(values), errors_of(values)
    )


def numbers(stored: Array, coder: Encoding | None, elements: int, out: Array | None = None) -> Array:
    """The float32 numbers of what is stored, [kv_heads, tokens, elements]; without a copy where they are stored so.

    Args:
        stored: what `keys` and `values` of an entry return.
        coder: how it is encoded; None: halves and doubles are converted, uint16 is taken for bfloat16.
        elements: numbers of a head.
        out: where to put them, see `KVCacheEntry.floats`.

    Raises:
        DtypeError, ShapeError: what is stored says no numbers, or `out` is too small or no float32.
    """
    if coder is None:
        if stored.dtype == np.float32:
            return stored
        if stored.dtype == np.uint16:
            coder = BFloat16()
        elif stored.dtype.kind not in "fiu":
            raise DtypeError("floats", expected="numbers that float32 can show", got=stored.dtype)
    heads, tokens = stored.shape[:2]
    if out is None:
        out = np.empty((heads, tokens, elements), np.float32)
    elif out.dtype != np.float32:
        raise DtypeError("floats: out", expected="an array of float32", got=out.dtype)
    elif out.ndim != 3 or out.shape[0] != heads or out.shape[1] < tokens or out.shape[2] != elements:
        raise ShapeError("floats: out", expected=f"[{heads}, {tokens} or more, {elements}]", got=out.shape)
    target = out[:, :tokens]
    if coder is None:
        np.copyto(target, stored, casting="same_kind" if stored.dtype.kind == "f" else "unsafe")
    else:
        for head in range(heads):  # a head's numbers fit into the processor's second cache
            coder.decode(stored[head], target[head])
    return target


def numbers_of(
    sides: tuple[Array, Array], coder: Encoding | None, widths: tuple[int, int], out: tuple[Array, Array] | None = None
) -> tuple[Array, Array]:
    """The same for the keys and the values of a layer.

    Args:
        sides: both as they are stored.
        coder: how they are encoded.
        widths: numbers of a head of each.
        out: where to put them.

    Raises:
        DtypeError, ShapeError: as for `numbers`.
    """
    rooms = (None, None) if out is None else out
    keys, values = (
        numbers(stored, coder, width, room) for stored, width, room in zip(sides, widths, rooms, strict=True)
    )
    return keys, values
