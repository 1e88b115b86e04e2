"""Make the layout of a Hugging Face model from its configuration."""

from __future__ import annotations

from typing import Any, SupportsIndex

import torch
from transformers.cache_utils import get_layer_types_and_kwargs

from kvcache.errors import InvalidSizeError
from kvcache.memory.arena import SYSTEM_PAGE
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.regions import LayerShape

_WITHOUT = "dummy"
"""Layers that keep nothing: they use the keys and values of another layer, or have no attention."""

_KINDS = frozenset({"full_attention", "sliding_attention", "chunked_attention", _WITHOUT})
"""Layers that keep keys and values, and nothing else."""


def layout_of(
    config: Any,
    *,
    max_context: SupportsIndex | None = None,
    dtype: str | None = None,
    alignment: int = SYSTEM_PAGE,
    windows: bool = True,
) -> KVLayout:
    """The layout of a model, from its configuration (`model.config`).

    Args:
        config: of a decoder whose layers keep keys and values, or use those of other layers, which are not kept twice. Multi-head latent
            attention is stored compressed.
        max_context: tokens that a session can hold; None: as many as the model was made for.
        dtype: of keys and values; None: the model's.
        alignment: as for `KVLayout`; in pages, so that `memory_bytes` works.
        windows: give back what is in front of the sliding windows of layers. Without it, a session can be cropped, or another one
            begin with a part of it, however far back that is.

    Raises:
        InvalidSizeError: the model keeps something else than keys and values, or has no layer that does.
    """
    if getattr(config, "is_encoder_decoder", False):
        raise InvalidSizeError(
            "model", expected="a decoder alone", got=f"an encoder and a decoder ({config.model_type})"
        )
    text = config.get_text_config(decoder=True)
    kinds = set(get_layer_types_and_kwargs(text)[0])
    if not kinds <= _KINDS:
        raise InvalidSizeError("model", expected=f"layers of {', '.join(sorted(_KINDS))}", got=sorted(kinds))
    shapes = [_shape_of(layer, window if windows else None) for layer, window in kept_layers(text).values()]
    return KVLayout.of_layers(
        shapes,
        max_context=text.max_position_embeddings if max_context is None else max_context,
        dtype=dtype or str(text.dtype or torch.float32).removeprefix("torch."),
        alignment=alignment,
    )


def kept_layers(text: Any) -> dict[int, tuple[Any, int | None]]:
    """Of each layer that has keys and values of its own: its configuration, and its window; by its number in the model."""
    kinds, more = get_layer_types_and_kwargs(text)
    layers = zip(kinds, text.per_layer_config, more, strict=True)
    return {
        number: (layer, each.get("sliding_window"))
        for number, (kind, layer, each) in enumerate(layers)
        if kind != _WITHOUT
    }


def _shape_of(layer: Any, window: int | None) -> LayerShape:
    """What a layer keeps of a token."""
    if getattr(layer, "kv_lora_rank", None):
        return LayerShape(1, layer.kv_lora_rank, layer.qk_rope_head_dim, window)
    heads = getattr(layer, "num_key_value_heads", None) or layer.num_attention_heads
    width = getattr(layer, "head_dim", None) or layer.hidden_size // layer.num_attention_heads
    return LayerShape(heads, width, getattr(layer, "v_head_dim", None), window)


def windows_of(text: Any, kept: list[int | None]) -> list[int | None]:
    """The windows of a model's layers, after checking that a layout keeps as much of them.

    Raises:
        InvalidSizeError: it does not.
    """
    windows = [window for _, window in kept_layers(text).values()]
    if len(windows) != len(kept):
        raise InvalidSizeError("model", expected=f"{len(kept)} layers", got=len(windows))
    for number, (window, there) in enumerate(zip(windows, kept, strict=True)):
        if there is not None and (window is None or window > there):
            got = "all tokens" if window is None else f"a window of {window}"
            remedy = "make the layout with layout_of(model.config)"
            raise InvalidSizeError(f"layer {number}", expected=f"a window of at most {there}", got=got, remedy=remedy)
    return windows
