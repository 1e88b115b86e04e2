"""How many xdist workers a set of tests deserves. Pure, but for the reading of the durations file."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

START = 0.35
"""Seconds until a worker has started, imported and collected; with more than one they compete for the same cores."""

OWN_COST = 0.0006
"""Seconds of pytest's own work for one test, done in the worker."""

RELAY_COST = 0.0008
"""Seconds of the controller's work for one test; it is one process, whatever the number of workers."""

WORTH = 0.9
"""More workers must bring the estimate below this share of the time of fewer."""


def choose_workers(durations: Sequence[float], cores: int) -> tuple[int, str]:
    """The number of workers, and the reason for it in words.

    At least one: a test that hangs or crashes must cost a worker, never the session.

    Args:
        durations: recorded seconds of each test.
        cores: processors that this process may use.
    """
    if cores < 2:
        return 1, "1 worker: one core"
    if not durations:
        return cores, f"{cores} workers: no durations are recorded yet"
    mean = sum(durations) / len(durations)
    best = 1
    for count in range(2, cores + 1):
        if _estimate(durations, count, cores) < WORTH * _estimate(durations, best, cores):
            best = count
    shown = f"{len(durations)} tests of {mean * 1000:.1f} ms on average"
    if best == 1:
        return 1, f"1 worker: {shown}; more would take longer to start than they save"
    return best, f"{best} workers: {shown}"


def _estimate(durations: Sequence[float], count: int, cores: int) -> float:
    work = sum(durations) + OWN_COST * len(durations)
    # The controller works beside a single worker, but competes with as many workers as there are cores.
    relay = RELAY_COST * len(durations)
    running = max(work / count, relay) if count < cores else (work + relay) / count
    return START * (1 + 0.5 * (count - 1)) + max(running, *durations)


def read_durations(path: Path) -> list[float]:
    """Durations from `tests.jsonl`, a stream of this plugin, or a JSON object of id → seconds.

    Raises:
        ValueError: the file is none of these.
        OSError: the file cannot be read.
    """
    text = path.read_text(encoding="utf-8")
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
