"""Hold one session's block: where it is, what writes to it, what pins it, and when it may be let go.

    copies > 0, or lent  =>  the block is neither evicted for others nor handed out again
    bytes are counted as tokens, or shown whole, or written to  =>  ready: each was zeroed, or written by this session

A block is lent for as long as any writable view of it is held anywhere: all of them refer to one array, and a weak reference
to that array tells when the last one is gone.

Locks: `_writing` of one entry before the manager's, never the other way round. The manager's is not held while bytes are copied.
"""

import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, Protocol

import numpy as np

from kvcache.errors import ContextOverflowError, StaleEntryError
from kvcache.memory.dirty_pages import PAGE
from kvcache.memory.pool import MemoryPool
from kvcache.memory.sealed import SealedRows
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.ledger import Ledger
from kvcache.sessions.regions import SLACK
from kvcache.values import Array, Span, Unique, align_up

SMALL: Final = 64 * 1024
"""Bytes of a token that is copied without letting the manager's lock go, which takes no longer than the books do."""


class Owner(Protocol):
    """The maker of a block, which takes it back; its lock is held in every call."""

    @property
    def limits_memory(self) -> bool:
        """Whether memory is counted, and given back with the block."""

    def release(self, block: "BlockState", /) -> None:
        """Take the block back: it is not used any more."""

    def make_memory(self, block: "BlockState", missing: Callable[[], int], /) -> None:
        """See to it that `missing()` more bytes can be written to in the block; may wait, with the lock let go.

        Raises:
            OutOfMemoryError: there is no way.
        """


class BlockState(Unique):
    """The facts and the state of a block; what a user does with it is added by `KVCacheEntry`."""

    # Slots: with more than 30 attributes in a dict, each takes half as long again to look up.
    # fmt: off
    __slots__ = (
        "__weakref__", "_ahead", "_began", "_copies", "_created_at", "_due", "_firsts", "_fronts", "_gives_back",
        "_gone", "_held", "_last_accessed", "_layout", "_ledger", "_lent_at", "_loan", "_marked", "_owner", "_passed",
        "_pieces", "_pins", "_pool", "_priority", "_readable", "_ready", "_regions", "_session_id", "_small", "_span",
        "_tokens", "_truncations", "_ttl", "_uses", "_writable", "_writing", "_written",
    )
    # fmt: on

    def __init__(
        self,
        pool: MemoryPool,
        layout: KVLayout,
        span: Span,
        *,
        session_id: str,
        ledger: Ledger,
        now: float,
        owner: Owner,
        ttl_seconds: float | None = None,
        priority: int = 0,
    ) -> None:
        self._pool = pool
        self._layout = layout
        self._span = span
        self._session_id = session_id
        self._ledger = ledger
        self._owner = owner
        self._ttl = ttl_seconds
        self._writing = threading.Lock()  # one writer at a time: tokens of a session follow each other
        self._gone = False
        self._tokens = 0
        self._truncations = 0
        self._uses = 1
        self._priority = priority
        self._pins = 0
        self._copies = 0
        one = layout.coder is None and not layout.is_mixed
        self._small = one and layout.block_bytes <= SMALL * layout.max_context
        self._began = (0, now)  # step and time at which the copy that is under way began
        self._ready = False  # whether the bytes are known to be the session's own
        self._loan: weakref.ref[Array] | None = None  # of the array that all writable views refer to
        self._lent_at = 0  # the step
        self._marked = 0  # tokens whose pages are known to be written to, or to show sealed rows
        self._firsts = [0] * len(layout.groups)  # the first token that is there, of each group of layers
        self._fronts = [0] * len(layout.regions)  # bytes of each row whose pages were given back, see `windows`
        self._passed = False  # whether there ever were any
        self._gives_back = layout.has_windows and pool.can_release
        self._set_due()
        self._pieces: tuple[tuple[Any, ...], ...] = ((),) * len(layout.regions)  # that each region shows, see `sharing`
        self._held = list[SealedRows]()  # that are mapped into the block
        self._regions: tuple[Array, ...] | None = None  # those of the layout as a whole, writable
        self._writable: tuple[list[Array], list[Array]] | None = None  # the same by layer: keys, and values
        self._readable: tuple[list[Array], list[Array]] | None = None  # the same, read-only
        self._ahead = False  # whether any layer has tokens that are not counted
        self._written = [0] * layout.layers  # tokens of each layer behind those that are counted, see `write`
        self._created_at = self._last_accessed = now

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
    def ttl_seconds(self) -> float | None:
        """The session's own time to live; None: the manager's."""
        return self._ttl

    @property
    def priority(self) -> int:
        """Sessions of a lower one go first, see `KVCacheManager.prioritize`."""
        return self._priority

    @property
    def truncations(self) -> int:
        """How often tokens were taken away: while it is the same, no token has become another one."""
        return self._truncations

    @property
    def is_live(self) -> bool:
        """Whether the handle can still be used."""
        return not self._gone

    @property
    def is_pinned(self) -> bool:
        """Whether the block is pinned."""
        return self._pins > 0

    @property
    def is_copying(self) -> bool:
        """Whether bytes are being written to the block right now."""
        return self._copies > 0

    @property
    def is_idle(self) -> bool:
        """Whether the block may be evicted for others."""
        return not self._pins and not self._copies and self._loan is None

    @property
    def resident_bytes(self) -> int:
        """Bytes of memory that the tokens take, in whole pages where rows begin at pages; without those that are shared."""
        layout = self._layout
        if self._held:
            return self._pool.own_bytes(self._span.offset, layout.block_bytes)
        return sum(
            region.rows * (align_up(self._marked * region.token_bytes, PAGE) - front)
            for region, front in zip(layout.regions, self._fronts, strict=True)
        )

    @property
    def is_ready(self) -> bool:
        """Whether the bytes are known to be the session's own."""
        return self._ready

    def take_priority(self, priority: int) -> None:
        """The manager's: have another priority; the lock is held."""
        self._priority = priority

    def prepare(self) -> None:
        """The manager's: zero the block if it needs that, without its lock."""
        if not self._ready and not self._gone:
            with self._writing:
                self._make_ready()

    def leave(self) -> None:
        """The manager's: be stale from now on; the lock is held."""
        self._gone = True
        self._ledger.lose(self, 0)
        self._regions = self._writable = self._readable = None
        self._let_go_if_idle()

    def lend(self) -> Array:
        """The bytes of the block, to write to where pages are marked: it is lent until the last view of them is gone.

        Both locks are held.
        """
        lent = self._loan() if self._loan is not None else None
        if lent is None:
            ledger = self._ledger
            now = ledger.now()
            self.settle()
            lent = self._pool.lend(self._span.offset, self._span.length)
            # The last view may go at any time, in any thread, so that the end is only noted, for `settle`.
            self._loan = weakref.ref(lent, lambda _: ledger.returned.append(self.settle))
            self._lent_at = ledger.step
            ledger.trace("lend", self._session_id, at=now)
        return lent

    def settle(self) -> None:
        """The manager's: note that the last writable view is gone, if it is; the lock is held."""
        if self._loan is not None and self._loan() is None:
            self._loan = None
            self._ledger.trace("return", self._session_id, at=self._ledger.latest, begun=self._lent_at)
            self._let_go_if_idle()

    def forget_threads(self) -> None:
        """The manager's, in the child of a fork: no other thread writes any more; the lock is held."""
        self._writing = threading.Lock()
        self._copies = 0
        self._let_go_if_idle()

    def inherit(self, other: "BlockState") -> None:
        """The manager's: be as old, as used and as full as the block of the same session that goes; the lock is held."""
        for name in ("_created_at", "_last_accessed", "_uses", "_tokens", "_truncations", "_priority"):
            setattr(self, name, getattr(other, name))

    def _set_due(self) -> None:
        """Note with how many tokens the next ones in front of a window are given back."""
        due = [
            first + group.step + group.window - 1 + SLACK
            for group, first in zip(self._layout.groups, self._firsts, strict=True)
            if group.window is not None and self._gives_back
        ]
        self._due = min(due, default=sys.maxsize)

    def _begin(self, count: int, first: int, *, use: bool = True) -> None:
        """Get ready for a copy of `count` tokens from the place `first` on, which is a use or part of one; both locks are held."""
        if self._gone:
            self._refuse_if_stale()
        if first + count > self._layout.max_context:
            self._refuse_overflow("append", count, first)
        if first + count > self._marked:
            self._mark(first + count)
        now = self._ledger.now()
        if use:
            self._touch(now)
        self._copies += 1
        if self._ledger.tracing:  # as in _start, without its call: this is done per append
            self._began = (self._ledger.step, now)

    def _mark_rest(self) -> None:
        """Say that any part of the block may be written to."""
        if self._marked < self._layout.max_context:
            self._mark(self._layout.max_context)

    def _mark(self, tokens: int, starts: Sequence[int] | None = None) -> None:
        """Say that the first `tokens` tokens are about to be written, and more of them up to the end of a page.

        Args:
            tokens: how many.
            starts: bytes of the rows of each region that need no marking; None: those of the tokens that are marked.
        """
        layout = self._layout
        ends, firsts = list[int](), list[int]()
        for number, region in enumerate(layout.regions):
            width = region.token_bytes
            ends.append(max(tokens, align_up(tokens * width, PAGE) // width))
            firsts.append(max(self._marked * width, self._fronts[number]) if starts is None else starts[number])
        marked = min(*ends, layout.max_context)

        def clean() -> list[Any]:
            return [
                self._pool.clean_rows(
                    self._span.offset + region.offset + first,
                    marked * region.token_bytes - first,
                    rows=region.rows,
                    stride=region.row_bytes,
                )
                for region, first in zip(layout.regions, firsts, strict=True)
            ]

        self._copies += 1  # it is not evicted meanwhile
        try:
            self._owner.make_memory(self, lambda: sum(map(len, clean())) * PAGE)
        finally:
            self._end()
        if self._gone:  # it was evicted by name
            self._refuse_if_stale()
        for pages in clean():
            self._pool.mark_pages(pages)
        self._marked = marked

    def _make_ready(self) -> None:
        """Zero what others may have left in the block, before it is shown; `_writing` is held."""
        layout, pool, ledger = self._layout, self._pool, self._ledger
        with ledger.lock:
            if self._gone:
                return
            block = self._span.offset, layout.block_bytes
            self._ready = pool.is_zero(*block)
            if self._ready:
                return
            self._start(ledger.latest)
        try:
            pool.zero_range(*block)
            self._ready = True
        finally:
            with ledger.lock:
                self._end()
                self._trace_end("zeroed")

    def _start(self, now: float) -> None:
        """A copy begins; both locks are held."""
        self._copies += 1
        self._began = (self._ledger.step, now)

    def _trace_end(self, action: Literal["end", "zeroed"]) -> None:
        """Tell of a copy that has ended without new tokens; where nothing happened meanwhile, it was a use, or nothing."""
        step, now = self._began
        if self._ledger.step != step:
            self._ledger.trace(action, self._session_id, at=now, begun=step)
        elif action == "end":
            self._ledger.trace("touch", self._session_id, at=now)

    def _end(self) -> None:
        """A copy has ended; the manager's lock is held."""
        self._copies -= 1
        if self._gone:
            self._let_go_if_idle()
        if self._ledger.waiting:
            self._ledger.copied.notify_all()

    def _advance(self, count: int) -> int:
        """Count tokens whose copy has ended."""
        self._forget_written()
        counters = self._ledger.counters
        self._tokens += count  # without a call in between, so that no interrupt comes in between
        counters.tokens += count
        counters.appended_tokens += count
        if self._ledger.tracing:
            step, now = self._began
            begun = None if step == self._ledger.step else step
            self._ledger.trace("append", self._session_id, count, at=now, begun=begun)
        return self._tokens

    def _forget_written(self) -> None:
        """The tokens of all layers are those that are counted."""
        if self._ahead:
            self._ahead = False
            self._written = [0] * len(self._written)

    def _touch(self, now: float) -> None:
        self._uses += 1
        if now > self._last_accessed:  # noqa: PLR1730 - max() takes three times as long, and this is done per append
            self._last_accessed = now
        self._ledger.meters.requests.add(now)

    def _let_go_if_idle(self) -> None:
        if self._gone and self.is_idle:
            self._owner.release(self)

    def _make_regions(self) -> tuple[Array, ...]:
        """Shape all regions once for all writes to come; `_mark` says what is written to."""
        layout = self._layout
        block = self._pool.view_unmarked(self._span.offset, layout.block_bytes, np.uint8)
        self._regions = tuple(region.of(block, layout.dtype) for region in layout.regions)
        return self._regions

    def _make_writable(self) -> tuple[list[Array], list[Array]]:
        """The same layer by layer."""
        self._writable = self._layout.by_layer(self._regions or self._make_regions())
        return self._writable

    def _make_readable(self) -> tuple[list[Array], list[Array]]:
        """Shape all regions once for all looks to come, layer by layer."""
        layout = self._layout
        block = self._pool.view(self._span.offset, layout.block_bytes, np.uint8)
        self._readable = layout.by_layer([region.of(block, layout.dtype) for region in layout.regions])
        return self._readable

    def _refuse_overflow(self, action: str, count: int, taken: int) -> None:
        room = self._layout.max_context
        if taken + count > room:
            expected = f"at most {room} tokens, of which {taken} are taken"
            raise ContextOverflowError(f"{action} to {self._session_id!r}", expected=expected, got=count)

    def _refuse_if_stale(self) -> None:
        if self._gone:
            remedy = "get it again from the manager"
            raise StaleEntryError(f"entry {self._session_id!r}", expected="a live block", got="evicted", remedy=remedy)
