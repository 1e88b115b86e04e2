"""Sessions of layers with windows, for tests: each token holds one number."""

from typing import Any

import numpy as np

from kvcache import (
    SYSTEM_PAGE,
    KVCacheEntry,
    KVCacheManager,
    KVLayout,
    LayerShape,
)
from kvcache.memory.sealed import SealedRows
from kvcache.sessions.regions import SLACK
from tests.kvcache.fakes import FakeClock

WINDOW, CONTEXT = 40, 640
GLOBAL, LOCAL = LayerShape(1, 64), LayerShape(2, 64, 48, window=WINDOW)
SHAPES = [LOCAL, GLOBAL, LOCAL]
LAYOUT = KVLayout.of_layers(SHAPES, max_context=CONTEXT, alignment=SYSTEM_PAGE)
DUE = SLACK + 64 + WINDOW - 1
"""Tokens with which the first ones go: the step of both sides is 64."""

LOCAL_PAGES = -(-(WINDOW + 2 * 64 + SLACK) * 64 * 4 // SYSTEM_PAGE) + 1
"""Most pages that a row of a windowed layer takes."""


def make(layout: KVLayout = LAYOUT, sessions: int = 6, **rest: Any) -> KVCacheManager:
    return KVCacheManager(layout, capacity_bytes=sessions * layout.block_bytes, clock=FakeClock(), **rest)


def write(entry: KVCacheEntry, fills: list[float]) -> None:
    """Write tokens that hold one number each, values with another sign."""
    sequences = entry.layout.shapes[0].kv_heads // 2
    for layer, shape in enumerate(SHAPES):
        row = np.array(fills, np.float32)[None, :, None]
        keys, values = (np.ones((sequences * shape.kv_heads, 1, width), np.float32) for width in shape.widths)
        seen, _ = entry.write(layer, row * keys, row * -values)
        assert seen.shape[1] == len(entry) + len(fills) - entry.first_token(layer)
    entry.commit()


def grow(entry: KVCacheEntry, count: int, first: float = 1.0) -> list[float]:
    """Write one token after the other, as decoding does."""
    fills = [first + number for number in range(count)]
    for fill in fills:
        write(entry, [fill])
    return fills


def agrees(seen: Any, fills: list[float]) -> None:
    """Whatever shows layers shows what was written to their tokens, from the first one that is there."""
    assert len(seen) == len(fills)
    for layer in range(len(SHAPES)):
        keys, values = seen.keys(layer), seen.values(layer)
        first = len(fills) - keys.shape[1]
        assert 0 <= first <= (max(len(fills) - WINDOW + 1, 0) if SHAPES[layer].window else 0)
        expected = np.array(fills[first:], np.float32)[None, :, None]
        assert (keys == expected).all()
        assert (values == -expected).all()


def adds_up(manager: KVCacheManager) -> None:
    """What the pool counts is what the sessions hold of their own, and what is sealed."""
    statistics = manager.statistics()
    manager.check()
    entries = list(manager._entries.values())
    rows = {each for entry in entries for each in entry._held if type(each) is SealedRows}  # those of files take none
    assert manager._pool._sealed == rows
    assert statistics.bytes_resident == sum(e.resident_bytes for e in entries) + sum(each.size for each in rows)
    for each in rows:
        assert each.holders == sum(entry._held.count(each) for entry in entries)
