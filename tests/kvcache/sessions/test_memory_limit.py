"""Sessions take memory as their tokens come, and those that can be spared make room when it runs out."""

import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kvcache import (
    LFU,
    LRU,
    SYSTEM_PAGE,
    InvalidSizeError,
    KVCacheEntry,
    KVCacheManager,
    KVLayout,
    MemorySink,
    OutOfMemoryError,
    Policy,
    RecomputeCost,
    StaleEntryError,
)
from kvcache.replay import recorded, replay
from tests.kvcache.fakes import FakeClock, recording_of, tokens
from tests.kvcache.threads import run_threads

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no other system gives single pages back")

HEADS, WIDTH = 2, 64
PER_PAGE = SYSTEM_PAGE // (WIDTH * 4)
"""Tokens of one head in a page."""

ROWS = 2 * 1 * HEADS
"""Keys and values of one layer: so many pages are taken at once."""

STEP = ROWS * SYSTEM_PAGE


def layout_of(pages: int = 4, value_dim: int = WIDTH) -> KVLayout:
    return KVLayout(
        layers=1,
        kv_heads=HEADS,
        head_dim=WIDTH,
        max_context=pages * PER_PAGE,
        alignment=SYSTEM_PAGE,
        value_dim=value_dim,
    )


def make(
    steps: int, *, sessions: int = 8, policy: Policy | None = None, clock: FakeClock | None = None
) -> KVCacheManager:
    """A manager with addresses for `sessions` and memory for `steps` pages in each row of one."""
    layout = layout_of()
    return KVCacheManager(
        layout,
        capacity_bytes=sessions * layout.block_bytes,
        memory_bytes=steps * STEP,
        policy=policy,
        clock=clock or FakeClock(),
    )


def append(entry: KVCacheEntry, count: int, fill: float = 1.0) -> None:
    batch = tokens(entry.layout, count, fill)
    entry.append(batch, -batch)


def test_a_session_takes_memory_as_its_tokens_come() -> None:
    manager = make(steps=4)
    entry = manager.get_or_create("a")
    assert manager.statistics().bytes_resident == entry.resident_bytes == 0
    append(entry, 1)
    assert manager.statistics().bytes_resident == entry.resident_bytes == STEP
    append(entry, PER_PAGE - 1)
    assert manager.statistics().bytes_resident == STEP
    append(entry, 1)
    assert manager.statistics().bytes_resident == entry.resident_bytes == 2 * STEP
    manager.evict("a")
    assert manager.statistics().bytes_resident == 0


def test_more_sessions_fit_than_whole_contexts_would() -> None:
    manager = make(steps=8)
    for name in "abcdefgh":
        append(manager.get_or_create(name), 3)
    assert len(manager) == 8
    assert manager.statistics().evictions.total == 0
    assert manager.statistics().bytes_resident == 8 * STEP


def test_the_least_recently_used_goes_when_memory_runs_out() -> None:
    clock = FakeClock()
    manager = make(steps=3, clock=clock)
    for name in "abc":
        clock.advance()
        append(manager.get_or_create(name), PER_PAGE)
    clock.advance()
    manager.get("a")
    append(manager.get_or_create("c"), 1)
    assert manager.sessions() == ("a", "c")
    assert manager.statistics().evictions.lru == 1


def test_who_holds_nothing_is_not_evicted_for_it() -> None:
    clock = FakeClock()
    manager = make(steps=2, clock=clock)
    manager.get_or_create("empty")
    for name in "ab":
        clock.advance()
        append(manager.get_or_create(name), 1)
    append(manager.get_or_create("c"), 1)
    assert manager.sessions() == ("empty", "b", "c")


@pytest.mark.parametrize("policy", [pytest.param(each, id=each.name) for each in (LRU(), LFU(), RecomputeCost())])
def test_as_many_go_as_it_takes(policy: Policy) -> None:
    manager = make(steps=4, policy=policy)
    for name in "abcd":
        append(manager.get_or_create(name), 1)
    append(manager.get_or_create("large"), 3 * PER_PAGE)
    assert manager.sessions() == ("d", "large")


def test_a_session_whose_time_has_ended_goes_first() -> None:
    clock = FakeClock()
    manager = make(steps=2, clock=clock)
    append(manager.get_or_create("old"), 1)
    clock.advance()
    append(manager.get_or_create("short", ttl_seconds=1.0), 1)
    clock.advance(2)
    append(manager.get_or_create("new"), 1)
    assert manager.sessions() == ("old", "new")
    assert manager.statistics().evictions.ttl == 1


WRITES: list[tuple[str, Callable[[KVCacheEntry], object]]] = [
    ("append", lambda entry: append(entry, PER_PAGE)),
    ("write", lambda entry: entry.write(0, *[np.ones((HEADS, PER_PAGE, WIDTH), np.float32)] * 2)),
    ("commit", lambda entry: entry.commit(PER_PAGE)),
    ("key_mut", lambda entry: entry.key_mut()),
]


@pytest.mark.parametrize("write", [pytest.param(write, id=name) for name, write in WRITES])
def test_where_nobody_can_be_spared_nothing_is_written(write: Callable[[KVCacheEntry], object]) -> None:
    manager = make(steps=4)
    pinned, entry = manager.get_or_create("pinned"), manager.get_or_create("a")
    append(pinned, 3 * PER_PAGE)
    append(entry, 1, 5.0)
    before = manager.statistics()
    with pinned.pin():
        with pytest.raises(OutOfMemoryError, match="make memory") as caught:
            write(entry)
        assert caught.value.pinned == 4 * STEP
        assert caught.value.capacity == 4 * STEP
    assert manager.statistics() == before
    assert entry.is_idle
    assert (entry.key() == 5.0).all()
    manager.check()
    write(entry)
    assert manager.sessions() == ("a",)


def test_a_session_never_makes_room_by_its_own_end() -> None:
    manager = make(steps=2)
    entry = manager.get_or_create("a")
    append(entry, 2 * PER_PAGE)
    with pytest.raises(OutOfMemoryError):
        append(entry, 1)
    assert entry.is_live
    assert len(entry) == 2 * PER_PAGE


def test_a_new_session_sees_zeros_where_another_one_wrote() -> None:
    manager = make(steps=4, sessions=1)
    append(manager.get_or_create("a"), 4 * PER_PAGE, 7.0)
    manager.evict("a")
    heir = manager.get_or_create("b")
    assert not heir.key(whole=True).any()
    assert manager.statistics().bytes_resident == 0


def test_a_view_that_outlived_its_session_shows_zeros() -> None:
    manager = make(steps=4)
    entry = manager.get_or_create("a")
    append(entry, 3, 7.0)
    view = entry.keys(0)
    manager.evict("a")
    assert not view.any()


def test_without_a_limit_memory_goes_back_when_somebody_trims() -> None:
    layout = layout_of()
    manager = KVCacheManager(layout, capacity_bytes=2 * layout.block_bytes)
    append(manager.get_or_create("a"), PER_PAGE)
    append(manager.get_or_create("b"), 1, 5.0)
    manager.evict("a")
    assert manager.trim() == STEP
    assert manager.statistics().bytes_resident == STEP
    assert (manager.get_or_create("b").keys(0) == 5.0).all()


@pytest.mark.parametrize(
    ("layout", "limit", "message"),
    [
        pytest.param(layout_of(), 0, "memory_bytes", id="zero"),
        pytest.param(layout_of(), float("nan"), "memory_bytes", id="nan"),
        pytest.param(
            KVLayout(layers=1, kv_heads=1, head_dim=1, max_context=1), STEP, "alignment=SYSTEM_PAGE", id="not-in-pages"
        ),
    ],
)
def test_a_limit_that_cannot_be_kept_is_refused(layout: KVLayout, limit: int, message: str) -> None:
    with pytest.raises(InvalidSizeError, match=message):
        KVCacheManager(layout, capacity_bytes=layout.block_bytes, memory_bytes=limit)


def test_a_heap_gives_no_pages_back() -> None:
    with pytest.raises(InvalidSizeError, match="gives pages back"):
        KVCacheManager(layout_of(), capacity_bytes=2**20, memory_bytes=STEP, backing="heap")


def test_a_recording_is_replayed_with_its_limit() -> None:
    sink, clock, layout = MemorySink(), FakeClock(), layout_of(value_dim=32)
    manager = KVCacheManager(
        layout, capacity_bytes=8 * layout.block_bytes, memory_bytes=3 * STEP, clock=clock, trace=[sink]
    )
    for step in range(20):
        clock.advance()
        entry = manager.get_or_create("abcd"[step % 3 + step % 2])
        entry.commit(5)
    recording = recording_of(sink)
    happened = recorded(recording)
    assert happened.evicted
    assert replay(recording, LRU()).evicted == happened.evicted


def test_threads_that_compete_for_memory_never_see_the_bytes_of_another_session() -> None:
    manager, problems = make(steps=5), list[str]()

    def work(worker: int) -> None:
        random = np.random.default_rng(worker)
        for step in range(100):
            fill, entry = float(worker * 1000 + step), manager.get_or_create(f"{worker}-{step}")
            try:
                with entry.pin():
                    for _ in range(int(random.integers(1, 4))):
                        append(entry, int(random.integers(1, PER_PAGE)), fill)
                    key = entry.keys(0)
                    if (key != fill).any() or entry.key(whole=True)[len(entry) :].any():
                        problems.append(f"{fill}: {np.unique(key)}")
            except (OutOfMemoryError, StaleEntryError):
                continue
            assert manager.statistics().bytes_resident <= 5 * STEP

    run_threads(work)
    assert not problems
    manager.check()


class MemoryMachine(RuleBasedStateMachine):
    """Drives a manager with a limit beside a model of what each session holds."""

    NAMES = st.sampled_from("abcdef")

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.manager = make(steps=6, clock=self.clock)
        self.model: dict[str, list[float]] = {}
        self.views: list[KVCacheEntry] = []

    def forget_the_evicted(self) -> None:
        for name in set(self.model) - set(self.manager.sessions()):
            del self.model[name]

    @rule(name=NAMES, count=st.integers(1, 2 * PER_PAGE), fill=st.integers(1, 1000), layered=st.booleans())
    def append(self, name: str, count: int, fill: int, layered: bool) -> None:
        self.clock.advance()
        entry = self.manager.get_or_create(name)
        known = self.model.setdefault(name, [])
        if len(known) + count > entry.max_context_length:
            return
        if layered:
            batch = np.full((HEADS, count, WIDTH), fill, np.float32)
            entry.write(0, batch, -batch)
            entry.commit()
        else:
            append(entry, count, float(fill))
        known += [float(fill)] * count
        self.forget_the_evicted()
        assert name in self.model

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
        self.manager.evict(name)
        self.forget_the_evicted()

    @rule(name=NAMES, share=st.floats(0, 1))
    def truncate(self, name: str, share: float) -> None:
        entry = self.manager.get(name)
        if entry is not None:
            kept = int(share * len(entry))
            entry.truncate(kept)
            del self.model[name][kept:]

    @rule(name=NAMES)
    def write_in_place(self, name: str) -> None:
        entry = self.manager.get(name)
        if entry is not None:
            entry.key_mut()[len(entry) :] = 77.0
            self.forget_the_evicted()
            assert name in self.model

    @rule()
    def trim(self) -> None:
        self.manager.trim()

    @invariant()
    def every_session_has_its_own_tokens_within_the_limit(self) -> None:
        self.manager.check()
        held = self.manager.statistics().bytes_resident
        assert held <= 6 * STEP
        entries = {name: self.manager._entries[name] for name in self.model}
        assert held == sum(entry.resident_bytes for entry in entries.values())
        for name, entry in entries.items():
            assert entry.keys(0)[1, :, 3].tolist() == self.model[name]
            assert entry.values(0)[0, :, 0].tolist() == [-fill for fill in self.model[name]]


TestMemoryMachine = pytest.mark.slow(MemoryMachine.TestCase)
TestMemoryMachine.settings = settings(max_examples=100, stateful_step_count=30)


@pytest.mark.parametrize("limit", [pytest.param(8 * STEP, id="limit"), pytest.param(None, id="no-limit")])
def test_what_was_written_to_the_rows_by_mistake_is_seen_by_nobody_else(limit: int | None) -> None:
    layout = layout_of()
    manager = KVCacheManager(layout, capacity_bytes=layout.block_bytes, memory_bytes=limit)
    rows = manager.get_or_create("a").rows_mut()
    for region in rows:
        region[:, :, -1] = 77.0  # nobody reserved that
    del rows, region
    manager.evict("a")
    assert not manager.get_or_create("b").key(whole=True).any()
    assert not manager.get_or_create("b").value(whole=True).any()


def test_receipts_of_those_who_made_memory_are_delivered_with_the_append() -> None:
    sink, layout = MemorySink(), layout_of()
    manager = KVCacheManager(layout, capacity_bytes=4 * layout.block_bytes, memory_bytes=2 * STEP, sinks=[sink])
    for name in "abc":
        append(manager.get_or_create(name), 1)
    assert [receipt.session_id for receipt in sink.receipts] == ["a"]
