"""Keep the cache of a Hugging Face model in a session of a manager: `model.generate(..., cache=PooledCache(manager, "alice"))`.

A layer's keys and values are tensors over the session's own rows. `update` copies the new tokens into them, and returns views of all
tokens without a copy. Tokens are counted when the last layer has them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers.cache_utils import Cache, CacheLayerMixin, DummyLayer

from kvcache import checks
from kvcache.errors import DtypeError, OutOfBoundsError, ShapeError
from kvcache.integrations.model_layout import kept_layers, layout_of, windows_of
from kvcache.sessions.sharing import Beginning
from kvcache.values import Unique

__all__ = ["PooledCache", "layout_of"]

if TYPE_CHECKING:
    from kvcache.sessions.entry import KVCacheEntry
    from kvcache.sessions.manager import KVCacheManager
    from kvcache.values import Array


class PooledCache(Unique, Cache):  # type: ignore[misc]  # transformers is not installed where types are checked
    """The cache of one session, or of a batch of sequences that is kept as one session.

    It goes on where the session's tokens end, so that `generate` computes only what is new; a session that was evicted begins anew.
    The tokens must be those that the session was computed from: keys and values do not show that.

    While it holds tensors the session is not evicted for others. They are let go with the cache, or by `release`. There are no copies:
    use `fork` where other caches are copied.

    Args:
        manager: where the session lives; its layout must fit the model, see `layout_of`.
        session: its id.
        config: of the model; with it, layers with a sliding window hand only that window to attention, also where the layout keeps
            all tokens. Models whose layers use the keys and values of other layers need it.
        priority: of the session from now on, see `KVCacheManager.prioritize`; None: what it has, 0 where it is new.

    Raises:
        InvalidSessionError: not a string, or empty.
        InvalidSizeError: the layout has another number of layers than the model, or keeps less of one than the model's window needs.
        ClosedError: the manager is closed.
    """

    def __init__(
        self, manager: KVCacheManager, session: str, *, config: Any = None, priority: int | None = None
    ) -> None:
        layout = manager.layout
        windows = [layout.groups[group].window for group, _ in layout.places]
        text = None if config is None else config.get_text_config(decoder=True)
        kept = range(layout.layers) if text is None else list(kept_layers(text))
        if text is not None:
            windows = windows_of(text, windows)
        if priority is not None:
            manager.prioritize(session, priority)
        self._rows = _Rows(manager, checks.session_name(session), windows, priority)
        layers: list[Any] = [DummyLayer() for _ in range(layout.layers if text is None else text.num_hidden_layers)]
        for number, layer in enumerate(kept):
            layers[layer] = _Layer(self._rows, number, windows[number])
        super().__init__(layers=layers)
        self._places: list[int | None] = [None] * len(layers)  # of the model's layers, in the layout
        for number, layer in enumerate(kept):
            self._places[layer] = number
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
        rows, number = self._rows, self._places[layer_idx]
        step = rows.step
        if step is not None and number is not None and step.takes(number, rows.lengths[number], key_states):
            return rows.write(step, number, key_states, value_states)
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
            RuntimeError: what was in front of a sliding window is not there any more, as other caches say it; nothing was changed.
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

    def __init__(self, rows: _Rows, first: int, count: int) -> None:
        self.count, self.end = count, (end := first + count)
        layout, regions = rows.manager.layout, rows.regions
        self._first, self._dtype = first, regions[0].dtype
        places = layout.by_layer([region.narrow(3, first, count).unbind() for region in regions])
        seen = layout.by_layer([region.narrow(3, 0, end).unbind() for region in regions])
        self.targets = list(zip(*places, strict=True))
        self.seen = list(zip(*seen, strict=True))
        if rows.step is not None and rows.step.count == count:
            self.shapes: list[torch.Size] = rows.step.shapes
        else:
            self.shapes = [place.shape for place in places[0]]
        for layer, window in enumerate(rows.windows):
            if window is not None:
                start = _first_seen(first, window)
                of_keys, of_values = self.seen[layer]
                self.seen[layer] = of_keys.narrow(2, start, end - start), of_values.narrow(2, start, end - start)

    def takes(self, layer: int, first: int, keys: torch.Tensor) -> bool:
        """Whether these keys, of a layer that has `first` tokens, go to the places."""
        return first == self._first and keys.shape == self.shapes[layer] and keys.dtype is self._dtype


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
        self.regions = tuple(map(self._tensor, entry.regions_mut()))
        keys, values = layout.by_layer([region.unbind() for region in self.regions])
        self.entry, self.tensors, self.reserved, self.step = entry, (keys, values), len(entry), None
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
            try:
                self.entry.truncate(min(kept, len(self.entry)))
            except OutOfBoundsError as problem:
                raise RuntimeError(str(problem)) from problem
            # Pages that are shared, or that were given back, have to be asked for again.
            self.reserved, self.step = len(self.entry), None
            self.lengths = [self.reserved] * len(self.lengths)

    def reorder(self, order: torch.Tensor) -> None:
        """Copy sequences over each other; the count stays."""
        if self.tensors is None or self.entry is None or torch.equal(order, torch.arange(self.sequences)):
            return
        self.entry.unshare()
        for there in self.there():
            there.copy_(there.index_select(1, order))

    def there(self) -> list[torch.Tensor]:
        """The tokens that are counted, and were not given back, of each region."""
        entry, groups = self.entry, self.manager.layout.groups
        assert entry is not None
        firsts = [entry.first_token(group.layers[0]) for group in groups for _ in ("keys", "values")]
        pairs = zip(self.regions, firsts, strict=True)
        return [region.narrow(3, first, self.counted - first) for region, first in pairs]

    def select(self, order: torch.Tensor) -> None:
        """Make the session anew with its own number of sequences."""
        if self.entry is None:
            return
        if len(order) == self.sequences:
            self.reorder(order)
            return
        if self.tensors is None:
            self.hold(self.entry)
        firsts = [self.entry.first_token(group.layers[0]) for group in self.manager.layout.groups]
        tails = [_bytes_of(there.index_select(1, order)) for there in self.there()]
        priority = self.entry.priority
        beginning = Beginning(self.counted, firsts, ((),) * len(tails), tails)
        self.release()
        self.manager.evict(self.session)
        self.entry = None
        entry = self.manager.get_or_create(self.session, sequences=len(order), priority=priority)
        entry.begin(beginning)
        self.hold(entry)

    def release(self) -> None:
        """Let go of the tensors."""
        self.tensors, self.regions, self.step = None, (), None

    def _tensor(self, rows: Array) -> torch.Tensor:
        """The rows of all layers as a tensor, shape [layers, sequences, kv_heads, max_context, width], without a copy."""
        layers, heads, context, width = rows.shape
        split = rows.reshape(layers, self.sequences, heads // self.sequences, context, width)
        return torch.from_numpy(split.view(np.int16)).view(torch.bfloat16) if self.carried else torch.from_numpy(split)


def _bytes_of(rows: torch.Tensor) -> Array:
    """What lies in the rows of a region, shape [rows, bytes]."""
    flat = rows.flatten(0, 2).flatten(1).contiguous()
    return flat.view(torch.uint8).numpy()  # type: ignore[no-any-return]


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
        if step is None or not step.takes(number, first, key_states):
            step = _Step(rows, first, count)
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
