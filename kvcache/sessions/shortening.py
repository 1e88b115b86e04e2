"""Take tokens away from a session: from the end, from the middle, or all but a window; and give their memory back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import SupportsIndex, TypeAlias

import numpy as np

from kvcache import checks
from kvcache.encodings.reading import numbers
from kvcache.errors import DtypeError, InvalidSizeError, OutOfBoundsError
from kvcache.memory.dirty_pages import PAGE
from kvcache.sessions.windows import WindowedEntry
from kvcache.values import Array, align_up

Rotate: TypeAlias = Callable[[Array, int], Array]
"""Takes keys, shape [kv_heads, tokens, head_dim], and by how many positions they move; returns them as they are there."""


@dataclass(frozen=True, slots=True)
class Rotary:
    """Rotary positions (RoPE): turns the keys of tokens that go to other positions.

    Attributes:
        base: the model's `rope_theta`.
        width: elements of a head that are turned; None: all.
        interleaved: whether neighbours are turned together (GPT-J), rather than the halves of a head (Llama).
    """

    base: float = 10000.0
    width: int | None = None
    interleaved: bool = False

    def __call__(self, keys: Array, by: int, /) -> Array:
        """The keys at positions that are `by` larger."""
        width = keys.shape[-1] if self.width is None else self.width
        if not 0 < width <= keys.shape[-1] or width % 2:
            raise InvalidSizeError("rotary width", expected=f"an even number up to {keys.shape[-1]}", got=width)
        angles = by * self.base ** (-np.arange(0, width, 2) / width)
        cosine, sine = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
        turned: Array = keys.astype(np.float32)
        half = width // 2
        one, other = (slice(0, width, 2), slice(1, width, 2)) if self.interleaved else (slice(half), slice(half, width))
        x, y = turned[..., one].copy(), turned[..., other].copy()
        turned[..., one], turned[..., other] = x * cosine - y * sine, y * cosine + x * sine
        return turned.astype(keys.dtype)


class ShorteningEntry(WindowedEntry):
    """What can be taken away from a session; writing is added by `KVCacheEntry`."""

    def truncate(self, count: SupportsIndex) -> None:
        """Keep the first `count` tokens; the next ones are written behind them. What was not committed is forgotten.

        Raises:
            InvalidSizeError: not a whole number, or negative.
            OutOfBoundsError: there are fewer tokens than that, or what was in front of the window of the last one was given back; nothing
                was changed. The last `SLACK` (64) tokens that it ever had can always go, and all of them.
            StaleEntryError: the block is gone.
        """
        kept = checks.whole_number("truncate", count, minimum=0)
        with self._alone():
            if kept > self._tokens:
                raise OutOfBoundsError("truncate", expected=f"at most the {self._tokens} tokens there are", got=kept)
            self._refuse_lost("truncate", kept)
            now = self._ledger.now()
            self._keep(kept)
            if not kept:
                self._begin_again()
            self._lose(kept)
            self._ledger.trace("truncate", self._session_id, kept, at=now)
        self._ledger.deliver()

    def remove(self, first: SupportsIndex, last: SupportsIndex, *, rotate: Rotate | None = None) -> int:
        """Remove the tokens from `first` up to, but without, `last`; those behind them follow on. What was not committed is forgotten.

        No other thread may read the session meanwhile. Where `rotate` raises, the tokens before `first` are left.

        Args:
            first: the first token that goes.
            last: the first one that stays behind it.
            rotate: how keys change with their position, see `Rotary`; None: not at all.

        Returns:
            The count of tokens from now on.

        Raises:
            InvalidSizeError: not whole numbers.
            OutOfBoundsError: there are no such tokens.
            StaleEntryError: the block is gone.
            OutOfMemoryError: pages that are shared have to be written to, and there is no memory for them; nothing was changed.
            DtypeError: keys of this dtype cannot be turned; nothing was changed.
            ShapeError: layers give back what is in front of their windows, so that tokens cannot follow on; nothing was changed.
        """
        start, end = checks.whole_number("remove", first, minimum=0), checks.whole_number("remove", last, minimum=0)
        layout, ledger = self._layout, self._ledger
        layout.refuse_windows("remove", "make the layout without windows")
        if rotate is not None and layout.coder is None and layout.dtype.kind != "f":
            raise DtypeError("remove: rotate", expected="keys that are numbers", got=layout.dtype)
        with self._writing:
            if not self._ready:
                self._make_ready()
            with ledger.lock:
                self._refuse_if_stale()
                if not start <= end <= self._tokens:
                    expected = f"a range of the {self._tokens} tokens there are"
                    raise OutOfBoundsError("remove", expected=expected, got=(start, end))
                tokens = self._tokens
                left = tokens - (end - start)
                self._write_again(start, left)
                now = ledger.now()
                rows = self._writable or self._make_writable()
                self._start(now)
                self._lose(start if start < end else left)  # while tokens are neither here nor there, they do not count
            try:
                for shape, keys, values in zip(layout.shapes, *rows, strict=True) if start < end else ():
                    moved = keys[:, end:tokens]
                    turned = moved if rotate is None else self._turned(moved, start - end, rotate, shape.head_dim)
                    keys[:, start:left] = turned
                    values[:, start:left] = values[:, end:tokens]
                with ledger.lock:
                    if not self._gone:
                        ledger.counters.tokens += left - self._tokens
                        self._tokens = left
            finally:
                with ledger.lock:
                    self._end()
                    if not self._gone:
                        ledger.trace("truncate", self._session_id, self._tokens, at=now)
        ledger.deliver()
        self._refuse_if_stale()
        return left

    def slide(self, window: SupportsIndex, *, sinks: SupportsIndex = 0, rotate: Rotate | None = None) -> int:
        """Keep the first `sinks` tokens and the last `window`, which follow on, and give the memory of the others back.

        Call it every so many tokens rather than for each: it moves the window.

        Args:
            window: tokens.
            sinks: tokens; attention that has lost the first ones of a text goes astray.
            rotate: how keys change with their position, see `Rotary`; None: not at all.

        Returns:
            How many tokens went.

        Raises:
            InvalidSizeError: not whole numbers, or negative.
            StaleEntryError, OutOfMemoryError, DtypeError, ShapeError: as for `remove`.
        """
        self._layout.refuse_windows("slide", "windows of layers slide by themselves")
        first = checks.whole_number("slide: sinks", sinks, minimum=0)
        gone = self.token_count - first - checks.whole_number("slide: window", window, minimum=0)
        if gone <= 0:
            return 0
        self.remove(first, first + gone, rotate=rotate)
        self.shrink()
        return gone

    def shrink(self) -> int:
        """Give the memory behind the tokens, and in front of windows, back to the system, in whole pages; while a writable view is held, none.

        Returns:
            How many bytes less the cache takes.

        Raises:
            StaleEntryError: the block is gone.
        """
        with self._alone():
            self.settle()
            layout, pool = self._layout, self._pool
            kept = self._tokens + max(self._written)
            if self._loan is not None or not pool.can_release:
                return 0
            given = self.pass_windows()
            if kept < self._marked:
                before = pool.resident
                for region in layout.regions:
                    start = align_up(kept * region.token_bytes, PAGE)
                    for row in range(region.rows):
                        offset = self._span.offset + region.offset + row * region.row_bytes
                        pool.release(offset + start, max(region.row_bytes - start, 0))
                self._marked = kept
                given += before - pool.resident
            if given:
                self._ledger.trace("shrink", self._session_id, at=self._ledger.latest)
        self._ledger.deliver()
        return given

    def _lose(self, kept: int) -> None:
        """Count only the first tokens, and forget what was not committed; both locks are held."""
        self._forget_written()
        lost, counters = self._tokens - kept, self._ledger.counters
        if lost:
            self._truncations += 1
            self._tokens = kept
            counters.tokens -= lost
            self._ledger.lose(self, kept)

    def _turned(self, keys: Array, by: int, rotate: Rotate, elements: int) -> Array:
        coder = self._layout.coder
        if coder is None:
            return rotate(keys, by)
        return coder.encode(rotate(numbers(keys, coder, elements, None), by))
