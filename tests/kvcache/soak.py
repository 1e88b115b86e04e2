"""Use everything at once for a long time, check what is read, and tell whether memory stays bounded.

    python -m tests.kvcache.soak [STEPS] [SEED] [plain|mixed|windows]

Sessions are continued, truncated, recoded, forked, spilled, published, saved and restored, evicted and brought back from a second tier; each token holds one
number, and a model in plain lists says which. Layers may be of different shapes, and give back what is in front of their windows. Ends with 1 where anything differs, or where the process took more memory in the second half than in the first.
"""

import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kvcache import (
    SYSTEM_PAGE,
    FileStore,
    KVCacheEntry,
    KVCacheManager,
    KVLayout,
    LayerShape,
    MappedSession,
    OutOfBoundsError,
    SharedReader,
    SharedSession,
    SharedWriter,
    Snapshot,
    Tier,
    restore,
    save_all,
)

SHAPES = {
    "plain": [LayerShape(1, 64)],
    "mixed": [LayerShape(1, 64), LayerShape(2, 32, 48), LayerShape(1, 64)],
    "windows": [LayerShape(1, 64, window=8), LayerShape(1, 64)],
}
CONTEXTS = {"plain": 64, "mixed": 64, "windows": 320}
"""Tokens; windows give something back from 135 tokens on."""

BLOCKS = {"plain": 12, "mixed": 12, "windows": 4}
"""That fit into memory, as a whole."""

NAMES = [f"session-{number}" for number in range(40)]
SLACK = 4096
"""KiB that may come and go."""


class Soak:
    """One run."""

    def __init__(self, folder: Path, seed: int, kind: str) -> None:
        layout = KVLayout.of_layers(SHAPES[kind], max_context=CONTEXTS[kind], alignment=SYSTEM_PAGE)
        self.layout = layout
        self.source = random.Random(seed)
        self.folder = folder
        self.manager = KVCacheManager(
            layout, capacity_bytes=48 * layout.block_bytes, memory_bytes=BLOCKS[kind] * layout.block_bytes
        )
        self.store = FileStore(folder / "tier", capacity_bytes=16 * layout.block_bytes)
        self.tier = Tier(self.manager, self.store, time_limit=60.0)
        self.writer = SharedWriter(folder / "shared", layout, slots=4)
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
        if len(state) == self.layout.max_context:
            kept = 0 if entry.shortest else 8
            entry.truncate(kept)
            del state[kept:]
        most = min(self.layout.max_context // 16, self.layout.max_context - len(state))
        for _ in range(self.source.choice((1, most))):
            self.number = self.number % 200 + 1  # small whole numbers are the same in every encoding but int4 and int8
            for layer, shape in enumerate(self.layout.shapes):
                rows = [np.full((shape.kv_heads, 1, width), float(self.number), np.float32) for width in shape.widths]
                entry.write(layer, rows[0], rows[1])
            entry.commit()
            state.append(float(self.number))

    def look(self, name: str) -> None:
        entry = self.tier.get(name)
        if entry is not None:
            with entry.pin():
                self.compare(entry, self.states[name])

    def truncate(self, name: str) -> None:
        entry = self.manager.get(name)
        if entry is not None:
            kept = self.source.randint(0, len(entry))
            if 0 < kept < entry.shortest:
                self.refuses(entry.truncate, kept)
            else:
                entry.truncate(kept)
                del self.states[name][kept:]

    def refuses(self, call: Callable[[int], object], kept: int) -> None:
        try:
            call(kept)
        except OutOfBoundsError:
            self.counts["refused"] = self.counts.get("refused", 0) + 1
        else:
            raise AssertionError(kept)

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
            self.compare(session, self.states[name])

    def save(self, _: str) -> None:
        save_all(self.manager, self.folder / "sessions")
        with Snapshot(self.folder / "sessions") as snapshot:
            for name in snapshot.sessions():
                self.compare(snapshot.session(name), self.states[name])

    def restore(self, name: str) -> None:
        entry = self.manager.get(name)
        if entry is not None and entry.layout.encoding is None:
            save_all(self.manager, self.folder / "one", [name])
            self.compare(restore(self.manager, self.folder / "one"), self.states[name])

    def compare(self, seen: KVCacheEntry | MappedSession | SharedSession, state: list[float]) -> None:
        assert len(seen) == len(state)
        for layer, shape in enumerate(self.layout.shapes):
            for side, width in zip(seen.floats(layer), shape.widths, strict=True):
                first = len(state) - side.shape[1]
                assert side.shape == (shape.kv_heads, len(state) - first, width), (side.shape, len(state))
                needed = 0 if shape.window is None else max(len(state) - shape.window + 1, 0)
                assert 0 <= first <= needed, (first, needed)
                expected = np.array(state[first:], np.float32)[None, :, None]
                close = not expected.size or np.abs(side - expected).max() <= expected.max() * 0.02
                assert close, (side[0, :, 0], state)
                self.compared += side.shape[1]
                self.counts["given back"] = self.counts.get("given back", 0) + (first > 0)

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
    kind = words[2] if len(words) > 2 else "plain"
    with tempfile.TemporaryDirectory() as folder:
        soak, half, began = Soak(Path(folder), seed, kind), 0, time.monotonic()
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
