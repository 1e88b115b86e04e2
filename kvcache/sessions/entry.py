"""Give one session a handle on its block: views of its keys and values, appending and truncating, pins.

A handle owns no bytes. The manager tells it when its block is gone or lies elsewhere; from then on it is stale, or its views are
made anew.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter_ns
from typing import Self, SupportsIndex

import numpy as np

from kvcache import checks
from kvcache.errors import OutOfBoundsError
from kvcache.sessions.block_state import AT_ONCE, BlockState
from kvcache.values import Array


class KVCacheEntry(BlockState):
    """One session's handle, made by the manager; every method may be called from any thread.

    Facts that never change (session_id, layout, max_context_length, size_bytes, created_at) can always be read, and `span` tells
    where the block lies or last lay; everything else raises `StaleEntryError` once the block is gone. Views share the pool's
    memory: outside of `pin()`, a read-only one that is kept beyond the next call that may evict or move can come to show
    another session. A writable one never does: while it is held, the block is neither evicted for others nor moved, and if it is
    evicted by name, nobody else gets it.
    """

    def __repr__(self) -> str:
        state = "stale" if self._gone else f"{self._tokens}/{self.max_context_length} tokens"
        return f"<KVCacheEntry {self._session_id!r} {state}>"

    def __len__(self) -> int:
        """Tokens appended so far."""
        return self.token_count

    def __bool__(self) -> bool:
        """True, without tokens too: `get` tells an entry from none."""
        return True

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
            Shape [tokens, layers, kv_heads, head_dim]; of one layer, shape [kv_heads, tokens, head_dim].

        Raises:
            StaleEntryError: the block is gone.
            OutOfBoundsError: no such layer.
        """
        return self._view(self._layout.value_offset, layer, whole=whole)

    def key_mut(self) -> Array:
        """Look at the whole key region and write to it, without a copy; counts no tokens, see `commit`.

        While the view, or any view of it, is held, the block stays where it is and serves nobody else.

        Returns:
            Shape [max_context_length, layers, kv_heads, head_dim].

        Raises:
            StaleEntryError: the block is gone.
        """
        return self._region_mut(0)

    def value_mut(self) -> Array:
        """Look at the whole value region and write to it, without a copy; counts no tokens, see `commit`.

        While the view, or any view of it, is held, the block stays where it is and serves nobody else.

        Returns:
            Shape [max_context_length, layers, kv_heads, head_dim].

        Raises:
            StaleEntryError: the block is gone.
        """
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
            StaleEntryError: the block is gone, or went while the tokens were written.
            DtypeError, ShapeError, ContiguityError: the arrays do not fit the layout or each other; nothing was written.
            ContextOverflowError: the tokens do not fit; nothing was written.
        """
        began = perf_counter_ns()
        # One token of the right kind, asked in the order of what it costs to ask.
        if (
            type(key) is np.ndarray is type(value)
            and key.shape == self._token_shape == value.shape
            and key.dtype is self._dtype is value.dtype
            and key.flags.c_contiguous
            and value.flags.c_contiguous
        ):
            count = 1
        else:
            key, value, count = self._layout.tokens(key, value)
        ledger = self._ledger
        if self._gone:  # its lock may be held by a thread that a fork has left behind
            self._refuse_if_stale()
        with self._writing:
            if not self._ready:
                self._make_ready()
            with ledger.lock:
                first = self._begin(count)
                keys, values = self._regions or self._make_regions()
                raw = self._raw
            try:
                if 0 < key.nbytes <= AT_ONCE and raw is not None:
                    start = first * self._layout.token_bytes
                    end = start + key.nbytes
                    raw[0][start:end] = key.data.cast("B")
                    raw[1][start:end] = value.data.cast("B")
                else:
                    keys[first : first + count] = key
                    values[first : first + count] = value
            except BaseException:
                with ledger.lock:
                    self._end()
                    self._trace_end("end")
                raise
            with ledger.lock:
                self._end()
                if self._gone:
                    self._trace_end("end")
                    self._refuse_if_stale()
                last = self._advance(count)
                ledger.meters.append.add(perf_counter_ns() - began)
        if ledger.tracing:
            ledger.deliver()
        return last

    def commit(self, count: SupportsIndex) -> int:
        """Count tokens that were written through `key_mut` and `value_mut` behind the ones that are there.

        Returns:
            The count of tokens from now on.

        Raises:
            InvalidSizeError: not a whole number above 0.
            StaleEntryError: the block is gone.
            ContextOverflowError: so many tokens do not fit.
        """
        tokens = checks.whole_number("commit", count, minimum=1)
        with self._alone():
            self._refuse_overflow("commit", tokens)
            now = self._ledger.now()
            self._touch(now)
            self._began = (self._ledger.step, now)
            last = self._advance(tokens)
        if self._ledger.tracing:
            self._ledger.deliver()
        return last

    def truncate(self, count: SupportsIndex) -> None:
        """Keep the first `count` tokens; the next ones are written behind them.

        Raises:
            InvalidSizeError: not a whole number, or negative.
            OutOfBoundsError: there are fewer tokens than that.
            StaleEntryError: the block is gone.
        """
        kept = checks.whole_number("truncate", count, minimum=0)
        with self._alone():
            if kept > self._tokens:
                raise OutOfBoundsError("truncate", expected=f"at most the {self._tokens} tokens there are", got=kept)
            now = self._ledger.now()
            self._ledger.counters.tokens -= self._tokens - kept
            self._tokens = kept
            self._ledger.trace("truncate", self._session_id, kept, at=now)
        if self._ledger.tracing:
            self._ledger.deliver()

    @contextmanager
    def pin(self) -> Iterator[Self]:
        """Keep the block where it is: neither evicted nor moved, so that views stay right; pins may be nested.

        Raises:
            StaleEntryError: the block is gone.
        """
        with self._ledger:
            self._refuse_if_stale()
            now = self._ledger.now()
            self._pins += 1
            self._ledger.trace("pin", self._session_id, at=now)
        try:
            yield self
        finally:
            with self._ledger:
                self._pins -= 1
                self._ledger.trace("unpin", self._session_id, at=self._ledger.now_or_latest())
                self._let_go_if_idle()

    def touch(self) -> None:
        """Note that the entry is in use now; a clock that goes back does not make it look older.

        Raises:
            StaleEntryError: the block is gone.
        """
        with self._ledger:
            self._refuse_if_stale()
            now = self._ledger.now()
            self._touch(now)
            self._ledger.trace("touch", self._session_id, at=now)

    def hit(self, now: float) -> None:
        """The manager's: somebody got the entry; the lock is held."""
        self._touch(now)
        self._ledger.trace("hit", self._session_id, at=now)

    def _advance(self, count: int) -> int:
        """Count tokens whose copy has ended."""
        self._tokens += count
        counters = self._ledger.counters
        counters.tokens += count
        counters.appended_tokens += count
        if self._ledger.tracing:
            step, now = self._began
            begun = None if step == self._ledger.step else step
            self._ledger.trace("append", self._session_id, count, at=now, begun=begun)
        return self._tokens

    def _view(self, region_offset: int, layer: SupportsIndex | None, *, whole: bool) -> Array:
        layout = self._layout
        # The whole region can be seen only once it is zeroed, which is a kind of writing; tokens are there after that.
        with self._alone() if whole else self._ledger.lock:
            self._refuse_if_stale()
            flat = self._pool.view(self._span.offset + region_offset, layout.region_elements, layout.dtype)
            seen = flat.reshape(layout.region_shape)[: None if whole else self._tokens]
        if layer is None:
            return seen
        return seen[:, checks.index("layer", layer, count=layout.layers)].transpose(1, 0, 2)

    def _region_mut(self, region_offset: int) -> Array:
        layout = self._layout
        with self._alone():
            flat = self.lend()[region_offset : region_offset + layout.region_bytes]
        if self._ledger.tracing:
            self._ledger.deliver()
        return flat.view(layout.dtype).reshape(layout.region_shape)

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
