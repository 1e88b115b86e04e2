"""Keep the keys and values of a model that ONNX Runtime runs in a session: it reads and writes the session's own rows, without a copy.

For models whose attention writes into the buffer that it is given (`GroupQueryAttention`, as ONNX Runtime's model builder makes them):
past and present of a layer are bound to the same rows, shape [sequences, kv_heads, max_context, width].
"""

import math
from typing import Any, Final, SupportsIndex

import numpy as np
import onnxruntime

from kvcache import checks
from kvcache.errors import DtypeError, InvalidSizeError
from kvcache.memory.arena import SYSTEM_PAGE
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.regions import LayerShape
from kvcache.values import Array, Unique

_BFLOAT16: Final = 16
"""What ONNX calls bfloat16; NumPy has no name for it."""

_TYPES: Final = {
    "tensor(float)": ("float32", 4),
    "tensor(float16)": ("float16", 2),
    "tensor(bfloat16)": ("bfloat16", 2),
}
"""Types of ONNX Runtime that kvcache can keep, and bytes of a number."""

PAST: Final = "past_key_values.{layer}.{side}"
"""What models of ONNX Runtime's builder call their inputs for keys and values."""


def layout_of(model: Any, *, max_context: SupportsIndex, past: str = PAST) -> KVLayout:
    """The layout of a model, from the names, shapes and types of its inputs, in pages, so that `memory_bytes` works.

    Args:
        model: an `InferenceSession`.
        max_context: tokens that a session can hold; as many more as fill whole pages, so that `BoundCache` can take its rows.
        past: as for `BoundCache`.

    Raises:
        InvalidSizeError: the model has no such inputs, or they do not say how many heads there are, and how wide those are.
        DtypeError: a type that kvcache cannot keep.
    """
    inputs = {each.name: each for each in model.get_inputs()}
    found = list[list[Any]]()
    while (key := past.format(layer=len(found), side="key")) in inputs:
        found.append([inputs[key], inputs.get(past.format(layer=len(found), side="value"), inputs[key])])
    sizes = [[each.shape[axis] for each in pair for axis in (1, 3)] if _has_four_axes(pair) else [] for pair in found]
    if not found or not all(each and all(isinstance(size, int) for size in each) for each in sizes):
        expected = f"inputs {past} of shape [sequences, kv_heads, tokens, width], with numbers of heads and widths"
        raise InvalidSizeError("model", expected=expected, got=sorted(inputs), remedy="say their names with past=...")
    types = {each.type for pair in found for each in pair}
    if len(types) != 1 or not types <= _TYPES.keys():
        raise DtypeError("model", expected=f"keys and values of one of {sorted(_TYPES)}", got=sorted(types))
    dtype, item = _TYPES[types.pop()]
    step = math.lcm(*(SYSTEM_PAGE // math.gcd(SYSTEM_PAGE, width * item) for each in sizes for width in each[1::2]))
    context = -(-checks.whole_number("max_context", max_context, minimum=1) // step) * step
    layers = [LayerShape(heads, width, value_width) for heads, width, _, value_width in sizes]
    return KVLayout.of_layers(layers, max_context=context, dtype=dtype, alignment=SYSTEM_PAGE)


def _has_four_axes(pair: list[Any]) -> bool:
    return all(len(each.shape) == 4 for each in pair)


class BoundCache(Unique):
    """The rows of one session as tensors of ONNX Runtime; while it is held, the session is not evicted for others.

    Args:
        entry: the session; `layer_shapes` says what the model must take.
        past: name of the model's input for the past of a layer, with `{layer}` and `{side}` (`key` or `value`).
        present: name of its output.

    Raises:
        StaleEntryError: the block is gone.
        InvalidSizeError: the rows of a layer do not follow each other: `max_context` tokens are no whole pages.
        DtypeError: ONNX has no such dtype.
        ShapeError: layers give back what is in front of their windows.
    """

    def __init__(
        self,
        entry: KVCacheEntry,
        *,
        past: str = PAST,
        present: str = "present.{layer}.{side}",
    ) -> None:
        entry.layout.refuse_windows("BoundCache", "make the layout without windows: a model sees whole rows")
        keys, values = entry.layout.by_layer(entry.regions_mut())
        self.entry: Final = entry
        self._names = past, present
        self._tensors: list[tuple[Any, Any]] = []
        self._rows = keys, values  # as long as they are held, the tensors show the session's memory
        for layer_keys, layer_values in zip(keys, values, strict=True):
            self._tensors.append((_tensor(layer_keys[np.newaxis]), _tensor(layer_values[np.newaxis])))

    def __len__(self) -> int:
        """Tokens of the session."""
        return len(self.entry)

    def tensors(self, layer: SupportsIndex) -> tuple[Any, Any]:
        """The `OrtValue`s of a layer's keys and values, places without tokens included.

        Raises:
            OutOfBoundsError: no such layer.
        """
        return self._tensors[checks.index("layer", layer, count=len(self._tensors))]

    def bind(self, binding: Any, count: SupportsIndex) -> None:
        """Bind past and present of all layers for a run that adds tokens; `commit` counts them after it.

        Args:
            binding: an `IOBinding` of the model's session.
            count: tokens that the run adds.

        Raises:
            InvalidSizeError, ContextOverflowError, OutOfMemoryError, StaleEntryError: as for `KVCacheEntry.reserve`.
        """
        self.entry.reserve(count)
        past, present = self._names
        for layer, pair in enumerate(self._tensors):
            for side, tensor in zip(("key", "value"), pair, strict=True):
                binding.bind_ortvalue_input(past.format(layer=layer, side=side), tensor)
                binding.bind_ortvalue_output(present.format(layer=layer, side=side), tensor)

    def commit(self, count: SupportsIndex) -> int:
        """Count the tokens that a run has added, see `KVCacheEntry.commit`."""
        return self.entry.commit(count)


def _tensor(rows: Array) -> Any:
    """An `OrtValue` over the same memory."""
    if not rows.flags.c_contiguous:
        remedy = "make the layout with a max_context whose tokens fill whole pages, or with another alignment"
        raise InvalidSizeError("tensor", expected="rows that follow each other", got=rows.strides, remedy=remedy)
    if rows.dtype == np.uint16:  # bfloat16 is carried in it
        return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(rows, _BFLOAT16)
    try:
        return onnxruntime.OrtValue.ortvalue_from_numpy(rows)
    except (RuntimeError, ValueError) as problem:
        raise DtypeError("tensor", expected="a dtype that ONNX has", got=rows.dtype, remedy=str(problem)) from problem
