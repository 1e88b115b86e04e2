"""Say how the keys and values of one session lie in its block.

block   [ key region | padding | value region | padding ]   both regions start at a multiple of `alignment`
region  [ row | row | ... ]                                 one for each layer and head
row     [ token 0 | token 1 | ... ]                         each token is `head_dim` or `value_dim` elements

Attention reads one head after the other, so the tokens of a head lie together. Where `alignment` is a multiple of the system's
page, rows start at such multiples, too: then no two rows share a page, and a row takes memory only as far as its tokens go.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from kvcache import checks
from kvcache.encodings.encoding import Encoding, encoding_of
from kvcache.errors import ContextOverflowError, DtypeError, InvalidSizeError, ShapeError
from kvcache.memory.arena import SYSTEM_PAGE
from kvcache.values import CACHE_LINE, MAX_BYTES, Array, align_up, checked_product, checked_sum, is_bfloat16

_PLAIN = (np.ndarray, np.memmap)
"""Classes of arrays that are their bytes and nothing more."""


@dataclass(frozen=True, slots=True)
class Region:
    """Where all keys (or all values) of a session lie in its block.

    Attributes:
        offset: bytes from the start of the block.
        length: bytes, padding included.
        shape: layers, kv_heads, max_context, and the width of a head.
        strides: bytes from one layer, head, token and element to the next.
    """

    offset: int
    length: int
    shape: tuple[int, int, int, int]
    strides: tuple[int, int, int, int]

    @property
    def rows(self) -> int:
        """Rows, one for each layer and head."""
        return self.shape[0] * self.shape[1]

    @property
    def row_bytes(self) -> int:
        """Bytes from one row to the next, padding included."""
        return self.strides[1]

    def of(self, block: Array, dtype: np.dtype[Any]) -> Array:
        """The region of a block that is given as bytes; shape [layers, kv_heads, max_context, width], without a copy."""
        return np.ndarray(self.shape, dtype, block, self.offset, self.strides)


@dataclass(frozen=True, slots=True, init=False)
class KVLayout:
    """The shape of a model's cache for one session.

    Attributes:
        layers: transformer layers.
        kv_heads: key/value heads per layer; with grouped-query attention fewer than the query heads.
        head_dim: elements per head.
        max_context: tokens that a session can hold.
        dtype: how an element is stored; "bfloat16" is stored as uint16.
        alignment: bytes; what the offset of a region in the block is a multiple of. `SYSTEM_PAGE` lets a session take memory as it
            grows, see `KVCacheManager`.
        value_dim: elements per head of the values, where they are of another width than the keys.
        encoding: the name of a smaller type ("float16", "bfloat16", "int8", "int4") in which float32 numbers are stored; it says
            the dtype and how many elements of it a head takes. None: what comes is stored as it is.
        token_shape: the shape of the keys of one token: layers, kv_heads, head_dim.
        value_shape: the shape of the values of one token: layers, kv_heads, value_dim.
        token_bytes: bytes of the keys of one token, in all layers.
        keys: where the keys lie.
        values: where the values lie.
        block_bytes: bytes of the whole block, a multiple of `alignment`.
        coder: what the encoding's name stands for.

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
    value_dim: int
    encoding: str | None
    token_shape: tuple[int, int, int] = field(init=False, compare=False, repr=False)
    value_shape: tuple[int, int, int] = field(init=False, compare=False, repr=False)
    token_bytes: int = field(init=False, compare=False, repr=False)
    keys: Region = field(init=False, compare=False, repr=False)
    values: Region = field(init=False, compare=False, repr=False)
    block_bytes: int = field(init=False, compare=False, repr=False)
    coder: Encoding | None = field(init=False, compare=False, repr=False)

    def __init__(
        self,
        *,
        layers: SupportsIndex,
        kv_heads: SupportsIndex,
        head_dim: SupportsIndex,
        max_context: SupportsIndex,
        dtype: npt.DTypeLike = np.float32,
        alignment: SupportsIndex = CACHE_LINE,
        value_dim: SupportsIndex | None = None,
        encoding: str | None = None,
    ) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)  # the one way into a frozen value

        put("layers", checks.whole_number("layers", layers, minimum=1))
        put("kv_heads", checks.whole_number("kv_heads", kv_heads, minimum=1))
        put("head_dim", checks.whole_number("head_dim", head_dim, minimum=1))
        put("max_context", checks.whole_number("max_context", max_context, minimum=1))
        put("encoding", encoding)
        put("coder", None if encoding is None else encoding_of(encoding))
        put("dtype", self._dtype(checks.dtype_of("layout", dtype)))
        put("alignment", checks.power_of_two("layout alignment", alignment))
        put("value_dim", self.head_dim if value_dim is None else checks.whole_number("value_dim", value_dim, minimum=1))
        put("token_shape", (self.layers, self.kv_heads, self.head_dim))
        put("value_shape", (self.layers, self.kv_heads, self.value_dim))
        try:
            put("keys", self._region(0, self.stored_width(self.head_dim)))
            put("values", self._region(self.keys.length, self.stored_width(self.value_dim)))
            put("token_bytes", checked_product(self.layers, self.kv_heads, self.keys.strides[2]))
            put("block_bytes", checked_sum(self.keys.length, self.values.length))
        except OverflowError as problem:
            raise InvalidSizeError("layout", expected=f"at most {MAX_BYTES} bytes", got=str(problem)) from problem

    def _dtype(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """What is stored, after checking that it goes with the encoding."""
        if self.coder is None:
            return dtype
        if dtype not in {np.dtype(np.float32), self.coder.dtype}:
            remedy = "leave out the dtype: the encoding says it"
            raise DtypeError(f"layout in {self.encoding}", expected="float32 numbers", got=dtype, remedy=remedy)
        return self.coder.dtype

    def stored_width(self, elements: int) -> int:
        """How many elements of `dtype` the numbers of a head take."""
        return elements if self.coder is None else self.coder.width(elements)

    def for_encoding(self, encoding: str | None) -> KVLayout:
        """Return the layout of the same numbers in another encoding; None: float32.

        Raises:
            DtypeError: there is no such encoding, or the numbers are neither float32 nor encoded.
        """
        if self.coder is None and self.dtype != np.float32:
            raise DtypeError("layout for an encoding", expected="a layout of float32", got=self.dtype)
        return self if encoding == self.encoding else replace(self, dtype=np.dtype(np.float32), encoding=encoding)

    def _region(self, offset: int, width: int) -> Region:
        """Lay out rows of heads that are `width` elements wide, from `offset` on."""
        item = self.dtype.itemsize
        row = checked_product(self.max_context, width, item)
        if self.alignment % SYSTEM_PAGE == 0:
            row = align_up(row, self.alignment)
        length = align_up(checked_product(self.layers, self.kv_heads, row), self.alignment)
        shape = self.layers, self.kv_heads, self.max_context, width
        return Region(offset, length, shape, (self.kv_heads * row, row, width * item, item))

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

    def for_batch(self, sequences: SupportsIndex) -> KVLayout:
        """Return the layout of a session that holds several sequences of the same length, as heads beside each other.

        Raises:
            InvalidSizeError: not a whole number above 0, or too large together.
        """
        count = checks.whole_number("sequences", sequences, minimum=1)
        return self if count == 1 else replace(self, kv_heads=count * self.kv_heads)

    def tokens(self, key: object, value: object) -> tuple[Array, Array, int]:
        """Two arrays as they are stored, and how many tokens they hold, after checking that they fit the layout and each other.

        Args:
            key: shape [layers, kv_heads, head_dim] for one token, [tokens, layers, kv_heads, head_dim] for several. With an
                encoding float32, which is encoded, or what is stored, with the stored width in the place of head_dim.
            value: the same as `key`, with value_dim in the place of head_dim.

        Returns:
            Keys and values as they are stored, each of shape [layers, kv_heads, tokens, stored width].

        Raises:
            DtypeError, ShapeError: they do not fit the layout or each other.
        """
        keys = self._tokens("append: key", key, self.head_dim)
        values = self._tokens("append: value", value, self.value_dim)
        if keys.shape[:-1] != values.shape[:-1]:
            raise ShapeError("append: value", expected=f"the shape of key, {keys.shape}", got=values.shape)
        if keys.ndim == 3:
            return keys[:, :, np.newaxis], values[:, :, np.newaxis], 1
        return keys.transpose(1, 2, 0, 3), values.transpose(1, 2, 0, 3), len(keys)

    def layer_tokens(self, key: object, value: object) -> tuple[Array, Array, int]:
        """The same for the tokens of one layer.

        Args:
            key: shape [kv_heads, tokens, head_dim]; with an encoding, as for `tokens`.
            value: shape [kv_heads, tokens, value_dim].

        Raises:
            DtypeError, ShapeError: they do not fit the layout or each other.
        """
        keys = self._stored("write: key", key, self.head_dim)
        values = self._stored("write: value", value, self.value_dim)
        count = keys.shape[1] if keys.ndim == 3 else 0
        if keys.shape != (self.kv_heads, count, self.keys.shape[3]):
            raise ShapeError(
                "write: key", expected=f"[{self.kv_heads}, tokens, {self.head_dim}]", got=getattr(key, "shape", None)
            )
        if values.shape != (self.kv_heads, count, self.values.shape[3]):
            expected = f"[{self.kv_heads}, {count}, {self.value_dim}], as many tokens as key"
            raise ShapeError("write: value", expected=expected, got=getattr(value, "shape", None))
        return keys, values, count

    def _tokens(self, subject: str, array: object, elements: int) -> Array:
        """Return `array`, or its bits in the dtype that carries them, after checking that it is one or more tokens."""
        stored = self._stored(subject, array, elements)
        if stored.shape[-3:] != (self.layers, self.kv_heads, self.stored_width(elements)) or stored.ndim not in {3, 4}:
            shape = f"{self.layers}, {self.kv_heads}, {elements}"
            raise ShapeError(subject, expected=f"[{shape}] or [tokens, {shape}]", got=getattr(array, "shape", None))
        return stored

    def _stored(self, subject: str, array: object, elements: int) -> Array:
        """Return `array`, or its bits in the dtype that carries them, after checking that its bytes say all it means.

        With an encoding, float32 numbers are encoded; those whose heads are not `elements` wide are not, for the caller to refuse.
        """
        if type(array) is np.ndarray and array.dtype is self.dtype:  # nearly always
            return array
        # Another class of array may say more than its bytes do (a mask, a unit), which would be lost silently.
        if not isinstance(array, np.ndarray) or type(array) not in _PLAIN:
            remedy = "fill in its mask, or pass it through numpy.asarray" if isinstance(array, np.ndarray) else ""
            raise DtypeError(subject, expected=f"a plain array of {self.dtype}", got=type(array), remedy=remedy)
        if self.coder is not None and array.dtype == np.float32:
            if array.shape[-1:] == (elements,):
                return self.coder.encode(array)
            raise ShapeError(subject, expected=f"heads of {elements} numbers", got=array.shape)
        if is_bfloat16(array.dtype) and self.dtype == np.uint16 and array.strides[-1:] == (2,):
            array = array.view(np.uint16)
        if array.dtype != self.dtype:
            numbers = str(self.dtype) if self.coder is None else f"float32, or {self.dtype} as it is stored"
            raise DtypeError(subject, expected=f"an array of {numbers}", got=array.dtype)
        return array
