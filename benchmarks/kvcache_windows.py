"""Layers with a sliding window, which give back what is in front of it, against the same layers with all tokens."""

from __future__ import annotations

import math
import random
import sys
import time
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.kvcache_rounds import figures, rounds
from kvcache import SYSTEM_PAGE, KVCacheManager, KVLayout, LayerShape

if TYPE_CHECKING:
    from collections.abc import Callable

LAYERS, WINDOW, GIB, STEPS = 26, 512, 2**30, 256
SHAPE = f"{LAYERS} layers of 1 head of 256 in bfloat16, as Gemma 3 1B; five of six with a window of {WINDOW}"
CONTEXTS: Final = {"kvcache-windows-fit": 4_096, "kvcache-windows-fit-long": 32_768}
FIT = Claim(
    name="kvcache-windows-fit",
    what=f"memory of a session ({SHAPE}), log-normal lengths with a mean of 727 of 4,096 tokens, against all tokens",
    goal=0.85,
    unit="bytes",
)
FIT_LONG = Claim(
    name="kvcache-windows-fit-long",
    what="the same with a mean of 5,816 of 32,768 tokens",
    goal=0.35,
    unit="bytes",
)
STEP = Claim(
    name="kvcache-windows-step",
    what=f"write a token to all layers and commit it, {STEPS} times behind 4,096 others (processor time), against all tokens",
    goal=1.25,
)


def layout(context: int, *, windows: bool) -> KVLayout:
    """The shape of the model, with or without its windows."""
    shapes = [LayerShape(1, 256, window=WINDOW if windows and (layer + 1) % 6 else None) for layer in range(LAYERS)]
    return KVLayout.of_layers(shapes, max_context=context, dtype="bfloat16", alignment=SYSTEM_PAGE)


def sessions(context: int, *, windows: bool) -> int:
    """Sessions in a GiB of memory until the first one is evicted."""
    shape, source = layout(context, windows=windows), random.Random(0)
    manager = KVCacheManager(shape, capacity_bytes=1000 * shape.block_bytes, memory_bytes=GIB)
    for number in range(1000):
        tokens = round(source.lognormvariate(math.log(727 * context / 4096) - 0.5, 1.0))
        entry = manager.get_or_create(str(number))
        entry.commit(min(max(tokens, 2), context) - 1)  # what counts are the pages, not what they hold
        entry.commit(1)
        if manager.statistics().evictions.total:
            return number
    raise AssertionError("1,000 sessions fit")


def steps(*, windows: bool) -> Callable[[], float]:
    """Seconds of the processor that steps take."""
    shape = layout(8192, windows=windows)
    manager = KVCacheManager(shape, capacity_bytes=shape.block_bytes, memory_bytes=shape.block_bytes)
    token = np.ones((1, 1, 256), np.uint16)

    def run() -> float:
        manager.evict("a")
        entry = manager.get_or_create("a")
        entry.commit(4096)
        entry.commit(1)
        began = time.process_time()
        for _ in range(STEPS):
            for layer in range(LAYERS):
                entry.write(layer, token, token)
            entry.commit()
        return time.process_time() - began

    return run


def measure(place: Workplace) -> dict[str, Figures]:
    """Steps in turns, memory once."""
    if sys.platform != "linux":
        return {}
    samples = rounds({"ours": steps(windows=True), "whole": steps(windows=False)}, place.patience)
    found = {STEP.name: figures(samples, "whole")}
    for name, context in CONTEXTS.items():
        ours, whole = (sessions(context, windows=windows) for windows in (True, False))
        note = f"{ours} sessions per GiB against {whole}"
        found[name] = Figures(ours=GIB / ours, other=GIB / whole, runs=1, note=note)
    return found


SUBJECT = Subject(name="kvcache-windows", claims=(FIT, FIT_LONG, STEP), measure=measure)
