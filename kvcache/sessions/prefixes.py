"""Find the session that has the longest beginning of a text already computed: exactly, by its tokens.

A tree of pages of tokens. A page hangs under the page before it, so that equal pages behind different texts are different, and it is
found by its bytes, so that nothing collides. The last page of a session may be shorter. Each namespace (a tenant, an adapter) has its
own tree. The manager tells when a session loses tokens, or its block, so that the tree has nothing else than what is there.

    every node has at least one session that goes through it, and every session the nodes of its pages
    the pages under a node are the keys of `below` and, in order, those of `order`

Locks: the manager's before the index's, never the other way round.
"""

from __future__ import annotations

import bisect
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, SupportsIndex

from kvcache import checks, forking
from kvcache.errors import (
    IntegrityError,
    InvalidSizeError,
    OutOfBoundsError,
    PinnedEntryError,
    StaleEntryError,
    UnknownSessionError,
)
from kvcache.paged.events import AllBlocksCleared, BlockRemoved, Event, page_digest, stored
from kvcache.token_text import WIDTH, bytes_of, common, nearest
from kvcache.values import Unique

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from kvcache.sessions.entry import KVCacheEntry
    from kvcache.sessions.manager import KVCacheManager

_TRIES: Final = 4
"""To copy what was found, where it is gone, or another text, each time."""

_STRIDES: Final = 4
"""Per look-up, see `_longest`; in a tree that branches at each page, they would take longer than the pages."""


@dataclass(eq=False, slots=True)
class _Node:
    """A page of tokens behind those of its parent."""

    namespace: str
    parent: _Node | None = None
    key: bytes = b""
    digest: bytes | None = None  # only where events are wanted
    below: dict[bytes, _Node] = field(default_factory=dict)
    order: list[bytes] = field(default_factory=list)
    sessions: dict[str, None] = field(default_factory=dict)  # that go through it, in the order in which they came


@dataclass(frozen=True, slots=True)
class _Known:
    """A session whose tokens were recorded."""

    entry: KVCacheEntry
    truncations: int
    namespace: str
    tokens: bytes
    path: list[_Node]


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
        self._page = checks.whole_number("page", page, minimum=1) * WIDTH
        self._roots: dict[str, _Node] = {}
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()
        self._listener = listener
        self._outbox = deque[Event]()
        self._delivering = threading.Lock()
        self._failures = 0
        self._changing = False  # whether the tree is not whole
        forking.register(self)
        manager.watch_losses(self._lost)

    def before_fork(self) -> None:
        """Be in the middle of nothing."""
        self._lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:
        """Go on; the tree is whole in both, and what is there in the child is no business of the parent's router."""
        if in_child:
            self._listener = None
            self._outbox.clear()
        self._lock.release()

    def __len__(self) -> int:
        """Sessions that are recorded."""
        return len(self._known)

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
        with self._lock:
            self._mend()
            self._put(entry, truncations, namespace, text[: count * WIDTH])
            # What it lost from now on is told; what it lost since it was asked was perhaps told too early.
            if not _holds(self._known[entry.session_id]):
                self._forget(entry.session_id)
        self._deliver()

    def forget(self, session: str) -> bool:
        """Know nothing of a session any more, as if it was never recorded; False where nothing was known.

        Raises:
            InvalidSessionError: not a string, or empty.
        """
        name = checks.session_name(session)
        with self._lock:
            self._mend()
            known = name in self._known
            self._forget(name)
        self._deliver()
        return known

    def clear(self, namespace: str | None = None) -> int:
        """Forget all sessions, or those of a namespace, and return how many there were; they keep their tokens."""
        with self._lock:
            self._mend()
            names = [name for name, known in self._known.items() if namespace in {None, known.namespace}]
            if namespace is None:
                self._known.clear()
                self._roots.clear()
                self._tell(AllBlocksCleared())
            for name in names:
                self._forget(name)
        self._deliver()
        return len(names)

    def resend(self) -> None:
        """Tell the listener everything that is known anew, behind an `AllBlocksCleared`: for a router that came later, or lost events."""
        with self._lock:
            self._mend()
            self._tell(AllBlocksCleared())
            nodes = list(self._roots.values())
            while nodes:
                node = nodes.pop()
                if node.parent is not None:
                    self._tell_stored([node])
                nodes += node.below.values()
        self._deliver()

    def texts(self) -> dict[str, tuple[str, bytes]]:
        """The sessions that still have the tokens that were recorded, with the namespace and the tokens, see `tokens_of`."""
        with self._lock:
            self._mend()
            return {name: (known.namespace, known.tokens) for name, known in self._known.items() if _holds(known)}

    def longest(self, tokens: npt.ArrayLike, *, namespace: str = "") -> tuple[str, int] | None:
        """The session with the longest beginning of these tokens, and how many; None where no session has the first one.

        It is one that the session can give: where layers have windows, a session that went on has given back what was in front of them.

        Raises:
            InvalidSizeError: not a row of whole numbers.
        """
        found = self._longest(bytes_of(tokens), namespace)
        self._deliver()
        return None if found is None else found[:2]

    def _longest(self, text: bytes, namespace: str) -> tuple[str, int, _Known] | None:
        """The same, with what is recorded of the session: a moment later, another text may be."""
        with self._lock:
            self._mend()
            while (best := self._best(text, namespace)) is not None:
                known = self._known[best[0]]
                if _holds(known):
                    return *best, known
                self._forget(best[0])  # an interrupt kept the manager from telling
            return None

    def _best(self, text: bytes, namespace: str) -> tuple[str, int] | None:
        """The session that can give the longest beginning of a text, and how many tokens."""
        node, start, strides = self._roots.get(namespace), 0, _STRIDES
        if node is None:
            return None
        while start < len(text):
            page = text[start : start + self._page]
            found = node.below.get(page)
            if found is None:
                break
            start += len(page)
            node = found
            if strides and len(text) - start > 2 * self._page:
                # A session that goes through this page mostly has the next ones, too: all of its text is compared at once.
                strides -= 1
                known = self._known[next(iter(node.sessions))]
                pages = common(known.tokens[start:], text[start:]) * WIDTH // self._page
                if pages:
                    start += pages * self._page
                    node = known.path[start // self._page - 1]
        page = text[start : start + self._page]
        while (best := self._part(node, page, start) or self._giver(node, start // WIDTH)) is None:
            if node.parent is None:
                return None
            node, page = node.parent, node.key  # no session can give so much: look for the next shorter beginning
            start -= len(page)
        return best

    def _part(self, node: _Node, page: bytes, start: int) -> tuple[str, int] | None:
        """Who can give the longest part of a page behind a node, and how many tokens with those before it; the page as a whole is not there."""
        key, more = nearest(node.order, page) if page else (b"", 0)
        found = self._giver(node.below[key], start // WIDTH + more) if more else None
        if more and found is None:
            parts = sorted(((common(key, page), key) for key in node.order), reverse=True)
            givers = (self._giver(node.below[key], start // WIDTH + count) for count, key in parts if count)
            found = next((each for each in givers if each is not None), None)
        return found

    def _giver(self, node: _Node, count: int) -> tuple[str, int] | None:
        """A session that goes through a node and can give its first `count` tokens, and that number."""
        names = (name for name in node.sessions if self._known[name].entry.shortest <= count)
        name = next(names, None)
        return None if name is None else (name, count)

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
            self._mend()
            expected = {(id(node), name) for name, known in self._known.items() for node in known.path}
            found, nodes = set[tuple[int, str]](), list(self._roots.values())
            while nodes:
                node = nodes.pop()
                found |= {(id(node), name) for name in node.sessions}
                if sorted(node.below) != node.order or not (node.sessions if node.parent is not None else node.below):
                    raise IntegrityError("prefixes", expected="ordered pages with sessions", got=node.key)
                nodes += node.below.values()
            if expected != found:
                raise IntegrityError("prefixes", expected=f"{len(expected)} pages of sessions", got=len(found))
            for name, known in self._known.items():
                text = b"".join(node.key for node in known.path)
                if text != known.tokens or (_holds(known) and len(known.entry) * WIDTH < len(text)):
                    raise IntegrityError("prefixes", expected=f"the tokens of {name!r}", got=len(text) // WIDTH)

    def _copy(self, source: str, known: _Known, target: str, count: int) -> bool:
        """Copy the first tokens of a session; False where it went, or got other tokens than the known ones, meanwhile."""
        try:
            self._manager.fork(source, target, count)
        except (UnknownSessionError, OutOfBoundsError, StaleEntryError):
            return False
        if _holds(known):
            return True
        self._manager.evict(target)
        return False

    def _own(self, session: str, text: bytes, namespace: str) -> int:
        """How many tokens of the text the session itself has, and can be shortened to."""
        with self._lock:
            self._mend()
            known = self._known.get(session)
            if known is None or known.namespace != namespace or not _holds(known):
                return 0
            count = common(known.tokens, text)
            return count if known.entry.shortest <= count else 0

    def _lost(self, entry: KVCacheEntry, kept: int) -> Callable[[None], object] | None:
        """The manager's: only the first `kept` tokens of an entry are as they were; its lock is held."""
        session = entry.session_id
        with self._lock:
            self._mend()
            known = self._known.get(session)
            if known is None or known.entry is not entry:
                return None
            if kept:
                self._put(entry, entry.truncations, known.namespace, known.tokens[: kept * WIDTH])
            else:
                self._forget(session)
            return self._deliver if self._outbox else None

    def _put(self, entry: KVCacheEntry, truncations: int, namespace: str, text: bytes) -> None:
        """Have a session in the tree with this text, and with no other."""
        self._changing = True
        session = entry.session_id
        before = self._known.get(session)
        node = self._roots.get(namespace) or _Node(namespace)
        path, new = list[_Node](), list[_Node]()
        for start in range(0, len(text), self._page):
            key = text[start : start + self._page]
            found = node.below.get(key)
            if found is None:
                found = node.below[key] = _Node(namespace, node, key)
                bisect.insort(node.order, key)
                new.append(found)
            found.sessions[session] = None
            path.append(found)
            node = found
        if path and path[0].parent is not None:
            self._roots[namespace] = path[0].parent
        self._tell_stored(new)
        if before is not None:
            stays = set(map(id, path))
            self._leave(session, [each for each in before.path if id(each) not in stays])
        self._known[session] = _Known(entry, truncations, namespace, text, path)
        self._changing = False

    def _forget(self, session: str) -> None:
        """Take a session out of the tree."""
        self._changing = True
        known = self._known.pop(session, None)
        if known is not None:
            self._leave(session, known.path)
        self._changing = False

    def _mend(self) -> None:
        """Know nothing any more if an interrupt (Ctrl-C) came while the tree was changed: what is forgotten is computed again."""
        if self._changing:
            self._known.clear()
            self._roots.clear()
            self._tell(AllBlocksCleared())
            self._changing = False

    def _leave(self, session: str, path: list[_Node]) -> None:
        """Take a session out of nodes, the last ones of its path, and the tree's nodes that no other session goes through."""
        gone = list[_Node]()
        for node in reversed(path):
            del node.sessions[session]
            above = node.parent
            if not node.sessions and above is not None:
                del above.below[node.key]
                del above.order[bisect.bisect_left(above.order, node.key)]
                gone.append(node)
                if above.parent is None and not above.below:
                    del self._roots[above.namespace]
        if self._listener is not None and gone:
            self._tell(BlockRemoved(tuple(node.digest for node in gone if node.digest is not None)))

    def _tell_stored(self, new: list[_Node]) -> None:
        """Tell of pages behind each other."""
        if self._listener is None or not new:
            return
        parent = new[0].parent.digest if new[0].parent is not None else None
        pages, digest = list[tuple[bytes, bytes]](), parent
        for node in new:
            digest = node.digest = node.digest or page_digest(digest, node.namespace, node.key)
            pages.append((digest, node.key))
        self._tell(stored(pages, parent=parent, page=self._page // WIDTH, namespace=new[0].namespace))

    def _tell(self, event: Event) -> None:
        if self._listener is not None:
            self._outbox.append(event)

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


def _holds(known: _Known) -> bool:
    """Whether the entry still has the tokens that were recorded."""
    return known.entry.is_live and known.entry.truncations == known.truncations
