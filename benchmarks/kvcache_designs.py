"""Three ways for the tokens of a session to grow, by decode steps and by the memory that sessions take.

- ours: a row of addresses per layer and head for the whole context, in which the system takes memory page by page;
- growing: contiguous rows that are copied to a block of 1.5 times the size when they are full;
- paged: blocks of 16 tokens that lie anywhere, found by a table, and gathered for attention.

docs/kvcache/concepts.md tells what was decided with them.
"""

from __future__ import annotations

import math
import mmap
import random
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.kvcache_rounds import figures, rounds, timed
from kvcache import SYSTEM_PAGE, KVCacheManager, KVLayout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]

CONTEXT, STEPS, PAGE, FACTOR = 4096, 16, 16, 1.5
LAYOUT = KVLayout(layers=16, kv_heads=8, head_dim=64, max_context=CONTEXT, alignment=SYSTEM_PAGE)
SHAPE = "16 layers x 8 heads x 64 in float32"
GIB = 2**30
GROWING = Claim(
    name="kvcache-design-growing",
    what=f"{STEPS} decode steps (write and attention of all layers, {SHAPE}) up to {CONTEXT:,} tokens, against rows that grow by copies",
    goal=1.15,
)
HUGE = Claim(
    name="kvcache-design-huge",
    what="the same against rows that grow in huge pages, which cannot be given back one by one (only told)",
)
PAGED = Claim(
    name="kvcache-design-paged",
    what=f"the same against pages of {PAGE} tokens that are gathered for attention",
    goal=0.6,
)
RESERVED = Claim(
    name="kvcache-fit-reserved",
    what="memory of a session, log-normal lengths with a mean of 727 of 4,096 tokens, against blocks for the whole context "
    "(goal: 5.5 times as many sessions fit)",
    goal=round(1 / 5.5, 3),
    unit="bytes",
)
FIT_GROWING = Claim(
    name="kvcache-fit-growing", what="the same against rows that grow by copies", goal=0.85, unit="bytes"
)


class Growing:
    """Rows of heads that are copied to larger ones."""

    advice = mmap.MADV_NOHUGEPAGE

    def __init__(self, tokens: int) -> None:
        self.tokens, self.capacity = tokens, capacity_of(tokens)
        self.rows = self.allocate()
        self.rows[:] = 1

    def allocate(self) -> Floats:
        """Rows for the whole capacity."""
        shape = (2, LAYOUT.layers, LAYOUT.kv_heads, self.capacity, LAYOUT.head_dim)
        count = math.prod(shape)
        mapping = mmap.mmap(-1, 4 * count)
        mapping.madvise(self.advice)
        return np.frombuffer(mapping, dtype=np.float32, count=count).reshape(shape)

    def step(self, query: Floats, token: Floats) -> None:
        """Write a token and attend to all of them."""
        if self.tokens == self.capacity:
            self.capacity = min(math.ceil(self.capacity * FACTOR), CONTEXT)
            larger = self.allocate()
            larger[:, :, :, : self.tokens] = self.rows
            self.rows = larger
        for layer in range(LAYOUT.layers):
            keys, values = self.rows[0, layer], self.rows[1, layer]
            keys[:, self.tokens : self.tokens + 1] = values[:, self.tokens : self.tokens + 1] = token
            attention(query, keys[:, : self.tokens + 1], values[:, : self.tokens + 1])
        self.tokens += 1


class GrowingHuge(Growing):
    """The same in huge pages."""

    advice = mmap.MADV_HUGEPAGE


class Paged:
    """Pages of all sessions, and a table of those of one."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        shape = (LAYOUT.layers, CONTEXT // PAGE, 2, LAYOUT.kv_heads, PAGE, LAYOUT.head_dim)
        self.pages: Floats = np.ones(shape, dtype=np.float32)
        self.table = np.random.default_rng(0).permutation(CONTEXT // PAGE)

    def step(self, query: Floats, token: Floats) -> None:
        """Write a token and attend to all of them."""
        page, place = divmod(self.tokens, PAGE)
        count = page + 1
        for layer in range(LAYOUT.layers):
            self.pages[layer, self.table[page], :, :, place] = token[:, 0]
            # [pages, 2, heads, tokens, width] -> [2, heads, pages * tokens, width]: the one copy that attention needs
            gathered = np.empty((2, LAYOUT.kv_heads, count, PAGE, LAYOUT.head_dim), dtype=np.float32)
            gathered[:] = self.pages[layer][self.table[:count]].transpose(1, 2, 0, 3, 4)
            keys, values = gathered.reshape(2, LAYOUT.kv_heads, count * PAGE, -1)[:, :, : self.tokens + 1]
            attention(query, keys, values)
        self.tokens += 1


class Ours:
    """An entry of the manager."""

    def __init__(self, tokens: int) -> None:
        self.manager = KVCacheManager(
            LAYOUT, capacity_bytes=LAYOUT.block_bytes, memory_bytes=LAYOUT.block_bytes + SYSTEM_PAGE
        )
        self.entry = self.manager.get_or_create("session")
        self.tokens = tokens
        prompt: Floats = np.ones((LAYOUT.kv_heads, tokens, LAYOUT.head_dim), dtype=np.float32)
        for layer in range(LAYOUT.layers):
            self.entry.write(layer, prompt, prompt)
        self.entry.commit()

    def step(self, query: Floats, token: Floats) -> None:
        """Write a token and attend to all of them."""
        for layer in range(LAYOUT.layers):
            attention(query, *self.entry.write(layer, token, token))
        self.entry.commit()


def attention(query: Floats, keys: Floats, values: Floats) -> Floats:
    """Of one query per head: shapes [heads, 1, width] and [heads, tokens, width]."""
    scores = query @ keys.transpose(0, 2, 1)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed: Floats = (weights / weights.sum(axis=-1, keepdims=True)) @ values
    return mixed


def capacity_of(tokens: int) -> int:
    """Tokens that rows hold which began with a page and grew whenever they were full."""
    capacity = PAGE
    while capacity < tokens:
        capacity = min(math.ceil(capacity * FACTOR), CONTEXT)
    return capacity


def decoding() -> dict[str, Callable[[], float]]:
    """Seconds of the last steps before the context is full."""
    source = np.random.default_rng(0)
    query, token = (source.random((LAYOUT.kv_heads, 1, LAYOUT.head_dim), dtype=np.float32) for _ in range(2))

    def steps(side: Ours | Growing | Paged) -> None:
        for _ in range(STEPS):
            side.step(query, token)

    def fresh(kind: type[Ours | Growing | Paged]) -> Callable[[], float]:
        def run() -> float:
            side = kind(CONTEXT - STEPS)
            return timed(lambda: steps(side)) / STEPS

        return run

    return {"ours": fresh(Ours), "growing": fresh(Growing), "huge": fresh(GrowingHuge), "paged": fresh(Paged)}


def lengths() -> Iterator[int]:
    """Log-normal numbers of tokens with a mean of 727 (sigma 1), at most the context."""
    source = random.Random(0)
    while True:
        yield min(CONTEXT, max(1, round(source.lognormvariate(math.log(727) - 0.5, 1.0))))


def fitting() -> tuple[int, int]:
    """Sessions in a GiB of memory until the first one is evicted, and the tokens that rows which grow would hold room for."""
    manager = KVCacheManager(LAYOUT, capacity_bytes=200 * LAYOUT.block_bytes, memory_bytes=GIB)
    grown = 0
    for number, tokens in enumerate(lengths()):
        manager.get_or_create(str(number)).commit(tokens)  # what counts are the pages, not what they hold
        if manager.statistics().evictions.total:
            return number, grown
        grown += capacity_of(tokens)
    raise AssertionError("there is no end of lengths")


def measure(place: Workplace) -> dict[str, Figures]:
    """Decode steps in turns, memory once."""
    samples = rounds(decoding(), place.patience, count=7)
    sessions, grown = fitting()
    note = f"{sessions} sessions per GiB against {GIB // LAYOUT.block_bytes}"
    growing = 2 * LAYOUT.token_bytes * grown / sessions
    return {
        GROWING.name: figures(samples, "growing"),
        HUGE.name: figures(samples, "huge"),
        PAGED.name: figures(samples, "paged"),
        RESERVED.name: Figures(ours=GIB / sessions, other=LAYOUT.block_bytes, runs=1, note=note),
        FIT_GROWING.name: Figures(ours=GIB / sessions, other=growing, runs=1),
    }


SUBJECT = Subject(name="kvcache-designs", claims=(GROWING, HUGE, PAGED, RESERVED, FIT_GROWING), measure=measure)
