"""Numbered pages: get and free, against the method of vLLM's `BlockPool`.

vLLM cannot be installed on every CPU, so its published method is written anew here: an object per block with a count of references, in a
doubly linked list of free ones with a sentinel at each end; many are taken and appended at once. Caching is off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.kvcache_rounds import figures, rounds, timed
from kvcache.paged.pages import PagePool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

COUNT, MANY = 65_536, 256
BULK = Claim(
    name="kvcache-pages-bulk",
    what=f"get and free {MANY} of {COUNT:,} pages, per page, against a doubly linked list of blocks with references (vLLM's way)",
    goal=0.25,
)
ONE = Claim(name="kvcache-pages-one", what="the same, one page at a time", goal=1.0)


class Block:
    """A block, and its place among the free ones."""

    __slots__ = ("after", "before", "number", "references")

    def __init__(self, number: int) -> None:
        self.number, self.references = number, 0
        self.before: Block | None = None
        self.after: Block | None = None


class LinkedBlocks:
    """Blocks with counts of references; the free ones in a doubly linked list."""

    def __init__(self, count: int) -> None:
        self.first, self.last, self.free = Block(-1), Block(-1), 0
        self.first.after, self.last.before = self.last, self.first
        self.append([Block(number) for number in range(count)])

    def append(self, blocks: list[Block]) -> None:
        """Put free blocks behind all others."""
        if not blocks:
            return
        last = self.last.before
        assert last is not None
        for block in blocks:
            block.before = last
            last.after = block
            last = block
        last.after = self.last
        self.last.before = last
        self.free += len(blocks)

    def get(self, count: int) -> list[Block]:
        """Take the first blocks."""
        if count > self.free:
            raise ValueError(f"{count} blocks of {self.free}")
        taken, block = [], self.first.after
        self.free -= count
        for _ in range(count):
            assert block is not None
            taken.append(block)
            before, block = block, block.after
            before.before = before.after = None
        if block is not None:
            self.first.after, block.before = block, self.first
        for each in taken:
            each.references += 1
        return taken

    def drop(self, blocks: Iterable[Block]) -> None:
        """Count a reference less of each; those without are free."""
        listed = list(blocks)
        for block in listed:
            block.references -= 1
        self.append([block for block in listed if block.references == 0])


def sides() -> dict[str, Callable[[], float]]:
    """Seconds of a page."""
    pool, linked = PagePool(COUNT), LinkedBlocks(COUNT)

    def one() -> None:
        pool.drop_one(pool.get_one())

    return {
        "bulk": lambda: timed(lambda: pool.drop(pool.get(MANY)), 400) / MANY,
        "linked-bulk": lambda: timed(lambda: linked.drop(linked.get(MANY)), 100) / MANY,
        "one": lambda: timed(one, 10_000),
        "linked-one": lambda: timed(lambda: linked.drop(linked.get(1)), 10_000),
    }


def measure(place: Workplace) -> dict[str, Figures]:
    """Both."""
    samples = rounds(sides(), place.patience, count=21)
    return {
        BULK.name: figures(samples, "linked-bulk", ours="bulk"),
        ONE.name: figures(samples, "linked-one", ours="one"),
    }


SUBJECT = Subject(name="kvcache-pages", claims=(BULK, ONE), measure=measure)
