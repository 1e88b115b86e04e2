"""Know which text each page was computed from, and find the longest beginning of another one: exactly, with one look-up per page.

A page is found by the page before it and the bytes of its tokens, so that nothing collides; each namespace (a tenant, an adapter) has
its own tree. The index holds every page that it knows. Pages that only the index holds are given up when the pool runs short: from
the end of a text, those of the lowest priority first, and among those the least recently used.

    known pages == nodes of all trees; each is held by the index once
    a node that is given up has nothing below it
"""

from __future__ import annotations

import bisect
import heapq
import itertools
import math
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, SupportsIndex, TypeAlias

import numpy as np

from kvcache import checks
from kvcache.errors import IntegrityError, InvalidSizeError
from kvcache.paged.events import AllBlocksCleared, BlockRemoved, Event, page_digest, stored
from kvcache.token_text import WIDTH, bytes_of, nearest
from kvcache.values import Clock, Unique

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy.typing as npt

    from kvcache.paged.pages import PagePool, Pages


_SLACK: Final = 64
"""Outdated entries that the heap may have, besides some for each page."""


@dataclass(eq=False, slots=True)
class _Node:
    """A page behind that of its parent."""

    page: int
    parent: _Node | None
    key: bytes
    namespace: str
    digest: bytes | None = None  # only where events are wanted
    priority: int = 0
    expires: float = math.inf
    used: int = 0  # the step
    below: dict[bytes, _Node] = field(default_factory=dict)
    order: list[bytes] = field(default_factory=list)
    known: bool = True

    @property
    def rank(self) -> tuple[int, int]:
        """The lowest goes first."""
        return self.priority, self.used


_Ranked: TypeAlias = tuple[tuple[int, int], int, _Node]
"""A node by its rank, and by a number that is different for each."""


@dataclass(frozen=True, slots=True)
class Match:
    """What is known of a text. The caller is a holder of all pages of it, and drops them.

    Attributes:
        pages: whole ones, in the order of the text.
        tokens: that these have.
        tail: a page whose first tokens go on with the text, and how many; copy them to a page of your own. None: there is none.
    """

    pages: Pages
    tokens: int
    tail: tuple[int, int] | None = None


class PageIndex(Unique):
    """The texts of the pages of a pool, which asks the index for room from now on. Not thread-safe: its owner has the lock.

    Args:
        pool: whose pages.
        page: tokens of a page.
        clock: tells the time in seconds.
        listener: is told what became known and what is known no more; what it raises reaches the caller, after the change.

    Raises:
        InvalidSizeError: `page` is not a whole number above 0.
    """

    def __init__(
        self,
        pool: PagePool,
        *,
        page: SupportsIndex = 16,
        clock: Clock = time.monotonic,
        listener: Callable[[Event], object] | None = None,
    ) -> None:
        self.page: Final = checks.whole_number("page", page, minimum=1)
        self._pool = pool
        self._bytes = self.page * WIDTH
        self._clock = clock
        self._listener = listener
        self._roots: dict[str, _Node] = {}
        self._nodes: dict[int, _Node] = {}  # by page
        self._steps = itertools.count(1)
        self._numbers = itertools.count()
        self._leaves: list[
            tuple[tuple[int, int], int, _Node]
        ] = []  # a heap of those that may be given up; some are not any more
        self._ends: list[tuple[float, int, _Node]] = []  # a heap by when they expire
        pool.reclaim = self.reclaim

    def __len__(self) -> int:
        """Known pages."""
        return len(self._nodes)

    def store(
        self,
        pages: npt.ArrayLike,
        tokens: npt.ArrayLike,
        *,
        namespace: str = "",
        priority: SupportsIndex = 0,
        ttl_seconds: float | None = None,
    ) -> int:
        """Say which text pages were computed from, the first page of the text first; the last one may be full in part.

        Pages whose text is known already stay with their holders and are not taken in.

        Args:
            pages: one for every `page` tokens; the caller holds them.
            tokens: the whole text.
            namespace: only its lookups find it.
            priority: pages of a lower one are given up first.
            ttl_seconds: after which the pages are known no more; None: never.

        Returns:
            How many pages became known.

        Raises:
            InvalidSizeError: not a row of whole numbers, too few or too many pages for it, or a page that is known by another
                text; nothing was changed.
            DoubleFreeError, OutOfBoundsError: a page has no holder, or is none; nothing was changed.
        """
        text, numbers = bytes_of(tokens), np.asarray(pages)
        rank = checks.whole_number("priority", priority, minimum=-(2**62))
        ends = math.inf if ttl_seconds is None else self._clock() + checks.seconds("ttl_seconds", ttl_seconds)
        if numbers.ndim != 1 or len(numbers) != -(-len(text) // self._bytes):
            expected = f"a page for each {self.page} of {len(text) // WIDTH} tokens"
            raise InvalidSizeError("store", expected=expected, got=numbers.shape)
        self._forget_expired()
        step, node, new = next(self._steps), self._roots.get(namespace), list[_Node]()
        if node is None:
            node = _Node(-1, None, b"", namespace)
        fresh, above = list[tuple[int, bytes]](), node
        for number, start in zip(numbers.tolist(), range(0, len(text), self._bytes), strict=True):
            key = text[start : start + self._bytes]
            found = None if fresh else above.below.get(key)
            if found is None:
                fresh.append((number, key))
            else:
                above = found
                found.used, found.priority, found.expires = step, max(found.priority, rank), max(found.expires, ends)
        self._refuse_known(number for number, _ in fresh)
        self._pool.hold([number for number, _ in fresh])
        self._roots[namespace] = node
        for number, key in fresh:
            child = self._nodes[number] = _Node(number, above, key, namespace, None, rank, ends, step)
            above.below[key] = child
            bisect.insort(above.order, key)
            new.append(child)
            if ends < math.inf:
                heapq.heappush(self._ends, (ends, next(self._numbers), child))
            above = child
        if new:
            self._push(new[-1])
        self._tell_stored(new)
        return len(new)

    def match(self, tokens: npt.ArrayLike, *, namespace: str = "", most: SupportsIndex | None = None) -> Match:
        """Find the longest known beginning of a text. The caller holds the pages from now on.

        Args:
            tokens: the text.
            namespace: whose.
            most: tokens that count; a model wants at least the last one for itself.

        Raises:
            InvalidSizeError: not a row of whole numbers.
        """
        text = bytes_of(tokens)
        if most is not None:
            text = text[: checks.whole_number("most", most, minimum=0) * WIDTH]
        self._forget_expired()
        node, step, pages = self._roots.get(namespace), next(self._steps), list[int]()
        start, width = 0, self._bytes
        while node is not None and start + width <= len(text):
            found = node.below.get(text[start : start + width])
            if found is None:
                break
            node, start = found, start + width
            node.used = step
            pages.append(node.page)
        tail = None if node is None or start == len(text) else self._tail(node, text[start : start + width], step)
        whole = np.array(pages, np.int64)
        self._pool.hold([*pages, tail[0]] if tail else pages)
        return Match(whole, start // WIDTH, tail)

    def reclaim(self, count: int) -> bool:
        """The pool's: give up so many pages that only the index holds, or none at all where there are not so many."""
        before = self._pool.free
        self._forget_expired()
        count -= self._pool.free - before
        chosen, busy, given = dict[int, _Node](), list[_Ranked](), Counter[int]()  # by page
        while len(chosen) < count and self._leaves:
            item = heapq.heappop(self._leaves)
            node = item[2]
            if not node.known or node.page in chosen or len(node.below) > given[node.page]:
                continue  # it comes again when there is nothing below it
            if item[0] != node.rank:
                self._push(node)
            elif self._pool.holders([node.page])[0] > 1:
                busy.append(item)
            else:
                chosen[node.page] = node
                if node.parent is not None and node.parent.parent is not None:
                    given[node.parent.page] += 1
                    if given[node.parent.page] == len(node.parent.below):
                        self._push(node.parent)
        for item in busy:
            heapq.heappush(self._leaves, item)
        if len(chosen) < count:
            for node in chosen.values():
                self._push(node)
            return False
        for node in chosen.values():
            self._remove(node)
        self._tell_removed([*chosen.values()])
        return True

    def clear(self, namespace: str | None = None) -> int:
        """Forget all pages, or those of a namespace, and return how many there were; tables that hold them keep them."""
        names = list(self._roots) if namespace is None else [namespace]
        gone = [node for name in names if (root := self._roots.pop(name, None)) is not None for node in _below(root)]
        for node in gone:
            node.known = False
            del self._nodes[node.page]
        self._pool.drop([node.page for node in gone])
        if namespace is not None:
            self._tell_removed(gone)
        elif self._listener is not None:
            self._listener(AllBlocksCleared())
        return len(gone)

    def check(self) -> None:
        """Prove the invariants of the module.

        Raises:
            IntegrityError: one of them does not hold.
        """
        nodes = [node for root in self._roots.values() for node in _below(root)]
        if {node.page: node for node in nodes} != self._nodes or len(nodes) != len(self._nodes):
            raise IntegrityError("page index", expected=f"the pages {sorted(self._nodes)}, each once", got=len(nodes))
        if nodes and self._pool.holders([*self._nodes]).min() < 1:
            raise IntegrityError("page index", expected="known pages that have a holder", got="free ones")
        leaves = {id(node) for _, _, node in self._leaves}
        for node in nodes:
            if sorted(node.below) != node.order or not node.known or (not node.below and id(node) not in leaves):
                raise IntegrityError(
                    "page index", expected="ordered pages, the last of which can be given up", got=node.key
                )

    def _push(self, node: _Node) -> None:
        if len(self._leaves) > 4 * len(self._nodes) + _SLACK:
            left = {item[2].page: item[2] for item in self._leaves if item[2].known}
            self._leaves = [(each.rank, next(self._numbers), each) for each in left.values()]
            heapq.heapify(self._leaves)
        heapq.heappush(self._leaves, (node.rank, next(self._numbers), node))

    def _refuse_known(self, numbers: Iterable[int]) -> None:
        """Refuse pages that are known by another text: what they hold cannot be both."""
        known = [number for number, times in Counter(numbers).items() if number in self._nodes or times > 1]
        if known:
            remedy = "a page that others may read is not written to again: copy it first"
            raise InvalidSizeError("store", expected="pages that have no text yet", got=known, remedy=remedy)

    def _forget_expired(self) -> None:
        """Forget the pages whose time has ended, and all behind them."""
        if not self._ends or self._ends[0][0] > (now := self._clock()):
            return
        gone = list[_Node]()
        while self._ends and self._ends[0][0] <= now:
            node = heapq.heappop(self._ends)[2]
            if node.known and node.expires > now:
                heapq.heappush(self._ends, (node.expires, next(self._numbers), node))
            elif node.known and node.parent is not None:
                ended = list(_below(node.parent, node.key))
                for each in reversed(ended):
                    self._remove(each)
                gone += ended
        self._tell_removed(gone)

    def _remove(self, node: _Node) -> None:
        """Forget a page that has nothing below it."""
        node.known = False
        above = node.parent
        assert above is not None
        del above.below[node.key]
        del above.order[bisect.bisect_left(above.order, node.key)]
        if not above.below:
            if above.parent is not None:
                self._push(above)
            else:
                self._roots.pop(above.namespace, None)
        del self._nodes[node.page]
        self._pool.drop_one(node.page)

    def _tail(self, node: _Node, rest: bytes, step: int) -> tuple[int, int] | None:
        """The page behind a node that begins with most of the rest of a text; those beside it in the order do."""
        key, count = nearest(node.order, rest)
        if not count:
            return None
        found = node.below[key]
        found.used = step
        return found.page, count

    def _tell_stored(self, new: list[_Node]) -> None:
        if self._listener is None or not new:
            return
        before = new[0].parent.digest if new[0].parent is not None else None
        for node in new:
            node.digest = page_digest(node.parent.digest if node.parent is not None else None, node.namespace, node.key)
        pages = [(node.digest, node.key) for node in new if node.digest is not None]
        self._listener(stored(pages, parent=before, page=self.page, namespace=new[0].namespace))

    def _tell_removed(self, gone: list[_Node]) -> None:
        if self._listener is not None and gone:
            self._listener(BlockRemoved(tuple(node.digest for node in gone if node.digest is not None)))


def _below(node: _Node, key: bytes | None = None) -> Iterator[_Node]:
    """All nodes below one, or those of one page behind it; each after the node that it hangs under."""
    waiting = list(node.below.values()) if key is None else [node.below[key]]
    while waiting:
        each = waiting.pop()
        yield each
        waiting += each.below.values()
