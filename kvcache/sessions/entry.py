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
from kvcache.errors import InvalidSizeError
from kvcache.sessions.shortening import ShorteningEntry
from kvcache.values import Array


class KVCacheEntry(ShorteningEntry):
    """One session's handle, made by the manager; every method may be called from any thread.

    Facts that never change (session_id, layout, max_context_length, size_bytes, created_at) can always be read, and `span` tells
    where the block lies or last lay; everything else raises `StaleEntryError` once the block is gone. Views share the pool's
    memory: outside of `pin()`, a read-only one that is kept beyond the next call that may evict can come to show
    another session. A writable one never does: while it is held, the block is not evicted for others, and if it is
    evicted by name, no other session gets its block.
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

    def key_mut(self) -> Array:
        """Look at the whole key region and write to it, without a copy; counts no tokens, see `commit`.

        While the view, or any view of it, is held, the block stays where it is and is given to no other session.

        Returns:
            Shape [max_context_length, layers, kv_heads, head_dim].

        Raises:
            StaleEntryError: the block is gone.
            OutOfMemoryError: there is no memory for the whole block.
            ShapeError: layers differ in shape.
        """
        return self._region_mut(0)

    def value_mut(self) -> Array:
        """Look at the whole value region and write to it, without a copy; counts no tokens, see `commit`.

        While the view, or any view of it, is held, the block stays where it is and is given to no other session.

        Returns:
            Shape [max_context_length, layers, kv_heads, value_dim].

        Raises:
            StaleEntryError: the block is gone.
            OutOfMemoryError: there is no memory for the whole block.
            ShapeError: layers differ in shape.
        """
        return self._region_mut(1)

    def rows_mut(self) -> tuple[Array, Array]:
        """Look at the rows of keys and of values and write to them, without a copy; for models that write by themselves.

        Write only behind the tokens that are counted, and only as many as `reserve` was asked for; `commit` counts them. While a
        view is held, the block stays where it is and is given to no other session. What is written elsewhere by mistake stays in this
        session: its block is zeroed as a whole before another one has it.

        Returns:
            Keys, shape [layers, kv_heads, max_context_length, head_dim], and values with value_dim.

        Raises:
            StaleEntryError: the block is gone.
            ShapeError: layers differ in shape: use `regions_mut`.
        """
        if self._layout.is_mixed:
            raise self._layout.refuse_mixed("rows_mut", "layout.by_layer(entry.regions_mut()) has those of each layer")
        keys, values = self.regions_mut()
        return keys, values

    def regions_mut(self) -> tuple[Array, ...]:
        """The same where layers differ in shape: one array for each of the layout's `regions`.

        Returns:
            Shape [layers of the group, kv_heads, max_context_length, width] for the keys and for the values of each group of layers;
            `KVLayout.by_layer` sorts them by layer. Places in front of `first_token` hold zeros.

        Raises:
            StaleEntryError: the block is gone.
        """
        layout = self._layout
        with self._alone():
            if not self._owner.limits_memory:
                self._mark_rest()
            block = self.lend()
        self._ledger.deliver()
        return tuple(region.of(block, layout.dtype) for region in layout.regions)

    def reserve(self, count: SupportsIndex) -> int:
        """Take memory for `count` tokens behind those that are counted, so that they can be written to `rows_mut`.

        Returns:
            The number that may be written, which is as many as fit into the pages.

        Raises:
            InvalidSizeError: not a whole number, or negative.
            StaleEntryError: the block is gone.
            ContextOverflowError: so many tokens do not fit.
            OutOfMemoryError: there is no memory for them, and no way to make some.
        """
        tokens = checks.whole_number("reserve", count, minimum=0)
        with self._alone():
            self._refuse_overflow("reserve", tokens, self._tokens)
            self.pass_windows()
            if self._tokens + tokens > self._marked:
                self._mark(self._tokens + tokens)
            room = self._marked - self._tokens
        self._ledger.deliver()
        return room

    def append(self, key: Array, value: Array) -> int:
        """Write the keys and values of one or more tokens behind the ones that are counted.

        Args:
            key: shape [layers, kv_heads, head_dim] for one token, [tokens, layers, kv_heads, head_dim] for several, in the
                dtype of the layout.
            value: the same, with value_dim in the place of head_dim.

        Returns:
            The count of tokens from now on.

        Raises:
            StaleEntryError: the block is gone, or went while the tokens were written.
            DtypeError, ShapeError: the arrays do not fit the layout or each other; nothing was written.
            ContextOverflowError: the tokens do not fit; nothing was written.
            OutOfMemoryError: there is no memory for them, and no way to make some; nothing was written.
        """
        layout = self._layout
        if (
            self._small
            and type(key) is type(value) is np.ndarray
            and key.dtype is layout.dtype is value.dtype
            and key.shape == layout.token_shape
            and value.shape == layout.value_shape
        ):
            last = self._copy_small(key, value)
            if last:
                return last
        keys, values, count = layout.tokens(key, value)
        last = self._copy(keys, values, count)
        self._ledger.deliver()
        return last

    def write(self, layer: SupportsIndex, key: Array, value: Array) -> tuple[Array, Array]:
        """Write the keys and values of one layer behind those that it has; `commit` counts them once all layers have them.

        Args:
            layer: which one.
            key: shape [kv_heads, tokens, head_dim], in the dtype of the layout.
            value: shape [kv_heads, tokens, value_dim].

        Returns:
            `keys` and `values` of the layer, the new ones included.

        Raises:
            OutOfBoundsError: no such layer.
            StaleEntryError: the block is gone, or went while the tokens were written.
            DtypeError, ShapeError: the arrays do not fit the layout or each other; nothing was written.
            ContextOverflowError: the tokens do not fit; nothing was written.
            OutOfMemoryError: there is no memory for them, and no way to make some; nothing was written.
        """
        at = checks.index("layer", layer, count=self._layout.layers)
        keys, values, count = self._layout.layer_tokens(at, key, value)
        end = self._copy(keys, values, count, at)
        self._ledger.deliver()
        seen_keys, seen_values = self._readable or self._layers()
        first = self._firsts[self._layout.places[at][0]] if self._passed else None
        return seen_keys[at][:, first:end], seen_values[at][:, first:end]

    def commit(self, count: SupportsIndex | None = None) -> int:
        """Count tokens that were written behind the ones that are there.

        Args:
            count: so many, which were written through `key_mut` and `value_mut`; None: those that `write` wrote to every layer.

        Returns:
            The count of tokens from now on.

        Raises:
            InvalidSizeError: not a whole number above 0, or one layer was given more tokens than another.
            StaleEntryError: the block is gone.
            ContextOverflowError: so many tokens do not fit.
            OutOfMemoryError: there is no memory for them.
        """
        tokens = None if count is None else checks.whole_number("commit", count, minimum=1)
        with self._alone():
            if tokens is None:
                tokens = min(self._written)
                if tokens < 1 or tokens != max(self._written):
                    raise InvalidSizeError("commit", expected="as many tokens in each layer", got=self._written)
            self._refuse_overflow("commit", tokens, self._tokens)
            self.pass_windows()
            if self._tokens + tokens > self._marked:
                self._mark(self._tokens + tokens)
            now = self._ledger.now()
            self._touch(now)
            self._began = (self._ledger.step, now)
            last = self._advance(tokens)
        self._ledger.deliver()
        return last

    @contextmanager
    def pin(self) -> Iterator[Self]:
        """Keep the block: it is not evicted, so that views stay right; pins may be nested.

        Raises:
            StaleEntryError: the block is gone.
        """
        with self._ledger.delivery, self._ledger.lock:
            self._refuse_if_stale()
            now = self._ledger.now()
            self._pins += 1
            self._ledger.trace("pin", self._session_id, at=now)
        try:
            yield self
        finally:
            with self._ledger.delivery, self._ledger.lock:
                self._pins -= 1
                self._ledger.trace("unpin", self._session_id, at=self._ledger.now_or_latest())
                self._let_go_if_idle()

    def touch(self) -> None:
        """Note that the entry is in use now; a clock that goes back does not make it look older.

        Raises:
            StaleEntryError: the block is gone.
        """
        with self._ledger.delivery, self._ledger.lock:
            self._refuse_if_stale()
            now = self._ledger.now()
            self._touch(now)
            self._ledger.trace("touch", self._session_id, at=now)

    def recode_from(self, source: "KVCacheEntry", tokens: int) -> None:
        """The manager's: take the numbers of another block of the same session, before this one can be found.

        Raises:
            OutOfMemoryError: there is no memory for them.
            DtypeError: the source holds no numbers.
        """
        layout = self._layout
        with self._writing:
            if not self._ready:
                self._make_ready()
            with self._ledger.lock:
                self._begin_at(source.contents(tokens).firsts)
                self._mark(tokens)
                rows = self._writable or self._make_writable()
            for layer in range(layout.layers):
                first = source.first_token(layer)
                for side, floats in zip(rows, source.floats(layer), strict=True):
                    kept = floats[:, : tokens - first]
                    side[layer][:, first:tokens] = kept if layout.coder is None else layout.coder.encode(kept)

    def hit(self, now: float) -> None:
        """The manager's: the entry was handed out; the lock is held."""
        self._ledger.counters.hits += 1
        self._touch(now)
        self._ledger.trace("hit", self._session_id, at=now)

    def _region_mut(self, side: int) -> Array:
        self._layout.refuse_stacked("key_mut, value_mut", "use regions_mut(), or write() layer by layer")
        with self._alone():
            self._own()
            self._mark_rest()
            view = self._layout.regions[side].of(self.lend(), self._layout.dtype)
        self._ledger.deliver()
        return view.transpose(2, 0, 1, 3)

    def _copy_small(self, key: Array, value: Array) -> int:
        """Append one token whose copy takes no longer than the books do, under one lock; 0 where more than that is to be done."""
        began = perf_counter_ns()
        ledger = self._ledger
        if self._gone:
            self._refuse_if_stale()
        with self._writing, ledger.lock:
            first = self._tokens
            if self._gone or not self._ready or first >= self._marked or first >= self._due:
                return 0
            key_region, value_region = self._regions or self._make_regions()
            now = ledger.now()
            key_region[:, :, first] = key
            value_region[:, :, first] = value
            self._touch(now)
            if ledger.tracing:
                self._began = (ledger.step, now)
            last = self._advance(1)
            ledger.meters.append.add(perf_counter_ns() - began)
        ledger.deliver()
        return last

    def _copy(self, keys: Array, values: Array, count: int, layer: int | None = None) -> int:
        """Copy tokens of one layer or, with None, of all, behind those that are there. The manager's lock is not held meanwhile.

        Returns:
            How many tokens the layer, or the session, has from now on.
        """
        began = perf_counter_ns()
        ledger = self._ledger
        if self._gone:  # its lock may be held by a thread that a fork has left behind
            self._refuse_if_stale()
        with self._writing:
            if not self._ready:
                self._make_ready()
            with ledger.lock:
                if self._tokens >= self._due:
                    self.pass_windows()
                first = self._tokens if layer is None else self._tokens + self._written[layer]
                self._begin(count, first, use=layer is None)
                if layer is None:
                    key_rows, value_rows = self._regions or self._make_regions()
                else:
                    of_keys, of_values = self._writable or self._make_writable()
                    key_rows, value_rows = of_keys[layer], of_values[layer]
            last = first + count
            try:
                if layer is None:
                    key_rows[:, :, first:last], value_rows[:, :, first:last] = keys, values
                else:
                    key_rows[:, first:last], value_rows[:, first:last] = keys, values
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
                if layer is None:
                    self._advance(count)
                    ledger.meters.append.add(perf_counter_ns() - began)
                else:
                    self._written[layer] += count
                    self._ahead = True
                    if ledger.step != self._began[0]:
                        self._trace_end("end")
        return last
