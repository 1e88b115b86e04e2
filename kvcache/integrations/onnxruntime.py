"""Keep the keys and values of a model that ONNX Runtime runs in a session: it reads and writes the session's own rows, without a copy.

For models whose attention writes into the buffer that it is given (`GroupQueryAttention`, as ONNX Runtime's model builder makes them):
past and present of a layer are bound to the same rows, shape [sequences, kv_heads, max_context, width].
"""

from typing import Any, Final, SupportsIndex

import numpy as np
import onnxruntime

from kvcache import checks
from kvcache.errors import DtypeError, InvalidSizeError
from kvcache.sessions.entry import KVCacheEntry
from kvcache.values import Array, Unique

_BFLOAT16: Final = 16
"""What ONNX calls bfloat16; NumPy has no name for it."""


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
    """

    def __init__(
        self,
        entry: KVCacheEntry,
        *,
        past: str = "past_key_values.{layer}.{side}",
        present: str = "present.{layer}.{side}",
    ) -> None:
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
