"""Hold one session's block: where it lies, who writes to it, who pins it, and when it may be let go.

    copies > 0, or lent  =>  the block is neither evicted for others, nor moved, nor handed out again
    bytes are counted as tokens, or shown whole, or written to  =>  ready: each was zeroed, or written by this session

Lent is a block for as long as any writable view of it is held, by whomever: all of them refer to one array, and a weak reference
to that array tells when the last one is gone.

Locks: `_writing` of one entry before the manager's, never the other way round. The manager's is not held while bytes are copied.
"""

import threading
import weakref
from collections.abc import Callable
from typing import Any, Final, Literal

from kvcache.errors import ContextOverflowError, StaleEntryError
from kvcache.memory.pool import MemoryPool
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.ledger import Ledger
from kvcache.values import Array, Span, Unique

_MARK_AHEAD: Final = 64 * 1024
"""Bytes."""

AT_ONCE: Final = 256 * 1024
"""Bytes. So much is copied without handing the interpreter to another thread, which would take longer than the copy."""

_CASTABLE: Final = "bBhHiIlLqQefd"
"""Codes of the dtypes that a memoryview can show as bytes."""


class BlockState(Unique):
    """The facts and the state of a block; what a user does with it is added by `KVCacheEntry`."""

    def __init__(
        self,
        pool: MemoryPool,
        layout: KVLayout,
        span: Span,
        *,
        session_id: str,
        ledger: Ledger,
        now: float,
        release: Callable[[Any], None],
        ttl_seconds: float | None = None,
    ) -> None:
        self._pool = pool
        self._layout = layout
        self._token_shape = layout.token_shape
        self._dtype = layout.dtype
        self._span = span
        self._session_id = session_id
        self._ledger = ledger
        self._release = release
        self._ttl = ttl_seconds
        self._writing = threading.Lock()  # one writer at a time: tokens of a session follow each other
        self._gone = False
        self._tokens = 0
        self._uses = 1
        self._pins = 0
        self._copies = 0
        self._began = (0, now)  # step and time at which the copy that is under way began
        self._ready = False  # whether the bytes are known to be the session's own
        self._loan: weakref.ref[Array] | None = None  # of the array that all writable views refer to
        self._lent_at = 0  # the step
        self._marked = 0  # tokens whose pages are known to be written to
        self._raw: tuple[memoryview, memoryview] | None = None  # the same as bytes, where the dtype allows it
        self._regions: tuple[Array, Array] | None = None  # whole key and value region, writable
        self._created_at = self._last_accessed = now

    @property
    def session_id(self) -> str:
        """Whose entry it is."""
        return self._session_id

    @property
    def span(self) -> Span:
        """Where the block lies, or lay; a compaction changes it."""
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
    def is_live(self) -> bool:
        """Whether the handle can still be used."""
        return not self._gone

    @property
    def is_pinned(self) -> bool:
        """Whether somebody holds a pin."""
        return self._pins > 0

    @property
    def is_copying(self) -> bool:
        """Whether bytes are being written to the block right now."""
        return self._copies > 0

    @property
    def is_idle(self) -> bool:
        """Whether the block may be evicted for others, or moved."""
        return not self._pins and not self._copies and self._loan is None

    @property
    def is_ready(self) -> bool:
        """Whether the bytes are known to be the session's own."""
        return self._ready

    def prepare(self) -> None:
        """The manager's: zero the block if it needs that, without its lock."""
        if not self._ready and not self._gone:
            with self._writing:
                self._make_ready()

    def leave(self) -> None:
        """The manager's: be stale from now on; the lock is held."""
        self._gone = True
        self._regions = self._raw = None
        self._let_go_if_idle()

    def lend(self) -> Array:
        """The bytes of the block, to write to: it is lent until the last view of them is gone. Both locks are held."""
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

    def moved_to(self, span: Span) -> None:
        """The manager's: the block lies elsewhere from now on; the lock is held."""
        self._span = span
        self._regions = self._raw = None

    def _begin(self, count: int) -> int:
        """Reserve room for a copy of `count` tokens and return where it begins; both locks are held."""
        if self._gone:
            self._refuse_if_stale()
        first = self._tokens
        if first + count > self._layout.max_context:
            self._refuse_overflow("append", count)
        now = self._ledger.now()
        self._touch(now)
        self._copies += 1
        if self._ledger.tracing:  # as in _start, without its call: this is done per append
            self._began = (self._ledger.step, now)
        if first + count > self._marked:
            self._mark(first, count)
        return first

    def _mark(self, first: int, count: int) -> None:
        """Say that tokens are about to be written, and some more, so that not each small token needs saying."""
        layout = self._layout
        ahead = max(count, _MARK_AHEAD // layout.token_bytes)
        self._marked = min(first + ahead, layout.max_context)
        start, length = self._span.offset + first * layout.token_bytes, (self._marked - first) * layout.token_bytes
        self._pool.mark_dirty(start, length)
        self._pool.mark_dirty(start + layout.value_offset, length)

    def _make_ready(self) -> None:
        """Zero what others may have left in the block, before anybody sees it; `_writing` is held."""
        layout, pool, ledger = self._layout, self._pool, self._ledger
        with ledger.lock:
            if self._gone:
                return
            regions = [(self._span.offset + offset, layout.region_bytes) for offset in (0, layout.value_offset)]
            self._ready = all(pool.is_zero(*region) for region in regions)
            if self._ready:
                return
            self._start(ledger.latest)
        try:
            for region in regions:
                pool.zero_range(*region)
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

    def _touch(self, now: float) -> None:
        self._uses += 1
        if now > self._last_accessed:  # noqa: PLR1730 - max() takes three times as long, and this is done per append
            self._last_accessed = now
        self._ledger.meters.requests.add(now)

    def _let_go_if_idle(self) -> None:
        if self._gone and self.is_idle:
            self._release(self)

    def _make_regions(self) -> tuple[Array, Array]:
        """Shape both regions once for all appends to come; `_begin` marks what is written to."""
        layout, start = self._layout, self._span.offset
        keys = self._pool.view_unmarked(start, layout.region_elements, layout.dtype)
        values = self._pool.view_unmarked(start + layout.value_offset, layout.region_elements, layout.dtype)
        if layout.dtype.isnative and layout.dtype.char in _CASTABLE:
            self._raw = keys.data.cast("B"), values.data.cast("B")
        self._regions = keys.reshape(layout.region_shape), values.reshape(layout.region_shape)
        return self._regions

    def _refuse_overflow(self, action: str, count: int) -> None:
        taken, room = self._tokens, self._layout.max_context
        if taken + count > room:
            expected = f"at most {room} tokens, of which {taken} are taken"
            raise ContextOverflowError(f"{action} to {self._session_id!r}", expected=expected, got=count)

    def _refuse_if_stale(self) -> None:
        if self._gone:
            remedy = "get it again from the manager"
            raise StaleEntryError(f"entry {self._session_id!r}", expected="a live block", got="evicted", remedy=remedy)
