"""Prove over many steps that tenants never see each other's bytes, and that memory stays bounded.

    python -m tests.kvcache.soak_sharing [SEED] [STEPS] [plain|mixed|windows]

Three tenants share prompts by forks that show the same pages, write, truncate, remove tokens from the middle, evict and expire, with a
limit on memory. Layers may be of different shapes; those with windows give back what is in front of them. What a token holds tells its tenant and the text before it, so that every byte that is seen can be checked.
"""

import random
import sys
import time
from collections.abc import Callable

import numpy as np

from kvcache import (
    SYSTEM_PAGE,
    KVCacheEntry,
    KVCacheManager,
    KVLayout,
    LayerShape,
    OutOfBoundsError,
    OutOfMemoryError,
    PrefixIndex,
)
from kvcache.sessions import sharing
from tests.kvcache.fakes import FakeClock

ONE = LayerShape(2, 64, 48)
SHAPES = {
    "plain": [ONE],
    "mixed": [ONE, LayerShape(1, 128), ONE],
    "windows": [LayerShape(2, 64, 48, window=8), LayerShape(1, 128)],
}
CONTEXTS = {"plain": 80, "mixed": 80, "windows": 240}
LENGTHS = {"plain": (3, 30, 64), "mixed": (3, 30, 64), "windows": (3, 60, 160, 200)}
PAGES = {"plain": 600, "mixed": 1600, "windows": 1600}
"""Of memory."""


class Soak:
    """One run: a manager, its index, and what every session should hold."""

    def __init__(self, seed: int, kind: str = "plain") -> None:
        layout = KVLayout.of_layers(SHAPES[kind], max_context=CONTEXTS[kind], alignment=SYSTEM_PAGE)
        self.lengths, self.memory, self.windows = LENGTHS[kind], PAGES[kind] * SYSTEM_PAGE, kind == "windows"
        self.random, self.clock = random.Random(seed), FakeClock()
        self.manager = KVCacheManager(
            layout,
            capacity_bytes=130 * layout.block_bytes,
            memory_bytes=self.memory,
            ttl_seconds=60.0,
            clock=self.clock,
        )
        self.index = PrefixIndex(self.manager, page=8)
        self.held: dict[str, list[float]] = {}  # what each token of a session holds
        self.counts = dict.fromkeys(("checked", "shared", "shown", "removed", "refused", "lost", "given back"), 0)

    def step(self) -> None:
        """Do something with some session of some tenant, and check what is seen of it."""
        self.clock.advance(self.random.random() * 0.2)
        tenant = self.random.choice("xyz")
        name, chance = f"{tenant}{self.random.randrange(40)}", self.random.random()
        try:
            if chance < 0.45:
                self.compute(tenant, name)
            elif chance < 0.6:
                self.fork(name, f"{tenant}{self.random.randrange(40)}")
            elif chance < 0.95:
                self.shorten(name, chance)
            else:
                self.manager.expire()
        except OutOfMemoryError:
            self.counts["refused"] += 1
            self.held.pop(name, None)

    def compute(self, tenant: str, name: str) -> None:
        text = [self.random.randrange(2) for _ in range(self.random.choice(self.lengths))]
        text[: len(text) // 2] = [self.random.randrange(3)] * (len(text) // 2)  # prompts that come again
        fills = [float(hash((tenant, *text[: place + 1])) % 1_000_003 + 1) for place in range(len(text))]
        known = self.index.begin(name, text, namespace=tenant)
        entry = self.manager.get_or_create(name)
        self.held[name] = fills[:known]
        self.check(name, entry)
        self.write(entry, fills[known:])
        self.held[name] = fills
        self.index.record(name, text, namespace=tenant)
        self.counts["shared"] += known
        self.counts["shown"] += entry.shared_bytes > 0
        self.check(name, entry)

    def write(self, entry: KVCacheEntry, fills: list[float]) -> None:
        at = 0
        while at < len(fills):
            count = self.random.choice((1, 20, len(fills)))
            row = np.array(fills[at : at + count], np.float32)[None, :, None]
            for layer, shape in enumerate(entry.layout.shapes):
                keys, values = (np.ones((shape.kv_heads, 1, width), np.float32) for width in shape.widths)
                entry.write(layer, row * keys, row * -values)
            entry.commit()
            at += count

    def fork(self, source: str, target: str) -> None:
        entry = self.manager.get(source)
        if entry is not None and source != target and source in self.held:
            count = self.random.randrange(len(entry) + 1)
            if 0 < count < entry.shortest:
                self.refuses(lambda: self.manager.fork(source, target, count))
                return
            made = self.manager.fork(source, target, count)
            self.held[target] = self.held[source][:count]
            self.check(target, made)

    def shorten(self, name: str, chance: float) -> None:
        entry = self.manager.get(name)
        if entry is None or name not in self.held:
            return
        if chance < 0.7:
            kept = self.random.randrange(len(entry) + 1)
            if 0 < kept < entry.shortest:
                self.refuses(lambda: entry.truncate(kept))
                return
            entry.truncate(kept)
            del self.held[name][kept:]
        elif chance < 0.85 and not self.windows:
            first = self.random.randrange(len(entry) + 1)
            last = self.random.randint(first, len(entry))
            entry.remove(first, last)
            entry.shrink()
            del self.held[name][first:last]
            self.counts["removed"] += last - first
        else:
            self.manager.evict(name)
            return
        self.check(name, entry)

    def refuses(self, call: Callable[[], object]) -> None:
        """What windows have given back cannot be had again, and nothing is changed by asking."""
        try:
            call()
        except OutOfBoundsError:
            self.counts["lost"] += 1
        else:
            raise AssertionError

    def check(self, name: str, entry: KVCacheEntry) -> None:
        """Every token is the session's own, and behind them is nothing that was never its tenant's."""
        for layer, shape in enumerate(entry.layout.shapes):
            keys, values, first = entry.keys(layer), entry.values(layer), entry.first_token(layer)
            expected = self.held[name][first:]
            needed = 0 if shape.window is None else max(len(entry) - shape.window + 1, 0)
            assert first <= needed, (name, first, needed)
            assert keys[-1, :, 7].tolist() == expected, (name, keys[-1, :, 7], expected)
            assert (keys == keys[:1, :, :1]).all(), name
            assert (values == -keys[:1, :, :1]).all(), name
            self.counts["checked"] += len(expected)
            self.counts["given back"] += first > 0

    def check_all(self) -> None:
        """The books agree."""
        statistics = self.manager.statistics()
        self.manager.check()
        self.index.check()
        assert statistics.bytes_resident <= self.memory
        entries = list(self.manager._entries.values())
        rows = {each for entry in entries for each in entry._held}
        own = sum(entry.resident_bytes for entry in entries) + sum(each.size for each in rows)
        assert own == statistics.bytes_resident, (own, statistics.bytes_resident)


def peak() -> int:
    """Most memory so far, in KiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(seed: int = 0, steps: int = 1_000_000, kind: str = "plain") -> None:
    """Run, and print what was done."""
    sharing.WORTH = SYSTEM_PAGE  # type: ignore[misc]
    soak, began = Soak(seed, kind), time.monotonic()
    for number in range(1, steps + 1):
        soak.step()
        if number % 200 == 0:
            soak.check_all()
        if number % max(steps // 10, 1) == 0:
            evictions = soak.manager.statistics().evictions.total
            print(
                number,
                soak.counts,
                "evictions",
                evictions,
                "peak KiB",
                peak(),
                f"{time.monotonic() - began:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    SEED, STEPS, KIND = (*sys.argv[1:], *("0", "1_000_000", "plain")[len(sys.argv) - 1 :])
    main(int(SEED), int(STEPS), KIND)
