"""Find the session that has the longest beginning of a text already computed: exactly, by its tokens.

A tree of pages of tokens. A page hangs under the page before it, so that equal pages behind different texts are different, and it is
found by its bytes, so that nothing collides. The last page of a session may be shorter. Each namespace (a tenant, an adapter) has its
own tree.

    every node has at least one session that goes through it, and every session the nodes of its pages
    the pages under a node are the keys of `below` and, in order, those of `order`
"""

from __future__ import annotations

import bisect
import threading
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
from kvcache.token_text import WIDTH, bytes_of, common
from kvcache.values import Unique

if TYPE_CHECKING:
    import numpy.typing as npt

    from kvcache.sessions.entry import KVCacheEntry
    from kvcache.sessions.manager import KVCacheManager

_SLACK: Final = 64
"""Sessions that may be gone before the tree is swept, besides as many as there are live ones."""


@dataclass(eq=False, slots=True)
class _Node:
    """A page of tokens behind those of its parent."""

    parent: _Node | None = None
    key: bytes = b""
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

    Raises:
        InvalidSizeError: `page` is not a whole number above 0.
    """

    def __init__(self, manager: KVCacheManager, *, page: SupportsIndex = 16) -> None:
        self._manager = manager
        self._page = checks.whole_number("page", page, minimum=1) * WIDTH
        self._roots: dict[str, _Node] = {}
        self._known: dict[str, _Known] = {}
        self._limit = _SLACK
        self._lock = threading.Lock()
        forking.register(self)

    def before_fork(self) -> None:
        """Be in the middle of nothing."""
        self._lock.acquire()

    def after_fork(self, *, in_child: bool) -> None:  # noqa: ARG002 - the tree is whole in both
        """Go on."""
        self._lock.release()

    def __len__(self) -> int:
        """Sessions that are recorded; some may be gone by now."""
        return len(self._known)

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
        count = len(entry)
        sequences = entry.layout.sequences_of(self._manager.layout)
        if sequences != 1:
            raise InvalidSizeError("record", expected="a session of one sequence", got=sequences)
        if len(text) < count * WIDTH:
            raise InvalidSizeError("record", expected=f"all {count} tokens of {session!r}", got=len(text) // WIDTH)
        text = text[: count * WIDTH]
        with self._lock:
            self._forget(session)
            node = self._roots.setdefault(namespace, _Node())
            path = []
            for start in range(0, len(text), self._page):
                node = _child(node, text[start : start + self._page])
                node.sessions[session] = None
                path.append(node)
            self._known[session] = _Known(entry, entry.truncations, namespace, text, path)
            if len(self._known) > self._limit:
                for name in [name for name, known in self._known.items() if not _holds(known)]:
                    self._forget(name)
                self._limit = 2 * len(self._known) + _SLACK

    def longest(self, tokens: npt.ArrayLike, *, namespace: str = "") -> tuple[str, int] | None:
        """The session with the longest beginning of these tokens, and how many; None where no session has the first one.

        Raises:
            InvalidSizeError: not a row of whole numbers.
        """
        found = self._longest(bytes_of(tokens), namespace)
        return None if found is None else found[:2]

    def _longest(self, text: bytes, namespace: str) -> tuple[str, int, _Known] | None:
        """The same, with what is recorded of the session: a moment later, another text may be."""
        with self._lock:
            root = self._roots.get(namespace)
            while root is not None:  # again where a session on the way was gone
                node, start, page = root, 0, b""
                while start < len(text):
                    page = text[start : start + self._page]
                    found = node.below.get(page)
                    if found is None:
                        break
                    start += len(page)
                    node = found
                tail = self._tail(node, page, start) if start < len(text) else None
                if tail is not None:
                    return *tail, self._known[tail[0]]
                if node is root:
                    break
                holder = self._holder(node)
                if holder is not None:
                    return holder, start // WIDTH, self._known[holder]
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
        most = max(len(text) // WIDTH - 1, 0)
        while (found := self._longest(text, namespace)) is not None:
            source, count, known = found[0], min(found[1], most), found[2]
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
        kept = min(self._own(name, text, namespace), most)  # asked again: a copy may have been made and thrown away
        if kept < len(entry):
            entry.truncate(kept)
            if kept:  # what is left is known to be the beginning of the text
                self.record(name, tokens, namespace=namespace)
        return kept

    def check(self) -> None:
        """Prove the invariants of the module.

        Raises:
            IntegrityError: one of them does not hold.
        """
        with self._lock:
            expected = {(id(node), name) for name, known in self._known.items() for node in known.path}
            found, nodes = set[tuple[int, str]](), list(self._roots.values())
            while nodes:
                node = nodes.pop()
                found |= {(id(node), name) for name in node.sessions}
                if sorted(node.below) != node.order or (node.parent is not None and not node.sessions):
                    raise IntegrityError("prefixes", expected="ordered pages with sessions", got=node.key)
                nodes += node.below.values()
            if expected != found:
                raise IntegrityError("prefixes", expected=f"{len(expected)} pages of sessions", got=len(found))

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
        """How many tokens of the text the session itself has."""
        with self._lock:
            known = self._known.get(session)
            if known is None or known.namespace != namespace or not _holds(known):
                return 0
            return min(common(known.tokens, text), len(known.tokens) // WIDTH)

    def _holder(self, node: _Node) -> str | None:
        """A session that has the tokens of a node; those that are gone are forgotten on the way."""
        for name in list(node.sessions):
            if _holds(self._known[name]):
                return name
            self._forget(name)
        return None

    def _tail(self, node: _Node, page: bytes, start: int) -> tuple[str, int] | None:
        """The session that has the longest part of a page behind a node; the page as a whole is not there."""
        best: tuple[str, int] | None = None
        for step in (-1, 0):  # the longest common beginning is that of a neighbour in the order
            while True:
                at = bisect.bisect_left(node.order, page) + step
                if not 0 <= at < len(node.order):
                    break
                key = node.order[at]
                count = common(key, page)
                if not count:
                    break
                holder = self._holder(node.below[key])
                if holder is None:
                    continue  # it was pruned; another one is the neighbour now
                if best is None or start // WIDTH + count > best[1]:
                    best = holder, start // WIDTH + count
                break
        return best

    def _forget(self, session: str) -> None:
        """Take a session out of the tree, and the nodes that no other session goes through."""
        known = self._known.pop(session, None)
        if known is None:
            return
        for node in reversed(known.path):
            del node.sessions[session]
            if not node.sessions and node.parent is not None:
                del node.parent.below[node.key]
                del node.parent.order[bisect.bisect_left(node.parent.order, node.key)]


def _holds(known: _Known) -> bool:
    """Whether the entry still has the tokens that were recorded."""
    return known.entry.is_live and known.entry.truncations == known.truncations


def _child(node: _Node, key: bytes) -> _Node:
    found = node.below.get(key)
    if found is None:
        found = node.below[key] = _Node(node, key)
        bisect.insort(node.order, key)
    return found
