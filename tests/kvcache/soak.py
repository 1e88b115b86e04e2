"""Use everything at once for a long time, check what is read, and tell whether memory stays bounded.

    python -m tests.kvcache.soak [STEPS] [SEED]

Sessions are continued, truncated, recoded, forked, spilled, published, saved and restored, evicted and brought back from a second tier; each token holds one
number, and a model in plain lists says which. Ends with 1 where anything differs, or where the process took more memory in the second half than in the first.
"""

import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from kvcache import (
    SYSTEM_PAGE,
    FileStore,
    KVCacheManager,
    KVLayout,
    SharedReader,
    SharedWriter,
    Snapshot,
    Tier,
    restore,
    save_all,
)

LAYOUT = KVLayout(layers=1, kv_heads=1, head_dim=64, max_context=64, alignment=SYSTEM_PAGE)
NAMES = [f"session-{number}" for number in range(40)]
SLACK = 4096
"""KiB that may come and go."""


class Soak:
    """One run."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.source = random.Random(seed)
        self.folder = folder
        self.manager = KVCacheManager(
            LAYOUT, capacity_bytes=48 * LAYOUT.block_bytes, memory_bytes=12 * LAYOUT.block_bytes
        )
        self.store = FileStore(folder / "tier", capacity_bytes=1 << 20)
        self.tier = Tier(self.manager, self.store, time_limit=60.0)
        self.writer = SharedWriter(folder / "shared", LAYOUT, slots=4)
        self.reader = SharedReader(folder / "shared")
        self.states: dict[str, list[float]] = {}
        self.number, self.compared = 0, 0
        self.counts: dict[str, int] = {}

    def step(self) -> None:
        names = ("carry_on", "look", "truncate", "recode", "fork", "evict", "spill", "publish", "save", "restore")
        (action,) = self.source.choices(names, (60, 20, 4, 4, 4, 2, 1, 4, 0.05, 0.05))
        self.counts[action] = self.counts.get(action, 0) + 1
        getattr(self, action)(self.source.choice(NAMES))

    def carry_on(self, name: str) -> None:
        entry = self.tier.get(name)
        if entry is None:
            self.states[name] = []
            entry = self.manager.get_or_create(name)
        state = self.states[name]
        if len(state) == LAYOUT.max_context:
            entry.truncate(8)
            del state[8:]
        self.number = self.number % 200 + 1  # small whole numbers are the same in every encoding but int4 and int8
        entry.append(*[np.full((1, 1, 1, 64), float(self.number), np.float32)] * 2)
        state.append(float(self.number))

    def look(self, name: str) -> None:
        entry = self.tier.get(name)
        if entry is not None:
            with entry.pin():
                self.compare(entry.floats(0), self.states[name])

    def truncate(self, name: str) -> None:
        entry = self.manager.get(name)
        if entry is not None:
            kept = self.source.randint(0, len(entry))
            entry.truncate(kept)
            del self.states[name][kept:]

    def recode(self, name: str) -> None:
        entry = self.manager.get(name)
        if entry is not None and entry.layout.encoding != "int8":  # once only: each time a little is lost
            self.manager.recode(name, self.source.choice((None, "bfloat16", "float16", "int8")))

    def fork(self, name: str) -> None:
        other = self.source.choice(NAMES)
        if other != name and self.manager.get(name) is not None:
            self.manager.fork(name, other)
            self.states[other] = list(self.states[name])

    def evict(self, name: str) -> None:
        self.manager.evict(name)
        self.tier.forget(name)
        self.states.pop(name, None)

    def spill(self, name: str) -> None:
        self.tier.spill([name])

    def publish(self, name: str) -> None:
        entry = self.manager.get(name)
        if entry is not None and entry.layout.encoding is None:
            self.writer.publish(self.manager, name)
            session = self.reader.session(name)
            assert session is not None
            self.compare(session.floats(0), self.states[name])

    def save(self, _: str) -> None:
        save_all(self.manager, self.folder / "sessions")
        with Snapshot(self.folder / "sessions") as snapshot:
            for name in snapshot.sessions():
                self.compare(snapshot.session(name).floats(0), self.states[name])

    def restore(self, name: str) -> None:
        entry = self.manager.get(name)
        if entry is not None and entry.layout.encoding is None:
            save_all(self.manager, self.folder / "one", [name])
            self.compare(restore(self.manager, self.folder / "one").floats(0), self.states[name])

    def compare(self, sides: tuple[np.ndarray, np.ndarray], state: list[float]) -> None:
        expected = np.array(state, np.float32)[None, :, None]
        for side in sides:
            assert side.shape == (1, len(state), 64), (side.shape, len(state))
            assert not len(state) or np.abs(side - expected).max() <= expected.max() * 0.02, (side[0, :, 0], state)
            self.compared += len(state)

    def close(self) -> None:
        self.manager.check()
        self.tier.close()
        self.writer.close()
        self.manager.close()


def peak() -> int:
    """KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(words: list[str]) -> int:
    steps, seed = int(words[0]) if words else 100_000, int(words[1]) if len(words) > 1 else 0
    with tempfile.TemporaryDirectory() as folder:
        soak, half, began = Soak(Path(folder), seed), 0, time.monotonic()
        for number in range(steps):
            soak.step()
            if number == steps // 2:
                half = peak()
            if number % max(steps // 10, 1) == 0:
                print(f"{number:>9} steps  {time.monotonic() - began:7.1f} s  peak {peak()} KiB", flush=True)
        figures, evictions = soak.tier.statistics(), soak.manager.statistics().evictions
        soak.close()
    print(f"{steps} steps, {soak.compared} tokens compared: no difference")
    print(f"steps {soak.counts}")
    print(f"evictions {evictions}")
    print(figures)
    print(f"peak memory: {half} KiB at half of the steps, {peak()} KiB at the end")
    return int(peak() > half + SLACK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
