"""Keep what engines save of a text as bytes of varying size, in one pool, and find what has the longest beginning of another text.

A state is known by its text: the tokens that it was computed from. Tokens are compared, so that nothing collides, and each namespace (a
tenant, a model, an adapter) has its own texts.

    used bytes of the pool == the sizes of all states, each in whole units of its alignment
"""

from __future__ import annotations

import itertools
import math
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias

import numpy as np

from kvcache import checks, forking
from kvcache.errors import IntegrityError, StaleEntryError
from kvcache.integrations.text_map import TextMap
from kvcache.memory.pool import MemoryPool
from kvcache.sessions.eviction import LRU, Candidate, Policy, choose_window
from kvcache.token_text import WIDTH, bytes_of
from kvcache.values import Array, Clock, Closing, Span, Unique, align_up

if TYPE_CHECKING:
    import numpy.typing as npt

Fill: TypeAlias = Callable[[Array], object]
"""Writes a state to the bytes that it is given."""


@dataclass(frozen=True, slots=True)
class StateStatistics:
    """What a store held and had done at one moment. Sizes are in bytes.

    Attributes:
        states: that it holds.
        bytes_capacity: of all states together.
        bytes_used: of those that it holds.
        hits: look-ups that found a state.
        misses: look-ups that did not.
        tokens_found: that the texts of hits had in common with what they found; the last one of a text never counts.
        evictions: states that made room for others.
        refused: states that were not stored: larger than the whole store, of no token, or given to a closed one.
    """

    states: int
    bytes_capacity: int
    bytes_used: int
    hits: int
    misses: int
    tokens_found: int
    evictions: int
    refused: int

    @property
    def hit_rate(self) -> float | None:
        """The share of look-ups that found a state; None before the first one."""
        lookups = self.hits + self.misses
        return self.hits / lookups if lookups else None


@dataclass(eq=False, slots=True)
class _Block:
    """A state that the store holds."""

    name: str
    namespace: str
    text: bytes
    span: Span
    size: int
    facts: object
    used: float  # when, in seconds of the clock
    uses: int = 1
    handle: weakref.ref[KeptState] | None = None


@dataclass(eq=False, slots=True, weakref_slot=True)
class KeptState(Unique):
    """A state that was found. It stays whole while it is held: what makes room for others leaves it a copy of its bytes.

    Attributes:
        text: the tokens, as `token_text.bytes_of` makes them.
        size: bytes.
        facts: as they were given.
        span: where the bytes are in the pool.
        content: the bytes, once they are not there any more.
    """

    text: bytes
    size: int
    facts: Any
    span: Span
    content: bytes | None = None


class StateStore(Closing):
    """States of varying size in a fixed number of bytes. Every method may be called from any thread, and waits while bytes are copied.

    Args:
        capacity: bytes of all states together, rounded down to whole units of 64. Memory is taken as it is first used.
        whole: whether only states count that are a beginning of the text as a whole: for models that cannot take tokens back.
        least: tokens that a text and a state must have in common.
        policy: what losing a state costs. Where states can be cut, one that another goes on with costs nothing.
        clock: tells the time in seconds.

    Raises:
        InvalidSizeError: a number is not a whole one, or too small.
        OutOfMemoryError: the operating system has no such buffer to give.
    """

    def __init__(
        self,
        capacity: SupportsIndex,
        *,
        whole: bool = False,
        least: SupportsIndex = 1,
        policy: Policy | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._least = checks.whole_number("least tokens", least, minimum=1)
        self._pool = MemoryPool(capacity)
        self._whole = whole
        self._policy = policy or LRU()
        self._clock = clock
        self._texts: dict[str, TextMap[_Block]] = {}
        self._blocks: dict[str, _Block] = {}
        self._names = itertools.count()
        self._hits = self._misses = self._found = self._evictions = self._refused = 0
        self._changing = False
        self._lock = threading.Lock()
        forking.register(self)

    def before_fork(self) -> None:
        """Be in the middle of nothing."""
        self._lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:  # noqa: ARG002 - the pool is whole in both
        """Go on."""
        self._lock.release()

    @property
    def capacity(self) -> int:
        """Bytes of all states together."""
        return self._pool.capacity

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._pool.closed

    def put(
        self, tokens: npt.ArrayLike, size: SupportsIndex, fill: Fill, facts: object = None, *, namespace: str = ""
    ) -> KeptState | None:
        """Store a state in place of one with the same tokens; what the policy can spare best makes room.

        Args:
            tokens: the text that it was computed from.
            size: bytes.
            fill: is called once with an array of `size` bytes to write to; while it runs, the store waits, and may not be called.
            facts: what else belongs to it; comes back as it is.
            namespace: whose it is.

        Returns:
            The state; None where it was refused and counted.

        Raises:
            InvalidSizeError: `tokens` is no row of whole numbers, or `size` negative.
        """
        text, count = bytes_of(tokens), checks.whole_number("size", size, minimum=0)
        with self._lock:
            self._mend()
            self._changing = True  # for as long as an error or an interrupt would leave something by half
            span = self._room(text, count, namespace) if text and not self.closed else None
            if span is None:
                self._changing = False
                self._refused += 1
                return None
            self._pool.mark_dirty(span.offset, count)
            fill(self._pool.view_unmarked(span.offset, count, np.uint8))
            block = _Block(str(next(self._names)), namespace, text, span, count, facts, self._clock())
            self._texts.setdefault(namespace, TextMap()).add(text, block)
            self._blocks[block.name] = block
            self._changing = False
            return _handle(block)

    def find(self, tokens: npt.ArrayLike, *, namespace: str = "") -> tuple[KeptState, int] | None:
        """The state with the longest beginning of a text, and how many tokens they have in common; counted as a use of it.

        Raises:
            InvalidSizeError: not a row of whole numbers.
        """
        text = bytes_of(tokens)
        with self._lock:
            self._mend()
            block, count = self._nearest(text, namespace)
            if block is None:
                self._misses += 1
                return None
            self._hits += 1
            self._found += min(count, len(text) // WIDTH - 1)
            block.uses += 1
            block.used = self._clock()
            return _handle(block), count

    def peek(self, tokens: npt.ArrayLike, *, namespace: str = "") -> bytes | None:
        """The text of the state that `find` would find; nothing is counted.

        Raises:
            InvalidSizeError: not a row of whole numbers.
        """
        text = bytes_of(tokens)
        with self._lock:
            self._mend()
            block = self._nearest(text, namespace)[0]
            return None if block is None else block.text

    def read(self, state: KeptState, start: int = 0, end: int | None = None) -> bytes:
        """Copy the bytes of a state that was found, from `start` to `end`, or to the last one.

        Raises:
            StaleEntryError: it was found in another store.
            MemoryError: the system has no room for the copy.
        """
        with self._lock:
            self._mend()
            if state.content is not None:
                return state.content[start:end]
            return self._bytes(state)[start:end].tobytes()

    def look(self, state: KeptState, use: Callable[[Array], object]) -> None:
        """Let `use` read the bytes of a state where they are, without a copy; it keeps no view of them, and calls nothing here.

        Raises:
            StaleEntryError: it was found in another store.
        """
        with self._lock:
            self._mend()
            use(self._bytes(state))

    def holds(self, state: KeptState) -> bool:
        """Whether a state that was found is still here."""
        with self._lock:
            self._mend()
            return state.content is None and self._pool.is_live(state.span)

    def statistics(self) -> StateStatistics:
        """What is held and was done until now."""
        with self._lock:
            self._mend()
            return StateStatistics(
                states=len(self._blocks),
                bytes_capacity=self._pool.capacity,
                bytes_used=self._pool.used,
                hits=self._hits,
                misses=self._misses,
                tokens_found=self._found,
                evictions=self._evictions,
                refused=self._refused,
            )

    def clear(self, namespace: str | None = None) -> int:
        """Forget all states, or those of a namespace, give their memory back, and return how many there were."""
        with self._lock:
            self._mend()
            self._changing = True
            gone = [block for block in self._blocks.values() if namespace in {None, block.namespace}]
            for block in gone:
                self._remove(block)
            if not self.closed:
                self._pool.trim()
            self._changing = False
            return len(gone)

    def close(self) -> None:
        """Forget all states and let go of the memory; from now on every look-up misses, and every state is refused."""
        self.clear()
        with self._lock:
            self._pool.close()

    def check(self) -> None:
        """Prove the invariants of the module.

        Raises:
            IntegrityError: one of them does not hold.
        """
        with self._lock:
            self._mend()
            self._pool.check()
            shelved = [block for texts in self._texts.values() for block in texts.values.values()]
            if {block.name: block for block in shelved} != self._blocks or len(shelved) != len(self._blocks):
                raise IntegrityError("states", expected=f"{len(self._blocks)} in namespaces", got=len(shelved))
            for namespace, texts in self._texts.items():
                if not texts.order or texts.order != sorted(texts.values):
                    raise IntegrityError("states", expected=f"texts of {namespace!r} in order", got=texts.order)
            sizes = sum(block.span.length for block in shelved if self._pool.is_live(block.span))
            if sizes != self._pool.used:
                raise IntegrityError("states", expected=f"{sizes} bytes, those of all states", got=self._pool.used)

    def _mend(self) -> None:
        """Make whole again what an error or an interrupt left by half: a block that is in no list is free."""
        if not self._changing:
            return
        blocks = {block.name: block for block in self._blocks.values() if self._pool.is_live(block.span)}
        texts: dict[str, TextMap[_Block]] = {}
        for block in blocks.values():
            texts.setdefault(block.namespace, TextMap()).add(block.text, block)
        listed = {block.span.serial for block in blocks.values()}
        self._pool.mend()
        for span in self._pool.live_spans():
            if span.serial not in listed:
                self._pool.deallocate(span)
        self._blocks, self._texts, self._changing = blocks, texts, False

    def _nearest(self, text: bytes, namespace: str) -> tuple[_Block | None, int]:
        texts = self._texts.get(namespace)
        if texts is None:
            return None, 0
        # The last token is computed in any case, for what comes next, and a model that cannot take it back must not have it.
        block, count = texts.whole(text[:-WIDTH]) if self._whole else texts.longest(text)
        return (block, count) if count >= self._least else (None, 0)

    def _room(self, text: bytes, size: int, namespace: str) -> Span | None:
        """A block of so many bytes, in place of what had the same text and of what had to make room; None where nothing helps."""
        length = align_up(max(size, 1), self._pool.alignment)
        if length > self._pool.capacity:
            return None
        try:
            texts = self._texts.get(namespace)
            if texts is not None and (before := texts.values.get(text)) is not None:
                self._remove(before)
            if length > self._pool.largest_free:
                self._make_room(length)
            return self._pool.allocate(length)
        except MemoryError:  # of the system, for the copy of a state that is held elsewhere, too
            return None

    def _make_room(self, length: int) -> None:
        candidates = []
        for texts in self._texts.values():
            spared = set() if self._whole else texts.continued()
            candidates += [_candidate(block, spared=text in spared) for text, block in texts.values.items()]
        chosen = choose_window(
            candidates,
            self._pool.free_spans(),
            size=length,
            alignment=self._pool.alignment,
            policy=self._policy,
            now=self._clock(),
        )
        for name in chosen or ():
            self._remove(self._blocks[name])
            self._evictions += 1

    def _remove(self, block: _Block) -> None:
        """Forget a state; a handle of it gets a copy first."""
        held = block.handle() if block.handle is not None else None
        if held is not None:
            held.content = self._bytes(held).tobytes()
        del self._blocks[block.name]
        texts = self._texts[block.namespace]
        texts.remove(block.text)
        if not texts.order:
            del self._texts[block.namespace]
        self._pool.deallocate(block.span)

    def _bytes(self, state: KeptState) -> Array:
        if state.content is not None:
            return np.frombuffer(state.content, np.uint8)
        if not self._pool.is_live(state.span):
            raise StaleEntryError("state", expected="one of this store", got="one of another")
        return self._pool.view(state.span.offset, state.size, np.uint8)


def _handle(block: _Block) -> KeptState:
    """What is given to those who found a state; the same for all, so that one copy is enough."""
    held = block.handle() if block.handle is not None else None
    if held is None:
        held = KeptState(block.text, block.size, block.facts, block.span)
        block.handle = weakref.ref(held)
    return held


def _candidate(block: _Block, *, spared: bool) -> Candidate:
    """What a policy must know. A state that another one goes on with is worth nothing: what it knows is known without it."""
    if spared:  # one that is held after those that are not: it costs a copy
        held = block.handle is not None and block.handle() is not None
        return Candidate(block.name, block.span, last_accessed=-1e300 if held else -math.inf, tokens=0, uses=0)
    return Candidate(block.name, block.span, block.used, tokens=len(block.text) // WIDTH, uses=block.uses)
