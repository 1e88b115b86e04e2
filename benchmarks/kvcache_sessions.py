"""Many sessions of `kvcache`: two threads against one, and what they take of memory."""

from __future__ import annotations

import random
import threading
import time

import numpy as np
import psutil

from benchmarks.claims import CannotMeasure, Claim, Figures, Subject, Workplace
from benchmarks.kvcache_rounds import figures, rounds
from kvcache import KVCacheManager, KVLayout

LAYOUT = KVLayout(layers=8, kv_heads=4, head_dim=64, max_context=16, dtype=np.float32)
MODEL = KVLayout(layers=32, kv_heads=8, head_dim=128, max_context=4, dtype=np.float32)
SESSIONS, TOKENS, BLOCKS = 10_000, 4, 64
CYCLES = 100_000
THREADS = Claim(
    name="kvcache-threads",
    what=f"{SESSIONS:,} sessions of 32 layers x 8 heads x 128 that are made, appended to {TOKENS} times and partly evicted, by two threads against one "
    "(goal: 0.8 of its throughput)",
    goal=1.25,
)
MEMORY = Claim(
    name="kvcache-memory",
    what=f"resident bytes after {CYCLES:,} sessions were made and evicted, against the arena and 10 %",
    goal=1.0,
    unit="bytes",
)


def work(manager: KVCacheManager, names: range, token: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> None:
    """Make sessions, append to them, evict every second one; the arena evicts the others when it is full."""
    for number in names:
        entry = manager.get_or_create(str(number))
        with entry.pin():
            for _ in range(TOKENS):
                entry.append(token, token)
        if number % 2:
            manager.evict(str(number))


def seconds(threads: int) -> float:
    """Seconds until all sessions are through, started at once."""
    manager = KVCacheManager(MODEL, capacity_bytes=BLOCKS * MODEL.block_bytes)
    token = np.ones(MODEL.token_shape, dtype=np.float32)
    workers = [
        threading.Thread(target=work, args=(manager, range(first, SESSIONS, threads), token))
        for first in range(threads)
    ]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    taken = time.perf_counter() - start
    manager.check()
    if manager.statistics().misses != SESSIONS:
        raise CannotMeasure("a thread did not finish its sessions")
    return taken


def resident() -> tuple[float, float]:
    """Bytes that the process has grown by at its largest, and the bytes of the arena."""
    process, source = psutil.Process(), random.Random(0)
    token = np.ones(LAYOUT.token_shape, dtype=np.float32)
    before = process.memory_info().rss
    manager = KVCacheManager(LAYOUT, capacity_bytes=4 * BLOCKS * LAYOUT.block_bytes)
    largest = 0.0
    for number in range(CYCLES):
        name = str(number)
        manager.get_or_create(name, source.randint(1, LAYOUT.max_context)).append(token, token)
        if source.random() < 0.5:
            manager.evict(name)
        if number % 1000 == 0:
            largest = max(largest, process.memory_info().rss - before)
    return max(largest, process.memory_info().rss - before), manager.statistics().bytes_capacity


def measure(place: Workplace) -> dict[str, Figures]:
    """Threads in turns, memory once."""
    samples = rounds({"ours": lambda: seconds(2), "one": lambda: seconds(1)}, place.patience / 2, count=7)
    grown, arena = resident()
    note = f"grown by {grown / 2**20:.1f} MiB for an arena of {arena / 2**20:.1f} MiB"
    return {
        THREADS.name: figures(samples, "one"),
        MEMORY.name: Figures(ours=grown, other=1.1 * arena, runs=1, note=note),
    }


SUBJECT = Subject(name="kvcache-sessions", claims=(THREADS, MEMORY), measure=measure)
