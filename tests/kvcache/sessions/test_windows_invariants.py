"""Sessions with windows keep their tokens whatever is done with them, also where threads run short of memory."""

import sys
import tempfile
from contextlib import ExitStack

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kvcache import (
    SYSTEM_PAGE,
    OutOfBoundsError,
    OutOfMemoryError,
    StaleEntryError,
    restore,
    save,
)
from kvcache.sessions import sharing
from kvcache.sessions.regions import SLACK
from kvcache.tiers.parcel import from_bytes, pack, to_bytes
from tests.kvcache.sessions.windowed import (
    CONTEXT,
    DUE,
    LOCAL_PAGES,
    SHAPES,
    adds_up,
    agrees,
    make,
    write,
)
from tests.kvcache.threads import run_threads

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no other system takes single pages back")

NAMES = st.sampled_from(["a", "b", "c"])


class Windows(RuleBasedStateMachine):
    """Sessions with windows against lists of numbers."""

    @initialize(worth=st.sampled_from([SYSTEM_PAGE, 2**30]), limited=st.booleans())
    def start(self, worth: int, limited: bool) -> None:
        self.before, sharing.WORTH = sharing.WORTH, worth  # type: ignore[misc]
        self.limited = limited
        self.manager = make(sessions=5, memory_bytes=2**23 if limited else None)
        self.model: dict[str, list[float]] = {}
        self.peaks: dict[str, int] = {}  # how many tokens a session had at most
        self.pinned: dict[str, tuple[ExitStack, list[np.ndarray], list[float], int]] = {}
        self.number = 0.0

    @rule(name=NAMES, count=st.integers(1, 60), times=st.integers(1, 4))
    def write(self, name: str, count: int, times: int) -> None:
        entry, fills = self.manager.get_or_create(name), self.model.setdefault(name, [])
        for _ in range(times):
            new = [self.next() for _ in range(min(count, CONTEXT - len(fills)))]
            if new:
                write(entry, new)
                fills += new
                if self.limited and name not in self.pinned and not entry.shared_bytes:
                    rows = entry.resident_bytes - 2 * -(-len(fills) * 256 // SYSTEM_PAGE) * SYSTEM_PAGE
                    assert rows <= 8 * (LOCAL_PAGES + 4) * SYSTEM_PAGE

    @rule(name=NAMES, part=st.floats(0, 1), far=st.booleans())
    def truncate(self, name: str, part: float, far: bool) -> None:
        if name in self.model:
            entry, fills = self.manager.get_or_create(name), self.model[name]
            kept = int(len(fills) * part) if far else max(len(fills) - int(SLACK * part), 0)
            self.unpin(name)
            if 0 < kept < entry.shortest:
                assert kept < self.peaks[name] - SLACK
                with pytest.raises(OutOfBoundsError):
                    entry.truncate(kept)
            else:
                entry.truncate(kept)
                del fills[kept:]

    @rule(source=NAMES, other=NAMES, part=st.floats(0.5, 1))
    def fork(self, source: str, other: str, part: float) -> None:
        if source in self.model and source != other and other not in self.pinned:
            count = int(len(self.model[source]) * part)
            if 0 < count < self.manager.get_or_create(source).shortest:
                with pytest.raises(OutOfBoundsError):
                    self.manager.fork(source, other, count)
            else:
                self.manager.fork(source, other, count)
                self.model[other], self.peaks[other] = self.model[source][:count], self.peaks[source]

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
        if name not in self.pinned:
            assert self.manager.evict(name) == (self.model.pop(name, None) is not None)
            fresh = self.manager.get_or_create("fresh")
            for layer in range(len(SHAPES)):
                assert not fresh.key(layer, whole=True).any()
                assert not fresh.value(layer, whole=True).any()
            self.manager.evict("fresh")

    @rule(name=NAMES)
    def pin(self, name: str) -> None:
        if name in self.model and name not in self.pinned:
            entry, stack = self.manager.get_or_create(name), ExitStack()
            stack.enter_context(entry.pin())
            self.pinned[name] = stack, [entry.keys(0)], list(self.model[name]), entry.first_token(0)

    @rule(name=NAMES)
    def unpin(self, name: str) -> None:
        if name in self.pinned:
            self.pinned.pop(name)[0].close()

    @rule(name=NAMES, count=st.integers(1, 30))
    def lend(self, name: str, count: int) -> None:
        if name in self.model and len(self.model[name]) + count <= CONTEXT:
            entry, new = self.manager.get_or_create(name), [self.next() for _ in range(count)]
            rows = entry.layout.by_layer(entry.regions_mut())
            entry.reserve(count)
            first = len(entry)
            for keys, values in zip(*rows, strict=True):
                keys[:, first : first + count] = np.array(new, np.float32)[None, :, None]
                values[:, first : first + count] = -np.array(new, np.float32)[None, :, None]
            entry.commit(count)
            self.model[name] += new

    @rule(name=NAMES, other=NAMES, mapped=st.booleans(), tier=st.booleans())
    def move(self, name: str, other: str, mapped: bool, tier: bool) -> None:
        if name in self.model and other not in self.pinned:
            entry = self.manager.get_or_create(name)
            if tier and self.model[name]:
                parcel = pack(entry, run="r", number=1)
                assert parcel is not None
                content = to_bytes(parcel, "")
                self.manager.evict(other)
                self.manager.get_or_create(other).begin(from_bytes(content, "", name).contents)
            else:
                with tempfile.TemporaryDirectory() as folder:
                    save(self.manager, name, f"{folder}/file")
                    restore(self.manager, f"{folder}/file", other, mapped=mapped)
            self.model[other], self.peaks[other] = list(self.model[name]), self.peaks[name]

    @rule(name=NAMES)
    def shrink(self, name: str) -> None:
        if name in self.model:
            self.manager.get_or_create(name).shrink()

    @rule()
    def trim(self) -> None:
        self.manager.trim()

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        assert set(self.manager.sessions()) == set(self.model)
        for name, fills in self.model.items():
            entry = self.manager.get(name)
            assert entry is not None
            agrees(entry, fills)
            assert entry.first_token(1) == 0
            self.peaks[name] = max(len(fills), self.peaks.get(name, 0)) if fills else 0
        for _, (view,), fills, first in self.pinned.values():
            assert (view == np.array(fills[first:], np.float32)[None, :, None]).all()
        self.manager.check()
        if self.limited and not any(name in self.pinned for name in self.model):
            adds_up(self.manager)

    def next(self) -> float:
        self.number += 1
        return self.number

    def teardown(self) -> None:
        if hasattr(self, "manager"):
            for name in tuple(self.pinned):
                self.unpin(name)
            self.manager.close()
            sharing.WORTH = self.before  # type: ignore[misc]


TestWindows = Windows.TestCase
TestWindows.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)


def test_threads_that_run_short_of_memory_take_what_is_in_front_of_the_windows_of_others() -> None:
    manager = make(sessions=8, memory_bytes=500 * SYSTEM_PAGE)
    peaks, problems = list[int](), list[BaseException]()

    def serve(worker: int) -> None:
        fills = list[float]()
        for number in range(60):
            entry = manager.get_or_create(f"session-{worker}")
            try:
                with entry.pin():
                    if len(entry) != len(fills) or len(fills) + 7 > CONTEXT:
                        entry.truncate(0)
                        fills.clear()
                    new = [float(worker * 1000 + number + part) for part in range(7)]
                    write(entry, new)
                    fills += new
                    agrees(entry, fills)
                    peaks.append(len(fills))
            except (StaleEntryError, OutOfMemoryError):  # it was evicted, or all others are in use
                fills.clear()
            except BaseException as problem:  # noqa: BLE001 - shown below
                problems.append(problem)

    run_threads(serve)
    assert not problems
    assert max(peaks) > DUE
    adds_up(manager)
