"""Whatever is saved, damaged, restored and salvaged in whatever order: a naive model of lists of numbers says the same."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kvcache import KVCacheManager, KVLayout, Snapshot, SnapshotError, restore, save, save_all
from kvcache.snapshots.format import plan_in

LAYOUT = KVLayout(
    layers=2, kv_heads=1, head_dim=128, value_dim=64, max_context=40
)  # 8 tokens of keys in a page, 16 of values
NAMES = st.sampled_from(["a", "b", "c"])


def shown(keys: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> list[float]:
    """The number of each token, after checking that it is everywhere in it."""
    found = keys[0, :, 0].tolist()
    for side, sign in ((keys, 1), (values, -1)):
        np.testing.assert_array_equal(side, np.broadcast_to(sign * np.array(found)[None, :, None], side.shape))
    return [float(number) for number in found]


class Snapshots(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.folder = TemporaryDirectory()
        self.manager = KVCacheManager(LAYOUT, capacity_bytes=3 * LAYOUT.block_bytes)
        self.sessions: dict[str, list[float]] = {}
        self.files: dict[str, dict[str, list[float]]] = {}
        self.whole: dict[tuple[str, str], int] = {}  # tokens before the first damaged ones
        self.flips: dict[tuple[str, str], dict[int, int]] = {}  # damaged bytes, and the first tokens of their pages
        self.number = 0.0

    @rule(name=NAMES, count=st.integers(0, 20))
    def append(self, name: str, count: int) -> None:
        kept = self.sessions.setdefault(name, [])
        count = min(count, 40 - len(kept))
        numbers = [self.number + step for step in range(1, count + 1)]
        self.number += count
        filled = np.array(numbers, np.float32)[:, None, None, None]
        entry = self.manager.get_or_create(name)
        if count:
            entry.append(
                np.ascontiguousarray(np.broadcast_to(filled, (count, 2, 1, 128))),
                np.ascontiguousarray(np.broadcast_to(-filled, (count, 2, 1, 64))),
            )
        kept += numbers

    @rule(name=NAMES, part=st.floats(0, 1))
    def truncate(self, name: str, part: float) -> None:
        if name in self.sessions:
            kept = round(part * len(self.sessions[name]))
            self.manager.get_or_create(name).truncate(kept)
            self.sessions[name] = self.sessions[name][:kept]

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
        assert self.manager.evict(name) == (self.sessions.pop(name, None) is not None)

    @rule(file=st.sampled_from(["x", "y"]), name=NAMES)
    def save(self, file: str, name: str) -> None:
        if name in self.sessions:
            assert save(self.manager, name, self.path(file)) == len(self.sessions[name])
            self.replace(file, {name: list(self.sessions[name])})

    @rule(file=st.sampled_from(["x", "y"]))
    def save_all(self, file: str) -> None:
        counts = save_all(self.manager, self.path(file))
        assert counts == {name: len(numbers) for name, numbers in self.sessions.items()}
        self.replace(file, {name: list(self.sessions[name]) for name in counts})

    @precondition(lambda self: any(any(each.values()) for each in self.files.values()))
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        places = [(file, name) for file, each in self.files.items() for name, numbers in each.items() if numbers]
        file, name = data.draw(st.sampled_from(places))
        content = bytearray(self.path(file).read_bytes())
        length = 8 + int.from_bytes(content[:8], "little")
        plan = plan_in(bytes(content[:length]))
        side = data.draw(st.sampled_from(plan.sessions[name].sides))
        token = data.draw(st.integers(0, len(self.files[file][name]) - 1))
        layer = data.draw(st.integers(0, 1))
        start = layer * side.row_bytes + token * side.token_bytes
        place = length + side.offset + start + data.draw(st.integers(0, side.token_bytes - 1))
        content[place] ^= 1
        self.path(file).write_bytes(content)
        flips = self.flips.setdefault((file, name), {})
        if flips.pop(place, None) is None:  # a byte that is changed twice is right again
            flips[place] = token * side.token_bytes // plan.page * plan.page // side.token_bytes
        self.whole[file, name] = min([*flips.values(), len(self.files[file][name])])

    @precondition(lambda self: any(self.files.values()))
    @rule(data=st.data(), under=NAMES, salvage=st.booleans())
    def restore(self, data: st.DataObject, under: str, salvage: bool) -> None:
        places = [(file, name) for file, each in self.files.items() for name in each]
        file, name = data.draw(st.sampled_from(places))
        numbers, whole = self.files[file][name], self.whole[file, name]
        if whole < len(numbers) and not salvage:
            with pytest.raises(SnapshotError, match=f"session '{name}': expected tokens {whole} to"):
                restore(self.manager, self.path(file), under, saved=name)
            return
        entry = restore(self.manager, self.path(file), under, saved=name, salvage=salvage)
        assert len(entry) == whole
        self.sessions[under] = numbers[:whole]

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        assert sorted(self.manager.sessions()) == sorted(self.sessions)
        for name, numbers in self.sessions.items():
            entry = self.manager.get(name)
            assert entry is not None
            for layer in range(2):
                assert shown(entry.keys(layer), entry.values(layer)) == numbers
        for file, each in self.files.items():
            with Snapshot(self.path(file)) as snapshot:
                assert snapshot.sessions() == tuple(each)
                for name, numbers in each.items():
                    session, whole = snapshot.session(name), self.whole[file, name]
                    for layer in range(2):
                        sides = session.keys(layer, tokens=whole), session.values(layer, tokens=whole)
                        assert shown(*sides) == numbers[:whole]
        self.manager.check()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def path(self, file: str) -> Path:
        return Path(self.folder.name) / file

    def replace(self, file: str, content: dict[str, list[float]]) -> None:
        self.files[file] = content
        self.whole = {key: count for key, count in self.whole.items() if key[0] != file}
        self.flips = {key: flips for key, flips in self.flips.items() if key[0] != file}
        self.whole |= {(file, name): len(numbers) for name, numbers in content.items()}


TestSnapshots = Snapshots.TestCase
TestSnapshots.settings = settings(max_examples=15, stateful_step_count=25)
