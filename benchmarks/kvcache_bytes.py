"""What `kvcache` adds to moving bytes: appending a token, zeroing a range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.kvcache_rounds import figures, rounds, timed
from kvcache import Arena, KVCacheManager, KVLayout

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

MODEL = KVLayout(layers=32, kv_heads=8, head_dim=128, max_context=64, dtype=np.float32)
LAYERS = Claim(
    name="kvcache-append-layers",
    what="append one token of 32 layers x 8 heads x 128 in float32 through the manager, against one NumPy write per layer "
    "for K and for V (goal: 3 times as fast)",
    goal=round(1 / 3, 3),
)
BARE = Claim(
    name="kvcache-append-bare", what="the same against two bare NumPy slice assignments of the same bytes", goal=1.5
)
ZERO = Claim(
    name="kvcache-zero",
    what="zero_range of 1 MiB that was written to against ndarray.fill (goal: 0.9 times as fast)",
    goal=round(1 / 0.9, 3),
)
FRESH = Claim(
    name="kvcache-zero-fresh",
    what="zero_range of 64 MiB that nobody wrote to against ndarray.fill of as much",
    goal=0.01,
)
MIB = 1024 * 1024


def appends() -> dict[str, Callable[[], float]]:
    """Seconds per token of three ways to write a token; each fills a whole context."""
    source = np.random.default_rng(0)
    key, value = (source.random(MODEL.token_shape, dtype=np.float32) for _ in range(2))
    manager = KVCacheManager(MODEL, capacity_bytes=MODEL.block_bytes)
    entry = manager.get_or_create("session")
    keys, values = (np.zeros(MODEL.region_shape, dtype=np.float32) for _ in range(2))
    per_layer = (MODEL.kv_heads, MODEL.max_context, MODEL.head_dim)
    layers = [tuple(np.zeros(per_layer, dtype=np.float32) for _ in range(2)) for _ in range(MODEL.layers)]

    def pooled() -> None:
        entry.truncate(0)
        for _ in range(MODEL.max_context):
            manager.append("session", key, value)

    def bare() -> None:
        for token in range(MODEL.max_context):
            keys[token] = key
            values[token] = value

    def by_layer() -> None:
        for token in range(MODEL.max_context):
            for layer, (some_keys, some_values) in enumerate(layers):
                some_keys[:, token] = key[layer]
                some_values[:, token] = value[layer]

    def per_token(way: Callable[[], None]) -> Callable[[], float]:
        return lambda: timed(way, 4) / MODEL.max_context

    return {"ours": per_token(pooled), "bare": per_token(bare), "layers": per_token(by_layer)}


def zeroing(size: int) -> dict[str, Callable[[], float]]:
    """Seconds to zero bytes that were written to."""
    arena = Arena(size)
    written: npt.NDArray[np.uint8] = arena.view_mut(0, size, np.uint8)
    written[:] = 1
    plain = np.ones(size, dtype=np.uint8)
    return {
        "ours": lambda: timed(lambda: arena.zero_range(0, size), 50),
        "fill": lambda: timed(lambda: plain.fill(0), 50),
    }


def fresh(size: int) -> dict[str, Callable[[], float]]:
    """Seconds to zero bytes that nobody wrote to."""
    arena = Arena(size)
    plain = np.ones(size, dtype=np.uint8)
    return {"ours": lambda: timed(lambda: arena.zero_range(0, size)), "fill": lambda: timed(lambda: plain.fill(0))}


def measure(place: Workplace) -> dict[str, Figures]:
    """All four."""
    appended = rounds(appends(), place.patience / 3, count=21)
    return {
        LAYERS.name: figures(appended, "layers"),
        BARE.name: figures(appended, "bare"),
        ZERO.name: figures(rounds(zeroing(MIB), place.patience / 3, count=21), "fill"),
        FRESH.name: figures(rounds(fresh(64 * MIB), place.patience / 3), "fill"),
    }


SUBJECT = Subject(name="kvcache-bytes", claims=(LAYERS, BARE, ZERO, FRESH), measure=measure)
