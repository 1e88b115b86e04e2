"""Say how the keys and values of one session lie in its block.

block   [ region | padding | region | padding | ... ]   all regions start at a multiple of `alignment`
region  [ row | row | ... ]                             keys, or values, of a group of layers: one row for each layer and head
row     [ token 0 | token 1 | ... ]                     each token is `head_dim` or `value_dim` elements

Layers of one shape are a group, with a region for keys and one for values. Attention reads one head after the other, so the tokens of
a head lie together. Where `alignment` is a multiple of the system's page, rows start at such multiples, too: then no two rows share
a page, and a row takes memory only as far as its tokens go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn, SupportsIndex

import numpy as np
import numpy.typing as npt

from kvcache import checks
from kvcache.encodings.encoding import Encoding, encoding_of
from kvcache.errors import ContextOverflowError, DtypeError, InvalidSizeError, ShapeError
from kvcache.sessions.regions import LayerGroup, LayerShape, Region, groups_of
from kvcache.values import CACHE_LINE, MAX_BYTES, Array, checked_sum, is_bfloat16

_MOST_LAYERS: Final = 65_537
"""Layers that no model has: the number is refused."""

_OF_ALL: Final = frozenset(
    {"kv_heads", "head_dim", "value_dim", "window", "token_shape", "value_shape", "keys", "values"}
)
"""What layers have in common where they are of one shape."""

_PLAIN = (np.ndarray, np.memmap)
"""Classes of arrays that are their bytes and nothing more."""


@dataclass(frozen=True, slots=True, init=False, repr=False)
class KVLayout:
    """The shape of a model's cache for one session. Where layers have different shapes, `KVLayout.of_layers` makes it.

    Attributes:
        layers: transformer layers that keep keys and values.
        kv_heads: key/value heads per layer; with grouped-query attention fewer than the query heads.
        head_dim: elements per head.
        max_context: tokens that a session can hold.
        dtype: how an element is stored; "bfloat16" is stored as uint16.
        alignment: bytes; what the offset of a region in the block is a multiple of. `SYSTEM_PAGE` lets a session take memory as it
            grows, see `KVCacheManager`.
        value_dim: elements per head of the values, where they are of another width than the keys.
        encoding: the name of a smaller type ("float16", "bfloat16", "int8", "int4") in which float32 numbers are stored; it says
            the dtype and how many elements of it a head takes. None: what comes is stored as it is.
        window: tokens that a query attends to in every layer, see `LayerShape`; None: all.
        shapes: the shape of each layer.
        groups: layers of one shape, and where they lie.
        regions: the same as one row: the keys of the first group, its values, the keys of the second group, and so on.
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
        ShapeError: kv_heads, head_dim, value_dim, window, token_shape, value_shape, keys or values is asked for, and layers differ in shape.
    """

    layers: int = field(compare=False)
    kv_heads: int = field(compare=False)
    head_dim: int = field(compare=False)
    max_context: int
    dtype: np.dtype[Any]
    alignment: int
    value_dim: int = field(compare=False)
    encoding: str | None
    window: int | None = field(compare=False)
    shapes: tuple[LayerShape, ...] = field(init=False)
    groups: tuple[LayerGroup, ...] = field(init=False, compare=False)
    regions: tuple[Region, ...] = field(init=False, compare=False)
    places: tuple[tuple[int, int], ...] = field(init=False, compare=False)  # of each layer: its group, and where in it
    sizes: tuple[tuple[int, int, int, int, int], ...] = field(
        init=False, compare=False
    )  # of each layer: heads, dims, and stored widths
    token_shape: tuple[int, int, int] = field(init=False, compare=False)
    value_shape: tuple[int, int, int] = field(init=False, compare=False)
    token_bytes: int = field(init=False, compare=False)
    keys: Region = field(init=False, compare=False)
    values: Region = field(init=False, compare=False)
    block_bytes: int = field(init=False, compare=False)
    coder: Encoding | None = field(init=False, compare=False)

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
        window: SupportsIndex | None = None,
    ) -> None:
        count = checks.whole_number("layers", layers, minimum=1)
        shape = LayerShape(kv_heads, head_dim, value_dim, window)
        self._lay_out((shape,) * min(count, _MOST_LAYERS), max_context, dtype, alignment, encoding)

    @classmethod
    def of_layers(
        cls,
        shapes: Iterable[LayerShape],
        *,
        max_context: SupportsIndex,
        dtype: npt.DTypeLike = np.float32,
        alignment: SupportsIndex = CACHE_LINE,
        encoding: str | None = None,
    ) -> KVLayout:
        """Make the layout of layers that are said one by one; where all are alike it equals the one that `KVLayout` makes.

        Args:
            shapes: of each layer. One that uses the keys and values of another layer has none of its own, and is left out.
            max_context: as for `KVLayout`, as are the others.
            dtype: how an element is stored, in every layer.
            alignment: bytes.
            encoding: of the numbers of every layer.

        Raises:
            InvalidSizeError, DtypeError: as for `KVLayout`, or there are no layers.
        """
        made: KVLayout = object.__new__(cls)
        made._lay_out(tuple(shapes), max_context, dtype, alignment, encoding)
        return made

    def _lay_out(
        self,
        shapes: tuple[LayerShape, ...],
        max_context: SupportsIndex,
        dtype: npt.DTypeLike,
        alignment: SupportsIndex,
        encoding: str | None,
    ) -> None:
        def put(**values: object) -> None:
            for name, value in values.items():
                object.__setattr__(self, name, value)  # the one way into a frozen value

        if not 0 < len(shapes) < _MOST_LAYERS or not all(type(shape) is LayerShape for shape in shapes):
            expected = f"at least 1 LayerShape, and at most {_MOST_LAYERS - 1}"
            raise InvalidSizeError(
                "layers", expected=expected, got=list(shapes[:3]) if len(shapes) < 3 else len(shapes)
            )
        put(shapes=shapes, layers=len(shapes), encoding=encoding)
        put(max_context=checks.whole_number("max_context", max_context, minimum=1))
        put(coder=None if encoding is None else encoding_of(encoding))
        put(dtype=self._dtype(checks.dtype_of("layout", dtype)))
        put(alignment=checks.power_of_two("layout alignment", alignment))
        try:
            groups = groups_of(
                shapes,
                max_context=self.max_context,
                item=self.dtype.itemsize,
                alignment=self.alignment,
                stored_width=self.stored_width,
            )
            put(groups=groups, regions=tuple(region for group in groups for region in (group.keys, group.values)))
            put(token_bytes=checked_sum(*(group.keys.rows * group.keys.token_bytes for group in groups)))
            put(block_bytes=checked_sum(*(region.length for region in self.regions)))
        except OverflowError as problem:
            raise InvalidSizeError("layout", expected=f"at most {MAX_BYTES} bytes", got=str(problem)) from problem
        found = {layer: (number, at) for number, group in enumerate(groups) for at, layer in enumerate(group.layers)}
        put(places=tuple(found[layer] for layer in range(len(shapes))))
        of_group = [(*group.shape.sizes, group.keys.shape[3], group.values.shape[3]) for group in groups]
        put(sizes=tuple(of_group[number] for number, _ in self.places))
        if len(groups) == 1:  # else `__getattr__` says that there is no such number
            one, keys, values = shapes[0], groups[0].keys, groups[0].values
            put(kv_heads=one.kv_heads, head_dim=one.head_dim, value_dim=one.value_dim, window=one.window)
            put(keys=keys, values=values)
            put(token_shape=(len(shapes), one.kv_heads, one.head_dim))
            put(value_shape=(len(shapes), one.kv_heads, one.value_dim))

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """Say why a number that layers of one shape have in common is not there."""
            if name in _OF_ALL:
                raise self.refuse_mixed(f"layout: {name}", "layout.shapes[layer] and layout.groups say it")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, (self.shapes, self.max_context, self.dtype, self.alignment, self.encoding)

    def __repr__(self) -> str:
        rest = f"max_context={self.max_context}, dtype={str(self.dtype)!r}, alignment={self.alignment}, encoding={self.encoding!r}"
        if len(self.groups) > 1:
            return f"KVLayout.of_layers({list(self.shapes)}, {rest})"
        one = self.shapes[0]
        sizes = f"layers={self.layers}, kv_heads={one.kv_heads}, head_dim={one.head_dim}, value_dim={one.value_dim}"
        return f"KVLayout({sizes}, window={one.window}, {rest})"

    @property
    def is_mixed(self) -> bool:
        """Whether layers have different shapes."""
        return len(self.groups) > 1

    @property
    def has_windows(self) -> bool:
        """Whether any layer gives back what is in front of its window."""
        return any(group.window is not None for group in self.groups)

    def refuse_mixed(self, subject: str, remedy: str) -> ShapeError:
        """The error for what makes sense only where all layers have one shape."""
        return ShapeError(subject, expected="layers of one shape", got=f"{len(self.groups)} shapes", remedy=remedy)

    def refuse_stacked(self, subject: str, remedy: str) -> None:
        """Refuse what makes sense only where one array has all tokens of all layers.

        Raises:
            ShapeError: layers differ in shape, or give back what is in front of their windows.
        """
        if self.is_mixed:
            raise self.refuse_mixed(subject, remedy)
        self.refuse_windows(subject, remedy)

    def refuse_windows(self, subject: str, remedy: str) -> None:
        """Refuse what makes sense only where layers keep all tokens.

        Raises:
            ShapeError: they give back what is in front of their windows.
        """
        windows = sorted({group.window for group in self.groups if group.window is not None})
        if windows:
            raise ShapeError(
                subject, expected="layers that keep all tokens", got=f"windows of {windows}", remedy=remedy
            )

    def has_enough(self, tokens: int, firsts: Sequence[int]) -> bool:
        """Whether a session of so many tokens can go on where those before `firsts` (of each group) are not there."""
        pairs = zip(self.groups, firsts, strict=True)
        return all(not first or (group.window is not None and first <= group.needed(tokens)) for group, first in pairs)

    def by_layer(self, regions: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """What is given for each of `regions`, the first axis being layers, as keys and values of each layer."""
        if len(regions) == 2:  # one group of layers, as most models have; this is done per token
            return list(regions[0]), list(regions[1])
        keys = [regions[2 * group][at] for group, at in self.places]
        return keys, [regions[2 * group + 1][at] for group, at in self.places]

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

    def _with(self, **changes: Any) -> KVLayout:
        """The same with another value in some places."""
        now = {name: getattr(self, name) for name in ("shapes", "max_context", "dtype", "alignment", "encoding")}
        return KVLayout.of_layers(**(now | changes))

    def for_encoding(self, encoding: str | None) -> KVLayout:
        """Return the layout of the same numbers in another encoding; None: float32.

        Raises:
            DtypeError: there is no such encoding, or the numbers are neither float32 nor encoded.
        """
        if self.coder is None and self.dtype != np.float32:
            raise DtypeError("layout for an encoding", expected="a layout of float32", got=self.dtype)
        return self if encoding == self.encoding else self._with(dtype=np.dtype(np.float32), encoding=encoding)

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
        return self if tokens == self.max_context else self._with(max_context=tokens)

    def for_batch(self, sequences: SupportsIndex) -> KVLayout:
        """Return the layout of a session that holds several sequences of the same length, as heads beside each other.

        Raises:
            InvalidSizeError: not a whole number above 0, or too large together.
        """
        count = checks.whole_number("sequences", sequences, minimum=1)
        return self if count == 1 else self._with(shapes=[shape.of_batch(count) for shape in self.shapes])

    def sequences_of(self, other: KVLayout) -> int:
        """How many sequences of another layout this one holds beside each other."""
        return self.shapes[0].kv_heads // other.shapes[0].kv_heads

    def tokens(self, key: object, value: object) -> tuple[Array, Array, int]:
        """Two arrays as they are stored, and how many tokens they hold, after checking that they fit the layout and each other.

        Args:
            key: shape [layers, kv_heads, head_dim] for one token, [tokens, layers, kv_heads, head_dim] for several. With an
                encoding float32, which is encoded, or what is stored, with the stored width in the place of head_dim.
            value: the same as `key`, with value_dim in the place of head_dim.

        Returns:
            Keys and values as they are stored, each of shape [layers, kv_heads, tokens, stored width].

        Raises:
            DtypeError, ShapeError: they do not fit the layout or each other, or no array does because layers differ in shape.
        """
        if self.is_mixed:
            raise self.refuse_mixed("append", "write(layer, key, value) for each layer, then commit()")
        keys = self._tokens("append: key", key, self.head_dim)
        values = self._tokens("append: value", value, self.value_dim)
        if keys.shape[:-1] != values.shape[:-1]:
            raise ShapeError("append: value", expected=f"the shape of key, {keys.shape}", got=values.shape)
        if keys.ndim == 3:
            return keys[:, :, np.newaxis], values[:, :, np.newaxis], 1
        return keys.transpose(1, 2, 0, 3), values.transpose(1, 2, 0, 3), len(keys)

    def layer_tokens(self, layer: int, key: object, value: object) -> tuple[Array, Array, int]:
        """The same for the tokens of one layer.

        Args:
            layer: which one.
            key: shape [kv_heads, tokens, head_dim]; with an encoding, as for `tokens`.
            value: shape [kv_heads, tokens, value_dim].

        Raises:
            DtypeError, ShapeError: they do not fit the layout or each other.
        """
        heads, head_dim, value_dim, key_width, value_width = self.sizes[layer]
        keys = self._stored("write: key", key, head_dim)
        values = self._stored("write: value", value, value_dim)
        count = keys.shape[1] if keys.ndim == 3 else 0
        if keys.shape != (heads, count, key_width):
            expected = f"[{heads}, tokens, {head_dim}]"
            raise ShapeError("write: key", expected=expected, got=getattr(key, "shape", None))
        if values.shape != (heads, count, value_width):
            expected = f"[{heads}, {count}, {value_dim}], as many tokens as key"
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


def _made(
    shapes: tuple[LayerShape, ...], max_context: int, dtype: np.dtype[Any], alignment: int, encoding: str | None
) -> KVLayout:
    """What a copy or a pickle is made of again."""
    return KVLayout.of_layers(shapes, max_context=max_context, dtype=dtype, alignment=alignment, encoding=encoding)
