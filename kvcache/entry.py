"""Give one session a handle on its block: views of its keys and values, and appending of tokens.

A handle owns no bytes. It asks the pool before each use whether its span is still live; serials of spans are never used twice,
so a handle that outlived its block notices even when other bytes have taken the place.
"""

from contextlib import AbstractContextManager
from typing import NoReturn, SupportsIndex

import numpy as np

from kvcache import checks
from kvcache.errors import (
    ContextOverflowError,
    ContiguityError,
    DtypeError,
    OutOfBoundsError,
    ShapeError,
    StaleEntryError,
)
from kvcache.layout import KVLayout
from kvcache.pool import MemoryPool
from kvcache.values import Array, Clock, Span


class KVCacheEntry:
    """One session's handle, made by the manager.

    Facts that never change (session_id, span, layout, max_context_length, size_bytes, created_at) can always be read; everything
    else raises `StaleEntryError` once the block is gone. Views share the pool's memory: one that is kept beyond the next
    call that may evict can come to show another session, so copy what must last.
    """

    def __init__(
        self,
        pool: MemoryPool,
        layout: KVLayout,
        span: Span,
        *,
        session_id: str,
        clock: Clock,
        lock: AbstractContextManager[object],
    ) -> None:
        self._pool = pool
        self._layout = layout
        self._span = span
        self._session_id = session_id
        self._clock = clock
        self._lock = lock  # the manager's own: no block may go between the question whether it is live and its use
        self._tokens = 0
        self._created_at = self._last_accessed = clock()

    def __repr__(self) -> str:
        state = f"{self._tokens}/{self.max_context_length} tokens" if self.is_live else "stale"
        return f"<KVCacheEntry {self._session_id!r} {state}>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a KVCacheEntry cannot be copied or pickled: the copy's count of tokens would go its own way")

    @property
    def session_id(self) -> str:
        """Whose entry it is."""
        return self._session_id

    @property
    def span(self) -> Span:
        """Where the block lies, or lay."""
        return self._span

    @property
    def layout(self) -> KVLayout:
        """How keys and values lie in the block."""
        return self._layout

    @property
    def max_context_length(self) -> int:
        """Tokens that fit."""
        return self._layout.max_context

    @property
    def size_bytes(self) -> int:
        """Bytes of the block, padding included."""
        return self._span.length

    @property
    def created_at(self) -> float:
        """When the entry was made, in seconds of the manager's clock."""
        return self._created_at

    @property
    def is_live(self) -> bool:
        """Whether the handle can still be used."""
        return self._pool.is_live(self._span)

    @property
    def token_count(self) -> int:
        """Tokens appended so far."""
        with self._lock:
            self._refuse_if_stale()
            return self._tokens

    @property
    def last_accessed(self) -> float:
        """When the entry was last got or appended to, in seconds of the manager's clock."""
        with self._lock:
            self._refuse_if_stale()
            return self._last_accessed

    def key(self, layer: SupportsIndex | None = None) -> Array:
        """Look at the keys of the tokens so far, read-only and without a copy.

        Returns:
            Shape [token_count, layers, kv_heads, head_dim]; of one layer, shape [kv_heads, token_count, head_dim].

        Raises:
            StaleEntryError: the block is gone.
            OutOfBoundsError: no such layer.
        """
        return self._view(0, layer)

    def value(self, layer: SupportsIndex | None = None) -> Array:
        """Look at the values of the tokens so far, read-only and without a copy.

        Returns:
            Shape [token_count, layers, kv_heads, head_dim]; of one layer, shape [kv_heads, token_count, head_dim].

        Raises:
            StaleEntryError: the block is gone.
            OutOfBoundsError: no such layer.
        """
        return self._view(self._layout.value_offset, layer)

    def key_mut(self) -> Array:
        """Look at the whole key region and write to it, without a copy; counts no tokens.

        Returns:
            Shape [max_context_length, layers, kv_heads, head_dim].

        Raises:
            StaleEntryError: the block is gone.
        """
        with self._lock:
            return self._region_mut(0)

    def value_mut(self) -> Array:
        """Look at the whole value region and write to it, without a copy; counts no tokens.

        Returns:
            Shape [max_context_length, layers, kv_heads, head_dim].

        Raises:
            StaleEntryError: the block is gone.
        """
        with self._lock:
            return self._region_mut(self._layout.value_offset)

    def append(self, key: Array, value: Array) -> int:
        """Write the keys and values of one or more tokens behind the ones that are there.

        Args:
            key: shape [layers, kv_heads, head_dim] for one token, [tokens, layers, kv_heads, head_dim] for several; C-contiguous,
                in the dtype of the layout.
            value: the same shape as `key`.

        Returns:
            The count of tokens from now on.

        Raises:
            StaleEntryError: the block is gone.
            DtypeError, ShapeError, ContiguityError: the arrays do not fit the layout or each other; nothing was written.
            ContextOverflowError: the tokens do not fit; nothing was written.
        """
        with self._lock:
            self._refuse_if_stale()
            keys, values = self._tokens_of("append: key", key), self._tokens_of("append: value", value)
            if keys.shape != values.shape:
                raise ShapeError("append: value", expected=f"the shape of key, {key.shape}", got=value.shape)
            first, last = self._tokens, self._tokens + len(keys)
            if last > self.max_context_length:
                expected = f"at most {self.max_context_length} tokens, of which {first} are taken"
                raise ContextOverflowError(f"append to {self._session_id!r}", expected=expected, got=len(keys))
            self.touch()
            self._region_mut(0)[first:last] = keys
            self._region_mut(self._layout.value_offset)[first:last] = values
            self._tokens = last
            return last

    def touch(self) -> None:
        """Note that the entry is in use now; a clock that goes back does not make it look older.

        Raises:
            StaleEntryError: the block is gone.
        """
        with self._lock:
            self._refuse_if_stale()
            self._last_accessed = max(self._last_accessed, self._clock())

    def _view(self, region_offset: int, layer: SupportsIndex | None) -> Array:
        layout = self._layout
        with self._lock:
            self._refuse_if_stale()
            flat = self._pool.view(self._span.offset + region_offset, layout.region_elements, layout.dtype)
            used = flat.reshape(layout.region_shape)[: self._tokens]
        if layer is None:
            return used
        index = checks.whole_number("layer", layer, minimum=0)
        if index >= layout.layers:
            raise OutOfBoundsError("layer", expected=f"0 to {layout.layers - 1}", got=index)
        return used[:, index].transpose(1, 0, 2)

    def _region_mut(self, region_offset: int) -> Array:
        self._refuse_if_stale()
        layout = self._layout
        flat = self._pool.view_mut(self._span.offset + region_offset, layout.region_elements, layout.dtype)
        return flat.reshape(layout.region_shape)

    def _tokens_of(self, subject: str, array: object) -> Array:
        """Return `array` as [tokens, layers, kv_heads, head_dim] after checking that it is one or more tokens."""
        layout = self._layout
        if not isinstance(array, np.ndarray) or array.dtype != layout.dtype:
            raise DtypeError(subject, expected=f"an array of {layout.dtype}", got=getattr(array, "dtype", type(array)))
        if array.shape[-3:] != layout.token_shape or array.ndim not in {3, 4}:
            shape = ", ".join(map(str, layout.token_shape))
            raise ShapeError(subject, expected=f"[{shape}] or [tokens, {shape}]", got=array.shape)
        if not array.flags.c_contiguous:
            remedy = "pass it through numpy.ascontiguousarray"
            raise ContiguityError(subject, expected="a C-contiguous array", got=array.strides, remedy=remedy)
        return array if array.ndim == 4 else array[np.newaxis]

    def _refuse_if_stale(self) -> None:
        if not self._pool.is_live(self._span):
            remedy = "get it again from the manager"
            raise StaleEntryError(f"entry {self._session_id!r}", expected="a live block", got="evicted", remedy=remedy)
