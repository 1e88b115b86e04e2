"""What `kvcache` adds to moving bytes: appending a token, writing it layer by layer, zeroing a range.

Both sides write the same bytes to the same places of a mapping with pages of the same size: NumPy asks for huge pages for arrays of
4 MiB and more, which made a rival up to five times as quick on one day as on another.

Appending 16 KiB through the manager misses its goal: it takes 2.3 times as long as the two assignments, 2.5 µs more. Of these the checks
of session, types and shapes take 0.8, two locks 0.4, the clock and the duration 0.5, the counts 0.5, and calls the rest. None of them can go.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.kvcache_rounds import figures, rounds, timed
from kvcache import Arena, KVCacheManager, KVLayout

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

SMALL = KVLayout(layers=4, kv_heads=4, head_dim=128, max_context=256)
LARGE = KVLayout(layers=32, kv_heads=8, head_dim=128, max_context=64)
APPEND = Claim(
    name="kvcache-append",
    what="append one token of 4 layers x 4 heads x 128 (16 KiB) through the manager, against two bare NumPy assignments to rows of "
    "heads",
    goal=1.8,
)
BARE = Claim(name="kvcache-append-bare", what="the same for 32 layers x 8 heads x 128 (256 KiB)", goal=1.5)
LAYERS = Claim(
    name="kvcache-write",
    what="write 32 layers x 8 heads x 128 layer by layer and commit, against two bare NumPy assignments per layer",
    goal=3.0,
)
ZERO = Claim(
    name="kvcache-zero",
    what="zero_range of 1 MiB that was written to against ndarray.fill (goal: 0.9 times as fast)",
    goal=round(1 / 0.9, 3),
)
MIB = 1024 * 1024


def mapped(layout: KVLayout) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Regions that lie as those of `layout`, outside of any pool."""
    block = np.frombuffer(mmap.mmap(-1, layout.block_bytes), dtype=np.uint8)
    return layout.keys.of(block, layout.dtype), layout.values.of(block, layout.dtype)


def appends(layout: KVLayout) -> dict[str, Callable[[], float]]:
    """Seconds per token of ways to write a token; each fills a whole context."""
    source = np.random.default_rng(0)
    key, value = (source.random(layout.token_shape, dtype=np.float32) for _ in range(2))
    manager = KVCacheManager(layout, capacity_bytes=layout.block_bytes)
    entry = manager.get_or_create("session")
    keys, values = mapped(layout)
    of_layers = [(key[layer][:, None], value[layer][:, None]) for layer in range(layout.layers)]

    def pooled() -> None:
        entry.truncate(0)
        for _ in range(layout.max_context):
            manager.append("session", key, value)

    def bare() -> None:
        for token in range(layout.max_context):
            keys[:, :, token] = key
            values[:, :, token] = value

    def written() -> None:
        entry.truncate(0)
        for _ in range(layout.max_context):
            for layer, (some_keys, some_values) in enumerate(of_layers):
                entry.write(layer, some_keys, some_values)
            entry.commit()

    def by_layer() -> None:
        for token in range(layout.max_context):
            for layer, (some_keys, some_values) in enumerate(of_layers):
                keys[layer, :, token : token + 1] = some_keys
                values[layer, :, token : token + 1] = some_values

    def per_token(way: Callable[[], None]) -> Callable[[], float]:
        return lambda: timed(way, 4) / layout.max_context

    return {
        "ours": per_token(pooled),
        "bare": per_token(bare),
        "written": per_token(written),
        "layers": per_token(by_layer),
    }


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


def measure(place: Workplace) -> dict[str, Figures]:
    """All four."""
    small = rounds(appends(SMALL), place.patience / 3, count=21)
    large = rounds(appends(LARGE), place.patience / 3, count=21)
    return {
        APPEND.name: figures(small, "bare"),
        BARE.name: figures(large, "bare"),
        LAYERS.name: figures(large, "layers", ours="written"),
        ZERO.name: figures(rounds(zeroing(MIB), place.patience / 3, count=21), "fill"),
    }


SUBJECT = Subject(name="kvcache-bytes", claims=(APPEND, BARE, LAYERS, ZERO), measure=measure)
