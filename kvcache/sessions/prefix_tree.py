"""Keep which sessions have which pages of tokens: a tree for each namespace.

A page hangs under the page before it, so that equal pages behind different texts are different, and it is found by its bytes, so that
nothing collides. The last page of a session may be shorter.

    every node has at least one session that goes through it, and every session the nodes of its pages
    the pages under a node are the keys of `below` and, in order, those of `order`
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kvcache.errors import IntegrityError
from kvcache.paged.events import AllBlocksCleared, BlockRemoved, Event, page_digest, stored
from kvcache.token_text import WIDTH, common, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvcache.sessions.entry import KVCacheEntry

_STRIDES: Final = 4
"""Per look-up, see `best`; in a tree that branches at each page, they would take longer than the pages."""


@dataclass(eq=False, slots=True)
class Node:
    """A page of tokens behind those of its parent."""

    namespace: str
    parent: Node | None = None
    key: bytes = b""
    digest: bytes | None = None  # only where events are wanted
    below: dict[bytes, Node] = field(default_factory=dict)
    order: list[bytes] = field(default_factory=list)
    sessions: dict[str, None] = field(default_factory=dict)  # that go through it, in the order in which they came


@dataclass(frozen=True, slots=True)
class Known:
    """A session whose tokens were recorded."""

    entry: KVCacheEntry
    truncations: int
    namespace: str
    tokens: bytes
    path: list[Node]


def holds(known: Known) -> bool:
    """Whether the entry still has the tokens that were recorded."""
    return known.entry.is_live and known.entry.truncations == known.truncations


class PrefixTree:
    """The texts of sessions, as pages. Not thread-safe: its owner has the lock.

    Args:
        page: bytes of a page.
        tell: takes what became known, and what is known no more; None: that is not wanted.
    """

    def __init__(self, page: int, tell: Callable[[Event], object] | None) -> None:
        self.page: Final = page
        self.tell = tell
        self.roots: dict[str, Node] = {}
        self.known: dict[str, Known] = {}
        self._changing = False  # whether the tree is not whole

    def put(self, entry: KVCacheEntry, truncations: int, namespace: str, text: bytes) -> None:
        """Have a session in the tree with this text, and with no other."""
        self._changing = True
        session = entry.session_id
        before = self.known.get(session)
        node = self.roots.get(namespace) or Node(namespace)
        path, new = list[Node](), list[Node]()
        for start in range(0, len(text), self.page):
            key = text[start : start + self.page]
            found = node.below.get(key)
            if found is None:
                found = node.below[key] = Node(namespace, node, key)
                bisect.insort(node.order, key)
                new.append(found)
            found.sessions[session] = None
            path.append(found)
            node = found
        if path and path[0].parent is not None:
            self.roots[namespace] = path[0].parent
        self._tell_stored(new)
        if before is not None:
            stays = set(map(id, path))
            self._leave(session, [each for each in before.path if id(each) not in stays])
        self.known[session] = Known(entry, truncations, namespace, text, path)
        self._changing = False

    def forget(self, session: str) -> None:
        """Take a session out of the tree."""
        self._changing = True
        known = self.known.pop(session, None)
        if known is not None:
            self._leave(session, known.path)
        self._changing = False

    def clear(self, namespace: str | None) -> int:
        """Forget all sessions, or those of a namespace, and return how many there were."""
        names = [name for name, known in self.known.items() if namespace in {None, known.namespace}]
        if namespace is None:
            self._changing = True
            self.known.clear()
            self.roots.clear()
            if self.tell is not None:
                self.tell(AllBlocksCleared())
            self._changing = False
        for name in names:
            self.forget(name)
        return len(names)

    def mend(self) -> None:
        """Know nothing any more if an interrupt (Ctrl-C) came while the tree was changed: what is forgotten is computed again."""
        if self._changing:
            self.clear(None)

    def resend(self) -> None:
        """Tell everything that is known anew."""
        if self.tell is None:
            return
        self.tell(AllBlocksCleared())
        nodes = list(self.roots.values())
        while nodes:
            node = nodes.pop()
            if node.parent is not None:
                self._tell_stored([node])
            nodes += node.below.values()

    def best(self, text: bytes, namespace: str) -> tuple[str, int] | None:
        """The session that can give the longest beginning of a text, and how many tokens."""
        node, start, strides = self.roots.get(namespace), 0, _STRIDES
        if node is None:
            return None
        while start < len(text):
            page = text[start : start + self.page]
            found = node.below.get(page)
            if found is None:
                break
            start += len(page)
            node = found
            if strides and len(text) - start > 2 * self.page:
                # A session that goes through this page mostly has the next ones, too: all of its text is compared at once.
                strides -= 1
                known = self.known[next(iter(node.sessions))]
                pages = common(known.tokens[start:], text[start:]) * WIDTH // self.page
                if pages:
                    start += pages * self.page
                    node = known.path[start // self.page - 1]
        page = text[start : start + self.page]
        while (best := self._part(node, page, start) or self._giver(node, start // WIDTH)) is None:
            if node.parent is None:
                return None
            node, page = node.parent, node.key  # no session can give so much: look for the next shorter beginning
            start -= len(page)
        return best

    def _part(self, node: Node, page: bytes, start: int) -> tuple[str, int] | None:
        """Who can give the longest part of a page behind a node, and how many tokens with those before it; the page as a whole is not there."""
        key, more = nearest(node.order, page) if page and node.order else (b"", 0)
        if not more:
            return None
        found = self._giver(node.below[key], start // WIDTH + more)
        if found is None:
            parts = sorted(((common(key, page), key) for key in node.order), reverse=True)
            givers = (self._giver(node.below[key], start // WIDTH + count) for count, key in parts if count)
            found = next((each for each in givers if each is not None), None)
        return found

    def _giver(self, node: Node, count: int) -> tuple[str, int] | None:
        """A session that goes through a node and can give its first `count` tokens, and that number."""
        for name in node.sessions:
            if self.known[name].entry.shortest <= count:
                return name, count
        return None

    def check(self) -> None:
        """Prove the invariants of the module.

        Raises:
            IntegrityError: one of them does not hold.
        """
        expected = {(id(node), name) for name, known in self.known.items() for node in known.path}
        found, nodes = set[tuple[int, str]](), list(self.roots.values())
        while nodes:
            node = nodes.pop()
            found |= {(id(node), name) for name in node.sessions}
            if sorted(node.below) != node.order or not (node.sessions if node.parent is not None else node.below):
                raise IntegrityError("prefixes", expected="ordered pages with sessions", got=node.key)
            nodes += node.below.values()
        if expected != found:
            raise IntegrityError("prefixes", expected=f"{len(expected)} pages of sessions", got=len(found))
        for name, known in self.known.items():
            text = b"".join(node.key for node in known.path)
            if text != known.tokens or (holds(known) and len(known.entry) * WIDTH < len(text)):
                raise IntegrityError("prefixes", expected=f"the tokens of {name!r}", got=len(text) // WIDTH)

    def _leave(self, session: str, path: list[Node]) -> None:
        """Take a session out of nodes, the last ones of its path, and the tree's nodes that no other session goes through."""
        gone = list[Node]()
        for node in reversed(path):
            del node.sessions[session]
            above = node.parent
            if not node.sessions and above is not None:
                del above.below[node.key]
                del above.order[bisect.bisect_left(above.order, node.key)]
                gone.append(node)
                if above.parent is None and not above.below:
                    del self.roots[above.namespace]
        if self.tell is not None and gone:
            self.tell(BlockRemoved(tuple(node.digest for node in gone if node.digest is not None)))

    def _tell_stored(self, new: list[Node]) -> None:
        """Tell of pages behind each other."""
        if self.tell is None or not new:
            return
        parent = new[0].parent.digest if new[0].parent is not None else None
        pages, digest = list[tuple[bytes, bytes]](), parent
        for node in new:
            digest = node.digest = node.digest or page_digest(digest, node.namespace, node.key)
            pages.append((digest, node.key))
        self.tell(stored(pages, parent=parent, page=self.page // WIDTH, namespace=new[0].namespace))
