"""Find the session that has the longest beginning of a text already computed: exactly, by its tokens.

The manager tells when a session loses tokens, or its block, so that the tree has nothing else than what is there.

Locks: the manager's before the index's, never the other way round.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final, SupportsIndex

from kvcache import checks, forking
from kvcache.errors import (
    InvalidSizeError,
    OutOfBoundsError,
    PinnedEntryError,
    StaleEntryError,
    UnknownSessionError,
)
from kvcache.paged.events import Event
from kvcache.sessions.prefix_tree import Known, PrefixTree, holds
from kvcache.token_text import WIDTH, bytes_of, common
from kvcache.values import Unique

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from kvcache.sessions.entry import KVCacheEntry
    from kvcache.sessions.manager import KVCacheManager

_TRIES: Final = 4
"""To copy what was found, where it is gone, or another text, each time."""


class PrefixIndex(Unique):
    """What tokens the sessions of a manager hold, as far as they were recorded. Every method may be called from any thread.

    Args:
        manager: whose sessions.
        page: tokens of a page.
        listener: is told which pages became known (`kvcache.paged.BlockStored`), and which are known no more, in the form of
            vLLM's events, so that a router can send a prompt where its beginning is. It is called in the order in which things happen,
            by one thread at a time and without a lock; what it raises is counted as `listener_failures`. A forked child tells nothing.

    Raises:
        InvalidSizeError: `page` is not a whole number above 0.
        ClosedError: the manager is closed.
    """

    def __init__(
        self,
        manager: KVCacheManager,
        *,
        page: SupportsIndex = 16,
        listener: Callable[[Event], object] | None = None,
    ) -> None:
        self._manager = manager
        self._lock = threading.Lock()
        self._listener = listener
        self._outbox = deque[Event]()
        width = checks.whole_number("page", page, minimum=1) * WIDTH
        self._tree = PrefixTree(width, None if listener is None else self._outbox.append)
        self._delivering = threading.Lock()
        self._failures = 0
        forking.register(self)
        manager.watch_losses(self._lost)

    def before_fork(self) -> None:
        """Be in the middle of nothing."""
        self._lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        """Go on; the tree is whole in both, and what is there in the child is no business of the parent's router."""
        if in_child:
            self._listener = self._tree.tell = None
            self._outbox.clear()
        self._lock.release()

    def __len__(self) -> int:
        """Sessions that are recorded."""
        return len(self._tree.known)

    @property
    def listener_failures(self) -> int:
        """How often the listener raised."""
        return self._failures

    def record(self, session: str, tokens: npt.ArrayLike, *, namespace: str = "") -> None:
        """Say which tokens a session was computed from; as many as it has count, in place of what was recorded before.

        Raises:
            UnknownSessionError: the session has no entry.
            InvalidSizeError: not a row of whole numbers, or fewer than the session has, or it holds several sequences.
        """
        text = bytes_of(tokens)
        entry = self._manager.get(session)
        if entry is None:
            raise UnknownSessionError("record", expected="a session that has an entry", got=session)
        truncations, count = entry.truncations, len(entry)
        sequences = entry.layout.sequences_of(self._manager.layout)
        if sequences != 1:
            raise InvalidSizeError("record", expected="a session of one sequence", got=sequences)
        if len(text) < count * WIDTH:
            raise InvalidSizeError("record", expected=f"all {count} tokens of {session!r}", got=len(text) // WIDTH)
        self.remember(entry, truncations, namespace, text[: count * WIDTH])

    def remember(self, entry: KVCacheEntry, truncations: int, namespace: str, text: bytes) -> None:
        """The tier's: know the first tokens of a session, as it was with so many truncations; it may have more."""
        with self._lock:
            self._tree.mend()
            self._tree.put(entry, truncations, namespace, text)
            # What it lost from now on is told; what it lost since it was asked was perhaps told too early.
            if not holds(self._tree.known[entry.session_id]):
                self._tree.forget(entry.session_id)
        self._deliver()

    def forget(self, session: str) -> bool:
        """Know nothing of a session any more, as if it was never recorded; False where nothing was known.

        Raises:
            InvalidSessionError: not a string, or empty.
        """
        name = checks.session_name(session)
        with self._lock:
            self._tree.mend()
            known = name in self._tree.known
            self._tree.forget(name)
        self._deliver()
        return known

    def clear(self, namespace: str | None = None) -> int:
        """Forget all sessions, or those of a namespace, and return how many there were; they keep their tokens."""
        with self._lock:
            self._tree.mend()
            gone = self._tree.clear(namespace)
        self._deliver()
        return gone

    def resend(self) -> None:
        """Tell the listener everything that is known anew, behind an `AllBlocksCleared`: for a router that came later, or lost events."""
        with self._lock:
            self._tree.mend()
            self._tree.resend()
        self._deliver()

    def texts(self) -> dict[str, tuple[str, bytes]]:
        """The sessions that still have the tokens that were recorded, with the namespace and the tokens, see `tokens_of`."""
        with self._lock:
            self._tree.mend()
            return {name: (known.namespace, known.tokens) for name, known in self._tree.known.items() if holds(known)}

    def text_of(self, session: str) -> tuple[str, bytes] | None:
        """The namespace and the tokens of a session, as far as they were recorded and are there, see `tokens_of`; None: nothing is known."""
        with self._lock:
            self._tree.mend()
            known = self._tree.known.get(session)
            return (known.namespace, known.tokens) if known is not None and holds(known) else None

    def longest(self, tokens: npt.ArrayLike, *, namespace: str = "") -> tuple[str, int] | None:
        """The session with the longest beginning of these tokens, and how many; None where no session has the first one.

        It is one that the session can give: where layers have windows, a session that went on has given back what was in front of them.

        Raises:
            InvalidSizeError: not a row of whole numbers.
        """
        found = self._longest(bytes_of(tokens), namespace)
        self._deliver()
        return None if found is None else found[:2]

    def _longest(self, text: bytes, namespace: str) -> tuple[str, int, Known] | None:
        """The same, with what is recorded of the session: a moment later, another text may be."""
        with self._lock:
            self._tree.mend()
            while (best := self._tree.best(text, namespace)) is not None:
                known = self._tree.known[best[0]]
                if holds(known):
                    return *best, known
                self._tree.forget(best[0])  # an interrupt kept the manager from telling
            return None

    def begin(self, session: str, tokens: npt.ArrayLike, *, namespace: str = "") -> int:
        """Give a session as much of a text as any session has computed already; the rest is to be computed and written behind it.

        What the session has is kept as far as it was recorded and is the same. Where another session of the namespace has more of
        the text, its tokens are copied. The last token is never among them, because its logits are what comes next.

        Returns:
            How many tokens the session has from now on; 0 where it has none, or no entry.

        Raises:
            InvalidSessionError, InvalidSizeError: the arguments.
            OutOfMemoryError: there is no room for the copy.
            ClosedError: the manager is closed.
        """
        name, text = checks.session_name(session), bytes_of(tokens)
        text = text[:-WIDTH]
        for _ in range(_TRIES):
            found = self._longest(text, namespace)
            if found is None:
                break
            source, count, known = found
            if source == name or count <= self._own(name, text, namespace):
                break
            try:
                if self._copy(source, known, name, count):
                    return count
            except PinnedEntryError:  # it is read just now, perhaps to copy it: then it is not replaced
                break
        entry = self._manager.get(name)
        if entry is None:
            return 0
        kept = self._own(name, text, namespace)  # asked again: a copy may have been made and thrown away
        if kept < len(entry):
            entry.truncate(kept)
        return kept

    def check(self) -> None:
        """Prove the invariants of the module.

        Raises:
            IntegrityError: one of them does not hold.
        """
        with self._lock:
            self._tree.mend()
            self._tree.check()

    def _copy(self, source: str, known: Known, target: str, count: int) -> bool:
        """Copy the first tokens of a session; False where it went, or got other tokens than the known ones, meanwhile."""
        try:
            self._manager.fork(source, target, count)
        except (UnknownSessionError, OutOfBoundsError, StaleEntryError):
            return False
        if holds(known):
            return True
        self._manager.evict(target)
        return False

    def _own(self, session: str, text: bytes, namespace: str) -> int:
        """How many tokens of the text the session itself has, and can be shortened to."""
        with self._lock:
            self._tree.mend()
            known = self._tree.known.get(session)
            if known is None or known.namespace != namespace or not holds(known):
                return 0
            count = common(known.tokens, text)
            return count if known.entry.shortest <= count else 0

    def _lost(self, entry: KVCacheEntry, kept: int) -> Callable[[None], object] | None:
        """The manager's: only the first `kept` tokens of an entry are as they were; its lock is held."""
        session = entry.session_id
        with self._lock:
            self._tree.mend()
            known = self._tree.known.get(session)
            if known is None or known.entry is not entry:
                return None
            if kept:
                self._tree.put(entry, entry.truncations, known.namespace, known.tokens[: kept * WIDTH])
            else:
                self._tree.forget(session)
            return self._deliver if self._outbox else None

    def _deliver(self, _: None = None) -> None:
        """Hand the events to the listener in their order: by the thread that is at it already, if there is one. Holds no other lock."""
        while self._outbox and self._delivering.acquire(blocking=False):
            try:
                while self._outbox and (listener := self._listener) is not None:
                    event = self._outbox.popleft()
                    try:
                        listener(event)
                    except Exception:  # noqa: BLE001 - if it raises, the cache goes on; the failure is counted
                        self._failures += 1
            finally:
                self._delivering.release()
