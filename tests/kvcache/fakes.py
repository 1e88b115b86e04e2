"""Stand in for the clock, and make small layouts and tokens."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from kvcache import KVCacheManager, KVLayout, MemorySink, Sink
from kvcache.records.chain import to_json
from kvcache.replay import Recording


class FakeClock:
    """A clock that stands still until a test moves it, in seconds."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float = 1.0) -> None:
        self.now += seconds


def small_layout(max_context: int = 4) -> KVLayout:
    """A token of 2 layers, 2 heads and 4 dimensions is 64 bytes, so a block of n tokens has 128 * n bytes."""
    return KVLayout(layers=2, kv_heads=2, head_dim=4, max_context=max_context)


def make_manager(
    blocks: int = 4,
    *,
    max_context: int = 4,
    clock: FakeClock | None = None,
    ttl: float | None = None,
    sink: Sink | None = None,
) -> KVCacheManager:
    """A manager whose arena holds `blocks` sessions of full context."""
    layout = small_layout(max_context)
    return KVCacheManager(
        layout,
        capacity_bytes=blocks * layout.block_bytes,
        clock=clock or FakeClock(),
        ttl_seconds=ttl,
        sinks=() if sink is None else (sink,),
    )


def tokens(layout: KVLayout, count: int, fill: float = 1.0) -> npt.NDArray[Any]:
    """`count` tokens whose elements are all `fill`."""
    return np.full((count, *layout.token_shape), fill, dtype=layout.dtype)


def one_token(layout: KVLayout, fill: float = 1.0) -> npt.NDArray[Any]:
    """A token without the leading axis."""
    return np.full(layout.token_shape, fill, dtype=layout.dtype)


def recording_of(sink: MemorySink) -> Recording:
    """What was recorded in memory, in the order in which it happened."""
    opening, *events = (json.loads(json.dumps(to_json(record))) for record in sink.records)
    return Recording(opening, tuple(sorted(events, key=lambda event: int(event["sequence"]))), 0, "")
