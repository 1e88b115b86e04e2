"""Show one session's tokens: counts, and read-only views of its keys and values without a copy."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import SupportsIndex

import numpy as np

from kvcache import checks
from kvcache.encodings.reading import Codes, codes_of, numbers_of
from kvcache.sessions.block_state import BlockState
from kvcache.values import Array


class ReadableEntry(BlockState):
    """What can be seen of a session; writing is added by `KVCacheEntry`."""

    @property
    def token_count(self) -> int:
        """Tokens appended so far."""
        with self._ledger.lock:
            self._refuse_if_stale()
            return self._tokens

    @property
    def uses(self) -> int:
        """How often the entry was made, got or appended to."""
        with self._ledger.lock:
            self._refuse_if_stale()
            return self._uses

    @property
    def last_accessed(self) -> float:
        """When the entry was last got or appended to, in seconds of the manager's clock."""
        with self._ledger.lock:
            self._refuse_if_stale()
            return self._last_accessed

    def key(self, layer: SupportsIndex | None = None, *, whole: bool = False) -> Array:
        """Look at the keys of the tokens so far, read-only and without a copy.

        Args:
            layer: of one layer only.
            whole: of the whole region, tokens that are not there yet included.

        Returns:
            Shape [tokens, layers, kv_heads, head_dim]; of one layer, shape [kv_heads, tokens, head_dim].

        Raises:
            StaleEntryError: the block is gone.
            OutOfBoundsError: no such layer.
        """
        return self._view(0, layer, whole=whole)

    def value(self, layer: SupportsIndex | None = None, *, whole: bool = False) -> Array:
        """Look at the values of the tokens so far, read-only and without a copy.

        Args:
            layer: of one layer only.
            whole: of the whole region, tokens that are not there yet included.

        Returns:
            Shape [tokens, layers, kv_heads, value_dim]; of one layer, shape [kv_heads, tokens, value_dim].

        Raises:
            StaleEntryError: the block is gone.
            OutOfBoundsError: no such layer.
        """
        return self._view(1, layer, whole=whole)

    def key_and_value(self) -> tuple[Array, Array]:
        """Look at the keys and values of the same tokens, even if another thread appends or truncates between `key` and `value`.

        Returns:
            What `key()` and `value()` return.

        Raises:
            StaleEntryError: the block is gone.
        """
        with self._ledger.lock:
            return self.key(), self.value()

    def keys(self, layer: SupportsIndex) -> Array:
        """Look at the keys of one layer, those that are written and not committed yet included; read-only and without a copy.

        The quick way for a decode step: what the views are cut from is made once.

        Returns:
            Shape [kv_heads, tokens, head_dim]; the tokens of a head lie together. The first is token 0, or `first_token` of a layer with
            a window, which is right until the session is next written to.

        Raises:
            StaleEntryError: the block is gone.
            OutOfBoundsError: no such layer.
        """
        return self._layer(0, layer)

    def first_token(self, layer: SupportsIndex) -> int:
        """The first token that is there in a layer, and that `keys`, `values`, `key` and `value` of the layer show.

        It is 0, but in a layer with a window (`LayerShape`) where rows begin at pages: there, tokens in front of the window are given back.

        Raises:
            StaleEntryError: the block is gone.
            OutOfBoundsError: no such layer.
        """
        at = checks.index("layer", layer, count=self._layout.layers)
        with self._ledger.lock:
            self._refuse_if_stale()
            return self._firsts[self._layout.places[at][0]]

    def values(self, layer: SupportsIndex) -> Array:
        """The same for the values, shape [kv_heads, tokens, value_dim].

        Raises:
            StaleEntryError: the block is gone.
            OutOfBoundsError: no such layer.
        """
        return self._layer(1, layer)

    def floats(self, layer: SupportsIndex, out: tuple[Array, Array] | None = None) -> tuple[Array, Array]:
        """The keys and values of one layer as float32 numbers, those that are not committed yet included.

        Args:
            layer: which one.
            out: where to put them, float32 arrays [kv_heads, at least as many tokens, width], which may serve for all layers and
                sessions; None: new arrays. What is stored as float32 is not copied in either case.

        Returns:
            Shapes [kv_heads, tokens, head_dim] and [kv_heads, tokens, value_dim].

        Raises:
            StaleEntryError: the block is gone.
            OutOfBoundsError: no such layer.
            DtypeError, ShapeError: what is stored says no numbers, or `out` is too small or no float32.
        """
        layout = self._layout
        at = checks.index("layer", layer, count=layout.layers)
        return numbers_of((self.keys(at), self.values(at)), layout.coder, layout.shapes[at].widths, out)

    def codes(self, layer: SupportsIndex) -> Codes:
        """The whole numbers of one layer and their scales, where the layout's encoding is int8 or int4.

        Raises:
            StaleEntryError: the block is gone.
            OutOfBoundsError: no such layer.
            DtypeError: the layout has another encoding, or none.
        """
        return codes_of(self.keys(layer), self.values(layer), self._layout.coder)

    def _layer(self, side: int, layer: SupportsIndex) -> Array:
        at = checks.index("layer", layer, count=self._layout.layers)
        first = self._firsts[self._layout.places[at][0]] if self._passed else None
        return (self._readable or self._layers())[side][at][:, first : self._tokens + self._written[at]]

    def _layers(self) -> tuple[list[Array], list[Array]]:
        """What the views of a layer are cut from; as it is there only while the block is the session's, no lock is needed to use it."""
        with self._ledger.lock:
            self._refuse_if_stale()
            return self._readable or self._make_readable()

    def _view(self, side: int, layer: SupportsIndex | None, *, whole: bool) -> Array:
        layout = self._layout
        if layer is None:
            layout.refuse_stacked("key, value", "say which layer: key(layer), keys(layer)")
        # The whole region can be seen only once it is zeroed, which is a kind of writing; tokens are there after that.
        with self._alone() if whole else self._ledger.lock:
            self._refuse_if_stale()
            end = layout.max_context if whole else self._tokens
            if layer is not None:
                at = checks.index("layer", layer, count=layout.layers)
                return (self._readable or self._make_readable())[side][at][:, self._firsts[layout.places[at][0]] : end]
            block = self._pool.view(self._span.offset, layout.block_bytes, np.uint8)
            return layout.regions[side].of(block, layout.dtype)[:, :, :end].transpose(2, 0, 1, 3)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold both locks of a live entry whose bytes are its own: what an append does in a quicker way."""
        if self._gone:  # its lock may be held by a thread that a fork has left behind
            self._refuse_if_stale()
        with self._writing:
            if not self._ready:
                self._make_ready()
            with self._ledger.lock:
                self._refuse_if_stale()
                yield
