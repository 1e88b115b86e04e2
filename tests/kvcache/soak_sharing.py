"""Prove over many steps that tenants never see each other's bytes, and that memory stays bounded.

    python -m tests.kvcache.soak_sharing [SEED] [STEPS]

Three tenants share prompts by forks that show the same pages, write, truncate, remove tokens from the middle, evict and expire, with a
limit on memory. What a token holds tells its tenant and the text before it, so that every byte that is seen can be checked.
"""

import random
import sys
import time

import numpy as np

from kvcache import SYSTEM_PAGE, KVCacheEntry, KVCacheManager, KVLayout, OutOfMemoryError, PrefixIndex
from kvcache.sessions import sharing
from tests.kvcache.fakes import FakeClock

LAYOUT = KVLayout(layers=1, kv_heads=2, head_dim=64, value_dim=48, max_context=80, alignment=SYSTEM_PAGE)
MEMORY = 150 * 4 * SYSTEM_PAGE


class Soak:
    """One run: a manager, its index, and what every session should hold."""

    def __init__(self, seed: int) -> None:
        self.random, self.clock = random.Random(seed), FakeClock()
        self.manager = KVCacheManager(
            LAYOUT, capacity_bytes=130 * LAYOUT.block_bytes, memory_bytes=MEMORY, ttl_seconds=60.0, clock=self.clock
        )
        self.index = PrefixIndex(self.manager, page=8)
        self.held: dict[str, list[float]] = {}  # what each token of a session holds
        self.counts = dict.fromkeys(("checked", "shared", "shown", "removed", "refused"), 0)

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
        text = [self.random.randrange(2) for _ in range(self.random.choice((3, 30, 64)))]
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
        row = np.array(fills, np.float32)[None, :, None]
        if fills:
            entry.write(0, row * np.ones((2, 1, 64), np.float32), row * -np.ones((2, 1, 48), np.float32))
            entry.commit()

    def fork(self, source: str, target: str) -> None:
        entry = self.manager.get(source)
        if entry is not None and source != target and source in self.held:
            count = self.random.randrange(len(entry) + 1)
            made = self.manager.fork(source, target, count)
            self.held[target] = self.held[source][:count]
            self.check(target, made)

    def shorten(self, name: str, chance: float) -> None:
        entry = self.manager.get(name)
        if entry is None or name not in self.held:
            return
        if chance < 0.7:
            kept = self.random.randrange(len(entry) + 1)
            entry.truncate(kept)
            del self.held[name][kept:]
        elif chance < 0.85:
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

    def check(self, name: str, entry: KVCacheEntry) -> None:
        """Every token is the session's own, and behind them is nothing that was never its tenant's."""
        keys, values = entry.key_and_value()
        expected = self.held[name]
        assert keys[:, 0, 1, 7].tolist() == expected, (name, keys[:, 0, 1, 7], expected)
        assert (keys == keys[:, :, :1, :1]).all(), name
        assert (values == -keys[:, :, :1, :1]).all(), name
        self.counts["checked"] += len(expected)

    def check_all(self) -> None:
        """The books agree."""
        statistics = self.manager.statistics()
        self.manager.check()
        self.index.check()
        assert statistics.bytes_resident <= MEMORY
        entries = list(self.manager._entries.values())
        rows = {each for entry in entries for each in entry._held}
        own = sum(entry.resident_bytes for entry in entries) + sum(each.size for each in rows)
        assert own == statistics.bytes_resident, (own, statistics.bytes_resident)


def peak() -> int:
    """Most memory so far, in KiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(seed: int = 0, steps: int = 1_000_000) -> None:
    """Run, and print what was done."""
    sharing.WORTH = SYSTEM_PAGE  # type: ignore[misc]
    soak, began = Soak(seed), time.monotonic()
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
    main(*map(int, sys.argv[1:]))
