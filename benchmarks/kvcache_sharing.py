"""Begin a session with the tokens of another one: pages that are shown in both, against a copy."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from benchmarks.claims import Claim, Figures, Subject, Workplace
from benchmarks.kvcache_rounds import figures, rounds
from kvcache import SYSTEM_PAGE, KVCacheManager, KVLayout

if TYPE_CHECKING:
    from collections.abc import Callable

    from kvcache import KVCacheEntry

LONG, SHORT = 2048, 256
LAYOUT = KVLayout(layers=16, kv_heads=8, head_dim=64, max_context=2 * LONG, alignment=SYSTEM_PAGE)
SHAPE = "16 layers x 8 heads x 64 in float32"
FORK = Claim(
    name="kvcache-fork",
    what=f"begin a session with {LONG:,} tokens of another one and read them once ({SHAPE}), processor time, against copying them",
    goal=0.4,
)
FORK_SHORT = Claim(name="kvcache-fork-short", what=f"the same with {SHORT} tokens", goal=0.7)
BYTES = Claim(
    name="kvcache-fork-bytes",
    what=f"memory of a session with {LONG + 1:,} tokens of another one, against a copy",
    goal=0.05,
    unit="bytes",
)


def read(entry: KVCacheEntry) -> None:
    """Look at every byte of the keys and values, as attention does."""
    for layer in range(LAYOUT.layers):
        entry.keys(layer).sum()
        entry.values(layer).sum()


def copied(manager: KVCacheManager, source: KVCacheEntry, tokens: int) -> None:
    """The way without sharing."""
    entry = manager.get_or_create("fork")
    keys, values = source.key_and_value()
    entry.append(keys[:tokens], values[:tokens])
    read(entry)


def shown(manager: KVCacheManager, tokens: int) -> None:
    """Ours."""
    read(manager.fork("source", "fork", tokens))


def timed(manager: KVCacheManager, function: Callable[[], object]) -> float:
    """Seconds of the processor that one call takes: a system call is where others get their turn."""
    manager.evict("fork")
    start = time.process_time()
    function()
    return time.process_time() - start


def sides() -> dict[str, Callable[[], float]]:
    """Seconds, and bytes of memory, by length."""
    manager = KVCacheManager(LAYOUT, capacity_bytes=4 * LAYOUT.block_bytes, memory_bytes=2**30)
    source = manager.get_or_create("source")
    source.commit(LONG + 1)
    source.key_mut()[: LONG + 1] = 1.0
    source.value_mut()[: LONG + 1] = 1.0

    def memory(make: Callable[[], object]) -> float:
        manager.evict("fork")
        before = manager.statistics().bytes_resident
        make()
        return float(manager.statistics().bytes_resident - before)

    answer: dict[str, Callable[[], float]] = {}
    for name, tokens in (("long", LONG), ("short", SHORT)):
        answer[f"ours-{name}"] = lambda tokens=tokens: timed(manager, lambda: shown(manager, tokens))  # type: ignore[misc]
        answer[f"copied-{name}"] = lambda tokens=tokens: timed(manager, lambda: copied(manager, source, tokens))  # type: ignore[misc]
    answer["ours-bytes"] = lambda: memory(lambda: manager.fork("source", "fork", LONG + 1))
    answer["copied-bytes"] = lambda: memory(lambda: copied(manager, source, LONG + 1))
    return answer


def measure(place: Workplace) -> dict[str, Figures]:
    """All three; the first fork seals the source's pages, and counts for nothing."""
    if sys.platform != "linux":
        return {}
    samples = rounds(sides(), place.patience)
    return {
        FORK.name: figures(samples, "copied-long", ours="ours-long"),
        FORK_SHORT.name: figures(samples, "copied-short", ours="ours-short"),
        BYTES.name: figures(samples, "copied-bytes", ours="ours-bytes"),
    }


SUBJECT = Subject(name="kvcache-sharing", claims=(FORK, FORK_SHORT, BYTES), measure=measure)
