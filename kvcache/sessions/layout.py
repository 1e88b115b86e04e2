"""Say how the keys and values of one session lie in its block.

block   [ key region | padding | value region | padding ]     both regions start at a multiple of `alignment`
region  [ token 0 | token 1 | … | token max_context - 1 ]
token   [ layers, kv_heads, head_dim ]                        all layers of a token are one contiguous write
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from kvcache import checks
from kvcache.errors import ContextOverflowError, ContiguityError, DtypeError, InvalidSizeError, ShapeError
from kvcache.values import CACHE_LINE, MAX_BYTES, Array, align_up, checked_product, checked_sum, is_bfloat16

_PLAIN = (np.ndarray, np.memmap)
"""Classes of arrays that are their bytes and nothing more."""


@dataclass(frozen=True, slots=True, init=False)
class KVLayout:
    """The shape of a model's cache for one session.

    Attributes:
        layers: transformer layers.
        kv_heads: key/value heads per layer; with grouped-query attention fewer than the query heads.
        head_dim: elements per head.
        max_context: tokens that a session can hold.
        dtype: how an element is stored; "bfloat16" is stored as uint16.
        alignment: bytes; what a region's offset in the block is a multiple of.
        token_bytes: bytes of the keys (or the values) of one token.
        region_bytes: bytes of the keys (or the values) of all tokens.
        value_offset: bytes from the start of the block to the value region; the key region starts at 0.
        block_bytes: bytes of the whole block, a multiple of `alignment`.

    Raises:
        InvalidSizeError: a number is not whole or not above 0, the alignment is no power of two, or the block would be
            larger than can be addressed.
        DtypeError: not a dtype of numbers.
    """

    layers: int
    kv_heads: int
    head_dim: int
    max_context: int
    dtype: np.dtype[Any]
    alignment: int
    token_bytes: int = field(init=False, compare=False, repr=False)
    region_bytes: int = field(init=False, compare=False, repr=False)
    value_offset: int = field(init=False, compare=False, repr=False)
    block_bytes: int = field(init=False, compare=False, repr=False)

    def __init__(
        self,
        *,
        layers: SupportsIndex,
        kv_heads: SupportsIndex,
        head_dim: SupportsIndex,
        max_context: SupportsIndex,
        dtype: npt.DTypeLike = np.float32,
        alignment: SupportsIndex = CACHE_LINE,
    ) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)  # the one way into a frozen value

        put("layers", checks.whole_number("layers", layers, minimum=1))
        put("kv_heads", checks.whole_number("kv_heads", kv_heads, minimum=1))
        put("head_dim", checks.whole_number("head_dim", head_dim, minimum=1))
        put("max_context", checks.whole_number("max_context", max_context, minimum=1))
        put("dtype", checks.dtype_of("layout", dtype))
        put("alignment", checks.power_of_two("layout alignment", alignment))
        try:
            put("token_bytes", checked_product(*self.token_shape, self.dtype.itemsize))
            put("region_bytes", checked_product(self.token_bytes, self.max_context))
            put("value_offset", align_up(self.region_bytes, self.alignment))
            put("block_bytes", align_up(checked_sum(self.value_offset, self.region_bytes), self.alignment))
        except OverflowError as problem:
            raise InvalidSizeError("layout", expected=f"at most {MAX_BYTES} bytes", got=str(problem)) from problem

    @property
    def token_shape(self) -> tuple[int, int, int]:
        """The shape of the keys (or the values) of one token: layers, kv_heads, head_dim."""
        return self.layers, self.kv_heads, self.head_dim

    @property
    def region_shape(self) -> tuple[int, int, int, int]:
        """The shape of a whole region: max_context, layers, kv_heads, head_dim."""
        return self.max_context, *self.token_shape

    @property
    def region_elements(self) -> int:
        """Elements in a whole region."""
        return self.region_bytes // self.dtype.itemsize

    def for_context(self, max_context: SupportsIndex, *, subject: str = "max_context") -> KVLayout:
        """Return the layout of a session that holds fewer tokens than the model could.

        Args:
            max_context: tokens.
            subject: what the caller calls them, for the error.

        Raises:
            InvalidSizeError: not a whole number above 0.
            ContextOverflowError: more than this layout's own `max_context`.
        """
        tokens = checks.whole_number(subject, max_context, minimum=1)
        if tokens > self.max_context:
            expected = f"at most the {self.max_context} tokens of the layout's max_context"
            raise ContextOverflowError(subject, expected=expected, got=tokens)
        return self if tokens == self.max_context else replace(self, max_context=tokens)

    def tokens(self, key: object, value: object) -> tuple[Array, Array, int]:
        """Two arrays as they are stored, and how many tokens they hold, after checking that they fit the layout and each other.

        Args:
            key: shape [layers, kv_heads, head_dim] for one token, [tokens, layers, kv_heads, head_dim] for several; C-contiguous.
            value: the same shape as `key`.

        Raises:
            DtypeError, ShapeError, ContiguityError: they do not fit the layout or each other.
        """
        keys, values = self._tokens("append: key", key), self._tokens("append: value", value)
        if keys.shape != values.shape:
            raise ShapeError("append: value", expected=f"the shape of key, {keys.shape}", got=values.shape)
        return keys, values, 1 if keys.ndim == 3 else len(keys)

    def _tokens(self, subject: str, array: object) -> Array:
        """Return `array`, or its bits in the dtype that carries them, after checking that it is one or more tokens."""
        # Another class of array may say more than its bytes do (a mask, a unit), which would be lost without a word.
        if not isinstance(array, np.ndarray) or type(array) not in _PLAIN:
            remedy = "fill in its mask, or pass it through numpy.asarray" if isinstance(array, np.ndarray) else ""
            raise DtypeError(subject, expected=f"a plain array of {self.dtype}", got=type(array), remedy=remedy)
        if is_bfloat16(array.dtype) and self.dtype == np.uint16 and array.flags.c_contiguous:
            array = array.view(np.uint16)
        if array.dtype != self.dtype:
            raise DtypeError(subject, expected=f"an array of {self.dtype}", got=array.dtype)
        if array.shape[-3:] != self.token_shape or array.ndim not in {3, 4}:
            shape = ", ".join(map(str, self.token_shape))
            raise ShapeError(subject, expected=f"[{shape}] or [tokens, {shape}]", got=array.shape)
        if not array.flags.c_contiguous:
            remedy = "pass it through numpy.ascontiguousarray"
            raise ContiguityError(subject, expected="a C-contiguous array", got=array.strides, remedy=remedy)
        return array
