"""The allocator of `kvcache` against a sorted first-fit list, as one would write it first."""

from __future__ import annotations

import random
import time
from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.kvcache_rounds import figures, rounds
from kvcache import Allocator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SIZES = range(512, 64 * 1024 + 1, 64)
EIGHT = tuple(SIZES[:: len(SIZES) // 8])[:8]
SEED = 20251112
OPERATIONS = 20_000
ROOM, AMPLE = 1.1, 1.5
"""The arena holds 110 % of what is live on average; where sizes repeat, 150 %, so that hardly any request fails."""

Step = tuple[int, int]
"""A place among the live blocks, and the size of what takes it."""

SMALL = Claim(
    name="kvcache-allocate-1k",
    what="1,000 calls of allocate or free at 1,000 live blocks against a sorted first-fit list (goal: 2.5 times as fast)",
    goal=0.4,
)
LARGE = Claim(
    name="kvcache-allocate-10k",
    what="1,000 calls of allocate or free at 10,000 live blocks against a sorted first-fit list (goal: 15 times as fast)",
    goal=round(1 / 15, 3),
)
REPEATED = Claim(
    name="kvcache-repeated-sizes",
    what="1,000 calls of allocate or free of 8 sizes at 1,000 live blocks, all checks on, against calling two empty methods alike",
    goal=5.0,
)
FAILED = Claim(
    name="kvcache-failed-allocations",
    what="failed allocations in 100,000 steps with 1,000 live blocks in an arena of 110 % of them, against first fit",
    goal=0.1,
    unit="times",
)


class FirstFit:
    """Free spans in a sorted list: the first one that is large enough is taken; freed ones join their neighbours."""

    def __init__(self, capacity: int) -> None:
        self.free = [(0, capacity)]

    def allocate(self, size: int) -> tuple[int, int]:
        """Take the front of the first span that is large enough."""
        for index, (start, length) in enumerate(self.free):
            if length >= size:
                if length == size:
                    del self.free[index]
                else:
                    self.free[index] = (start + size, length - size)
                return start, size
        raise MemoryError

    def deallocate(self, block: tuple[int, int]) -> None:
        """Join the block with its neighbours."""
        start, length = block
        index = bisect_left(self.free, block)
        if index < len(self.free) and self.free[index][0] == start + length:
            length += self.free.pop(index)[1]
        if index and sum(self.free[index - 1]) == start:
            before, more = self.free[index - 1]
            self.free[index - 1] = (before, more + length)
        else:
            insort(self.free, (start, length))


class Nothing:
    """Does nothing with the same calls."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity

    def allocate(self, size: int) -> int:
        """Do nothing."""
        return size

    def deallocate(self, block: int) -> None:
        """Do nothing."""


def prepare(
    make: Callable[[int], Any], live: int, sizes: Sequence[int], room: float = ROOM
) -> tuple[Any, list[Any], list[Step]]:
    """An allocator with its live blocks in a state that no longer changes in kind, and the steps to time."""
    source = random.Random(SEED)
    allocator = make(int(room * live * sum(sizes) / len(sizes)) // 64 * 64)
    blocks = [None] * live
    steps = [(source.randrange(live), source.choice(sizes)) for _ in range(4 * live + OPERATIONS)]
    first = [(place, source.choice(sizes)) for place in range(live)]
    run(allocator, blocks, first + steps[: 4 * live])
    return allocator, blocks, steps[4 * live :]


def run(allocator: Any, blocks: list[Any], steps: list[Step]) -> int:
    """Free a block at random and allocate another one; return how often there was no room."""
    allocate, deallocate, failed = allocator.allocate, allocator.deallocate, 0
    for place, size in steps:
        if blocks[place] is not None:
            deallocate(blocks[place])
        try:
            blocks[place] = allocate(size)
        except MemoryError:
            blocks[place] = None
            failed += 1
    return failed


def per_operation(
    make: Callable[[int], Any], live: int, sizes: Sequence[int], room: float = ROOM
) -> Callable[[], float]:
    """What 1,000 calls cost, in seconds of the processor; every measurement goes on where the last one ended."""
    allocator, blocks, steps = prepare(make, live, sizes, room)

    def measure() -> float:
        start = time.process_time()
        run(allocator, blocks, steps)
        return (time.process_time() - start) / len(steps) / 2 * 1000

    return measure


def failures(make: Callable[[int], Any]) -> int:
    """Failed allocations in 100,000 steps."""
    allocator, blocks, _ = prepare(make, 1000, SIZES)
    source = random.Random(SEED + 1)
    return run(allocator, blocks, [(source.randrange(1000), source.choice(SIZES)) for _ in range(100_000)])


def measure(place: Workplace) -> dict[str, Figures]:
    """All four; the counts are the same in every run, because the trace is seeded."""
    found = {}
    for claim, live in ((SMALL, 1000), (LARGE, 10_000)):
        sides = {"ours": per_operation(Allocator, live, SIZES), "first-fit": per_operation(FirstFit, live, SIZES)}
        found[claim.name] = figures(rounds(sides, place.patience / 4), "first-fit")
    sides = {
        "ours": per_operation(Allocator, 1000, EIGHT, AMPLE),
        "nothing": per_operation(Nothing, 1000, EIGHT, AMPLE),
    }
    samples = rounds(sides, place.patience / 4)
    found[REPEATED.name] = figures(samples, "nothing")
    found[FAILED.name] = Figures(ours=failures(Allocator), other=failures(FirstFit), runs=1, note="counted, seeded")
    return found


SUBJECT = Subject(name="kvcache-allocator", claims=(SMALL, LARGE, REPEATED, FAILED), measure=measure)
