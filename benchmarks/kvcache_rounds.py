"""Runs functions of this process in turns: what disturbs the machine disturbs every side alike."""

from __future__ import annotations

import gc
import statistics
import time
from typing import TYPE_CHECKING

from benchmarks.claims import Figures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROUNDS, FEWEST = 11, 5


def rounds(sides: Mapping[str, Callable[[], float]], patience: float, *, count: int = ROUNDS) -> dict[str, list[float]]:
    """Call all sides in turns, each round beginning with another one; the first round counts for nothing.

    Args:
        sides: each runs once and returns what it measured, in seconds or another unit.
        patience: seconds after which no new round begins; five rounds always count.
        count: how many samples of each.
    """
    names = list(sides)
    samples: dict[str, list[float]] = {name: [] for name in names}
    began = time.monotonic()
    enabled = gc.isenabled()
    gc.disable()
    try:
        for number in range(count + 1):
            if number > FEWEST and time.monotonic() - began > patience:
                break
            turn = number % len(names)
            for name in [*names[turn:], *names[:turn]]:
                gc.collect()
                sample = sides[name]()
                if number:
                    samples[name].append(sample)
    finally:
        if enabled:
            gc.enable()
    return samples


def figures(samples: Mapping[str, list[float]], other: str, *, ours: str = "ours", note: str = "") -> Figures:
    """The medians of two sides."""
    mine, theirs = statistics.median(samples[ours]), statistics.median(samples[other])
    return Figures(ours=mine, other=theirs, runs=len(samples[ours]), note=note)


def timed(function: Callable[[], object], repeat: int = 1) -> float:
    """Seconds of the processor that one call takes, the mean of `repeat`: what others run on the machine is not in it."""
    start = time.process_time()
    for _ in range(repeat):
        function()
    return (time.process_time() - start) / repeat
