"""How many xdist workers a set of tests is worth. Pure, except for reading the durations file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .originals import json, os
from .regular import read_text
from .values import plural

if TYPE_CHECKING:
    from pathlib import Path

TINY = 0.002
"""Seconds. If tests take less on average, sending a test to a worker and its report back costs more than a second worker saves."""

SPARE = 0.8
"""Fraction of the free memory that workers may take: other programs need some, too."""

SHARE = 0.5
"""Seconds of test time that a worker must get to be worth its start (about 0.35 s of one core)."""


def choose_workers(durations: Sequence[float], cores: int, memory: int | None = None, peak: int = 0) -> tuple[int, str]:
    """The number of workers, and the reason for it.

    At least one: a test that hangs or crashes must cost a worker, never the session.

    Args:
        durations: recorded seconds of each test.
        cores: processors that this process may use.
        memory: free bytes; None if unknown.
        peak: peak memory of a test process last time; 0 if unknown.
    """
    count, reason = _by_time(durations, cores)
    if memory is None or not peak:
        return count, reason
    room = max(1, int(memory * SPARE / peak))
    if room >= count:
        return count, reason
    needed, free = (f"{size / (1 << 20):,.0f} MiB" for size in (peak, memory))
    return (
        room,
        f"{plural(room, 'worker')}: each took {needed} last time, and {free} are free; time alone would allow {count}",
    )


def _by_time(durations: Sequence[float], cores: int) -> tuple[int, str]:
    if cores < 2:
        return 1, "1 worker: one core"
    if not durations:
        return cores, f"{plural(cores, 'worker')}: no durations are recorded yet"
    total = sum(durations)
    mean = total / len(durations)
    shown = f"{plural(len(durations), 'test')} of {mean * 1000:.1f} ms on average"
    if mean < TINY:
        return 1, f"1 worker: {shown}; more would cost more than they save"
    # No worker can finish before the longest test; a tenth of a worker is not worth another one.
    enough = math.ceil(total / max(SHARE, *durations) - 0.1)
    count = max(1, min(cores, enough, len(durations)))
    return count, f"{plural(count, 'worker')}: {shown}"


def read_durations(path: Path) -> list[float]:
    """Durations from `tests.jsonl`, a stream of this plugin, or a JSON object of id → seconds.

    Raises:
        ValueError: the file has another format.
        OSError: the file cannot be read.
    """
    text = read_text(path)
    try:
        whole = json.loads(text) if text.strip() else {}
    except ValueError:
        whole = None
    if isinstance(whole, dict) and "id" not in whole:
        return [float(value) for value in whole.values()]
    records = [json.loads(line) for line in text.splitlines() if line.strip()]
    return [
        float(record.get("duration", 0.0))
        for record in records
        if record.get("type", "test") == "test" and record.get("outcome") not in ("excluded", "not-run")
    ]


def cores() -> int:
    """Processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
