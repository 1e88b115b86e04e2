"""Keep the cache of a Hugging Face model in a session of a manager: `model.generate(..., cache=PooledCache(manager, "alice"))`.

A layer's keys and values are tensors over the session's own rows. `update` copies the new tokens into them, and returns views of all
tokens without a copy. Tokens are counted when the last layer has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsIndex

import numpy as np
import torch
from transformers.cache_utils import Cache, CacheLayerMixin, get_layer_types_and_kwargs

from kvcache import checks
from kvcache.errors import DtypeError, InvalidSizeError, ShapeError
from kvcache.memory.arena import SYSTEM_PAGE
from kvcache.sessions.layout import KVLayout
from kvcache.values import Unique

if TYPE_CHECKING:
    from kvcache.sessions.entry import KVCacheEntry
    from kvcache.sessions.manager import KVCacheManager
    from kvcache.values import Array

_KINDS = frozenset({"full_attention", "sliding_attention", "chunked_attention"})
"""Layers that keep keys and values, and nothing else."""


def layout_of(
    config: Any, *, max_context: SupportsIndex | None = None, dtype: str | None = None, alignment: int = SYSTEM_PAGE
) -> KVLayout:
    """The layout of a model, from its configuration (`model.config`).

    Args:
        config: of a decoder whose layers all keep keys and values of one shape. Multi-head latent attention is stored compressed.
        max_context: tokens that a session can hold; None: as many as the model was made for.
        dtype: of keys and values; None: the model's.
        alignment: as for `KVLayout`; in pages, so that `memory_bytes` works.

    Raises:
        InvalidSizeError: the model keeps something else than keys and values of one shape.
    """
    if getattr(config, "is_encoder_decoder", False):
        raise InvalidSizeError(
            "model", expected="a decoder alone", got=f"an encoder and a decoder ({config.model_type})"
        )
    text = config.get_text_config(decoder=True)
    kinds = set(get_layer_types_and_kwargs(text)[0])
    if not kinds <= _KINDS:
        raise InvalidSizeError("model", expected=f"layers of {', '.join(sorted(_KINDS))}", got=sorted(kinds))
    value_dim: int | None = None
    if getattr(text, "kv_lora_rank", None):
        heads, width, value_dim = 1, text.kv_lora_rank, text.qk_rope_head_dim
    else:
        heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
        width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return KVLayout(
        layers=text.num_hidden_layers,
        kv_heads=heads,
        head_dim=width,
        value_dim=value_dim,
        max_context=text.max_position_embeddings if max_context is None else max_context,
        dtype=dtype or str(text.dtype or torch.float32).removeprefix("torch."),
        alignment=alignment,
    )


class PooledCache(Unique, Cache):  # type: ignore[misc]  # transformers is not installed where types are checked
    """The cache of one session, or of a batch of sequences that is kept as one session.

    It goes on where the session's tokens end, so that `generate` computes only what is new; a session that was evicted begins anew.
    The tokens must be those that the session was computed from: keys and values do not show that.

    While it holds tensors the session is not evicted for others. They are let go with the cache, or by `release`. There are no copies:
    use `fork` where other caches are copied.

    Args:
        manager: where the session lives; its layout must fit the model, see `layout_of`.
        session: its id.
        config: of the model; with it, layers with a sliding window hand only that window to attention.
        priority: of the session from now on, see `KVCacheManager.prioritize`; None: what it has, 0 where it is new.

    Raises:
        InvalidSessionError: not a string, or empty.
        InvalidSizeError: the layout has another number of layers than the model.
        ClosedError: the manager is closed.
    """

    def __init__(
        self, manager: KVCacheManager, session: str, *, config: Any = None, priority: int | None = None
    ) -> None:
        windows: list[int | None] = [None] * manager.layout.layers
        if config is not None:
            text = config.get_text_config(decoder=True)
            if text.num_hidden_layers != len(windows):
                raise InvalidSizeError("model", expected=f"{len(windows)} layers", got=text.num_hidden_layers)
            windows = [each.get("sliding_window") for each in get_layer_types_and_kwargs(text)[1]]
        if priority is not None:
            manager.prioritize(session, priority)
        self._rows = _Rows(manager, checks.session_name(session), windows, priority)
        super().__init__(layers=[_Layer(self._rows, number, window) for number, window in enumerate(windows)])
        self._config = config

    def fork(self, session: str) -> PooledCache:
        """Make a cache of another session that begins with all tokens of this one, for several answers to one prompt.

        Whole pages are shared, see `KVCacheManager.fork`. Other caches are copied for this.

        Args:
            session: the new session; what it had is evicted.

        Raises:
            InvalidSessionError, UnknownSessionError, PinnedEntryError, OutOfMemoryError, ClosedError: as for `KVCacheManager.fork`.
        """
        manager = self._rows.manager
        manager.fork(self.session, session)
        return PooledCache(manager, session, config=self._config)

    @property
    def session(self) -> str:
        """The session's id."""
        return self._rows.session

    @property
    def batch_size(self) -> int:
        """Sequences that the session has, -1 while there is none."""
        return self._rows.sequences if self._rows.entry is not None else -1

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write new tokens of a layer, and look at all that it has: without the steps for devices that this cache does not use."""
        rows = self._rows
        step = rows.step
        if step is not None and step.takes(rows.lengths[layer_idx], key_states):
            return rows.write(step, layer_idx, key_states, value_states)
        keys, values = self.layers[layer_idx].update(key_states, value_states)
        return keys, values

    def release(self) -> None:
        """Let the session be evicted until the cache is used again. Tensors that the model still holds keep it."""
        self._rows.release()

    def reset(self) -> None:
        """Forget all tokens."""
        self._rows.crop(0)

    def crop(self, tokens_to_remove: int) -> None:
        """Remove the last tokens, `tokens_to_remove` of them, given as a number below 0.

        Raises:
            ValueError: a number above 0.
        """
        if tokens_to_remove > 0:
            raise ValueError(f"crop: expected 0 or less, as in -3 to remove 3 tokens, got {tokens_to_remove}")
        self._rows.crop(max(self._rows.counted + tokens_to_remove, 0))

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Repeat each sequence `repeats` times."""
        self._rows.select(torch.arange(self._rows.sequences).repeat_interleave(repeats))

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep these sequences, in this order."""
        self._rows.select(torch.arange(self._rows.sequences)[indices.cpu()])

    def reorder_cache(self, beam_idx: torch.Tensor) -> None:
        """Put other sequences into the places of the batch, as beam search does."""
        self._rows.reorder(beam_idx.cpu())


class _Step:
    """The places of tokens that every layer is given one after the other, and all that the layers have with them.

    The views of all layers are made at once, which takes a fraction of the time for each.
    """

    def __init__(self, regions: tuple[torch.Tensor, ...], first: int, count: int, windows: list[int | None]) -> None:
        keys, values = regions
        self.end = end = first + count
        self._first, self._dtype = first, keys.dtype
        self._shape = (*keys.shape[1:3], count, keys.shape[4])
        self.targets = list(
            zip(keys.narrow(3, first, count).unbind(), values.narrow(3, first, count).unbind(), strict=True)
        )
        self.seen = list(zip(keys.narrow(3, 0, end).unbind(), values.narrow(3, 0, end).unbind(), strict=True))
        for layer, window in enumerate(windows):
            if window is not None:
                start = _first_seen(first, window)
                of_keys, of_values = self.seen[layer]
                self.seen[layer] = of_keys.narrow(2, start, end - start), of_values.narrow(2, start, end - start)

    def takes(self, first: int, keys: torch.Tensor) -> bool:
        """Whether these keys, of a layer that has `first` tokens, go to the places."""
        return first == self._first and keys.shape == self._shape and keys.dtype is self._dtype


def _first_seen(length: int, window: int | None) -> int:
    """The first token that a query behind `length` others attends to."""
    return 0 if window is None else max(length - window + 1, 0)


class _Rows:
    """The tensors over a session's rows, and how many tokens each layer has."""

    def __init__(self, manager: KVCacheManager, session: str, windows: list[int | None], priority: int | None) -> None:
        self.manager, self.session, self.windows, self.priority = manager, session, windows, priority
        self.entry: KVCacheEntry | None = manager.get(session)
        self.tensors: tuple[list[torch.Tensor], list[torch.Tensor]] | None = None
        self.regions: tuple[torch.Tensor, ...] = ()  # the same in one: keys and values of all layers
        self.step: _Step | None = None  # the views for the tokens that are being written, of all layers
        self.carried = manager.layout.dtype == np.uint16  # whether it is bfloat16
        self.reserved = 0
        self.lengths = [0] * manager.layout.layers
        self.sequences = 1
        if self.entry is not None:
            self.hold(self.entry)

    @property
    def counted(self) -> int:
        """Tokens that all layers have."""
        return 0 if self.entry is None else len(self.entry)

    def hold(self, entry: KVCacheEntry) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Make tensors over the rows of an entry; for as long as they are held it is not evicted for others."""
        layout = self.manager.layout
        self.sequences = entry.layout.sequences_of(layout)
        keys, values = self.regions = tuple(map(self._tensor, entry.rows_mut()))
        self.entry, self.tensors, self.reserved = entry, (list(keys.unbind(0)), list(values.unbind(0))), len(entry)
        self.step = None
        self.lengths = [self.reserved] * layout.layers
        return self.tensors

    def begin(self, sequences: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """The tensors, of a session that is made if there is none.

        Raises:
            ShapeError: the session has another number of sequences.
        """
        if self.tensors is None:
            entry = self.entry if self.entry is not None and self.entry.is_live else None
            entry = entry or self.manager.get_or_create(self.session, sequences=sequences, priority=self.priority)
            self.hold(entry)
        if sequences != self.sequences:
            expected = f"a batch of {self.sequences}, as the session {self.session!r} has"
            raise ShapeError("update", expected=expected, got=sequences, remedy="evict it first to make it anew")
        assert self.tensors is not None
        return self.tensors

    def reserve(self, end: int) -> None:
        """Take memory for the first `end` tokens."""
        if end > self.reserved and self.entry is not None:
            self.reserved = len(self.entry) + self.entry.reserve(end - len(self.entry))

    def write(
        self, step: _Step, layer: int, keys: torch.Tensor, values: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Copy tokens of one layer to their places, and return all that it has; gradients are not kept."""
        of_keys, of_values = step.targets[layer]
        of_keys.copy_(keys.detach() if keys.requires_grad else keys)
        of_values.copy_(values.detach() if values.requires_grad else values)
        self.lengths[layer] = step.end
        if layer == len(self.lengths) - 1:
            self.count()
        return step.seen[layer]

    def length(self, layer: int) -> int:
        """Tokens that a layer has; while no tensors are held, the session may have been evicted, or used elsewhere."""
        if self.tensors is None:
            if self.entry is not None and not self.entry.is_live:
                self.entry = None
            self.lengths = [self.counted] * len(self.lengths)
        return self.lengths[layer]

    def count(self) -> None:
        """Count the tokens that all layers have by now."""
        ready = min(self.lengths)
        if self.entry is not None and ready > len(self.entry):
            self.entry.commit(ready - len(self.entry))

    def crop(self, kept: int) -> None:
        """Keep the first tokens."""
        if self.entry is not None:
            self.entry.truncate(min(kept, len(self.entry)))
            self.lengths = [len(self.entry)] * len(self.lengths)

    def reorder(self, order: torch.Tensor) -> None:
        """Copy sequences over each other; the count stays."""
        if self.tensors is None or torch.equal(order, torch.arange(self.sequences)):
            return
        if self.entry is not None:
            self.entry.unshare()
        for rows in (*self.tensors[0], *self.tensors[1]):
            seen = rows[:, :, : self.counted]
            seen.copy_(seen.index_select(0, order))

    def select(self, order: torch.Tensor) -> None:
        """Make the session anew with its own number of sequences."""
        if self.entry is None:
            return
        if len(order) == self.sequences:
            self.reorder(order)
            return
        keys, values = self.tensors or self.hold(self.entry)
        count = self.counted
        kept = [rows[:, :, :count].index_select(0, order) for rows in (*keys, *values)]
        del keys, values
        self.release()
        self.manager.evict(self.session)
        self.entry = None
        self.begin(len(order))
        self.reserve(count)
        assert self.tensors is not None
        for rows, old in zip((*self.tensors[0], *self.tensors[1]), kept, strict=True):
            rows[:, :, :count] = old
        self.lengths = [count] * len(self.lengths)
        self.count()

    def release(self) -> None:
        """Let go of the tensors."""
        self.tensors, self.regions, self.step = None, (), None

    def _tensor(self, rows: Array) -> torch.Tensor:
        """The rows of all layers as a tensor, shape [layers, sequences, kv_heads, max_context, width], without a copy."""
        layers, heads, context, width = rows.shape
        split = rows.reshape(layers, self.sequences, heads // self.sequences, context, width)
        return torch.from_numpy(split.view(np.int16)).view(torch.bfloat16) if self.carried else torch.from_numpy(split)


class _Layer(CacheLayerMixin):  # type: ignore[misc]
    """One layer of a `PooledCache`."""

    is_croppable = True
    is_sliding = False

    def __init__(self, rows: _Rows, number: int, window: int | None) -> None:
        super().__init__()
        self._rows, self._number, self._window = rows, number, window
        self.is_sliding = window is not None
        self.is_initialized = True

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Nothing to do: the session's rows are there."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: Any, **_kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write new tokens, shape [sequences, kv_heads, tokens, width], and look at all that the layer has.

        Raises:
            ShapeError: another batch than the session has, or other heads or widths than the layout.
            DtypeError: another dtype than the layout's.
            ContextOverflowError, OutOfMemoryError, StaleEntryError: as for `KVCacheEntry.reserve`.
        """
        rows, number = self._rows, self._number
        keys, _ = rows.tensors or rows.begin(key_states.shape[0])
        if key_states.dtype is not keys[number].dtype:
            remedy = "make the layout with layout_of(model.config, dtype=...)"
            raise DtypeError("update", expected=keys[number].dtype, got=key_states.dtype, remedy=remedy)
        sequences, _, count, _ = key_states.shape
        first = rows.lengths[number]
        end = first + count
        if sequences != rows.sequences:
            rows.begin(sequences)
        if end > rows.reserved:
            rows.reserve(end)
        step = rows.step
        if step is None or not step.takes(first, key_states):
            step = _Step(rows.regions, first, count, rows.windows)
            for states, place in zip((key_states, value_states), step.targets[number], strict=True):
                if states.shape != place.shape:  # a copy would repeat what has one head
                    remedy = "make the layout with layout_of(model.config)"
                    raise ShapeError("update", expected=tuple(place.shape), got=tuple(states.shape), remedy=remedy)
            rows.step = step
        return rows.write(step, number, key_states, value_states)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """How many tokens attention sees, new ones included, and which one is the first."""
        length = self.get_seq_length()
        start = _first_seen(length, self._window)
        return length + query_length - start, start

    def get_seq_length(self) -> int:
        """Tokens that the layer has."""
        return self._rows.length(self._number)

    def get_max_length(self) -> int:
        """Tokens that the session can hold, or the window of a layer that has one."""
        return self._window or self._rows.manager.layout.max_context
