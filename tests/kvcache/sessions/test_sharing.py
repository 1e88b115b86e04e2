"""A fork shows the pages of its source, copy-on-write, and nobody ever sees what the other one writes."""

import gc
import os
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kvcache import SYSTEM_PAGE, InvalidSessionError, KVCacheEntry, KVCacheManager, KVLayout, OutOfMemoryError
from kvcache.memory import sealed
from kvcache.sessions import sharing
from tests.kvcache.fakes import FakeClock, tokens
from tests.kvcache.threads import run_threads

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no other system has sealed files of memory")

HEADS, WIDTH, PAGES = 2, 64, 6
PER_PAGE = SYSTEM_PAGE // (WIDTH * 4)
"""Tokens of a row of keys in a page; those of values are narrower, and none ends with a page."""

LAYOUT = KVLayout(
    layers=1, kv_heads=HEADS, head_dim=WIDTH, value_dim=44, max_context=PAGES * PER_PAGE, alignment=SYSTEM_PAGE
)


@pytest.fixture(autouse=True)
def _a_page_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "WORTH", SYSTEM_PAGE)


def make(sessions: int = 6, *, memory: int | None = 2**20) -> KVCacheManager:
    return KVCacheManager(LAYOUT, capacity_bytes=sessions * LAYOUT.block_bytes, memory_bytes=memory, clock=FakeClock())


def append(entry: KVCacheEntry, count: int, fill: float) -> None:
    entry.append(tokens(entry.layout, count, fill), np.full((count, 1, HEADS, 44), -fill, np.float32))


def seen(entry: KVCacheEntry) -> list[float]:
    """The fills of all tokens, after checking that keys and values agree everywhere."""
    keys, values = entry.key_and_value()
    fills: list[float] = keys[:, 0, 0, 0].tolist()
    assert (keys == keys[:, :1, :1, :1]).all()
    assert (values == -keys[:, :, :, :1]).all()
    return fills


def adds_up(manager: KVCacheManager) -> None:
    """What the pool counts is what the sessions hold of their own, and what is sealed, each held by those who show it."""
    manager.statistics()  # which notes the writable views that are gone
    manager.check()
    entries = list(manager._entries.values())
    rows = {each for entry in entries for each in entry._held}
    assert manager._pool._sealed == rows
    held = sum(entry.resident_bytes for entry in entries) + sum(each.size for each in rows)
    without_a_limit = manager._table._memory is None  # free blocks keep their pages then
    assert manager._pool.resident == held or (without_a_limit and manager._pool.resident > held)
    for each in rows:
        assert each.holders == sum(entry._held.count(each) for entry in entries)


def test_a_fork_takes_memory_for_its_last_page_only() -> None:
    manager = make()
    append(manager.get_or_create("a"), 4 * PER_PAGE + 3, 1.0)
    before = manager.statistics().bytes_resident
    fork = manager.fork("a", "b")
    assert seen(fork) == [1.0] * (4 * PER_PAGE + 3)
    assert manager.statistics().bytes_resident - before == 2 * HEADS * SYSTEM_PAGE
    assert fork.shared_bytes == HEADS * (4 + 2) * SYSTEM_PAGE
    adds_up(manager)
    assert not fork.key(whole=True)[len(fork) :].any()
    assert not fork.value(whole=True)[len(fork) :].any()


def test_pages_that_are_copied_beside_those_that_are_shown_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "WORTH", 4 * SYSTEM_PAGE)  # which the values do not reach
    layout = KVLayout(
        layers=1, kv_heads=1, head_dim=SYSTEM_PAGE // 4, max_context=48, alignment=SYSTEM_PAGE, value_dim=48
    )
    manager = KVCacheManager(layout, capacity_bytes=2 * layout.block_bytes, memory_bytes=2**20, clock=FakeClock())
    manager.get_or_create("a").append(tokens(layout, 43, 1.0), np.full((43, 1, 1, 48), -1.0, np.float32))
    fork = manager.fork("a", "b")
    assert fork.shared_bytes == 43 * SYSTEM_PAGE
    assert fork.resident_bytes == -(-43 * 48 * 4 // SYSTEM_PAGE) * SYSTEM_PAGE
    adds_up(manager)


def test_without_a_limit_pages_are_shown_too() -> None:
    manager = make(memory=None)
    append(manager.get_or_create("a"), 4 * PER_PAGE, 1.0)
    assert manager.fork("a", "b").shared_bytes
    for name in "ab":
        manager.evict(name)
    for name in "ab":
        heir = manager.get_or_create(name)
        assert not heir.key(whole=True).any()
        assert not heir.value(whole=True).any()


@pytest.mark.parametrize("count", [pytest.param(n, id=f"{n}") for n in (0, 1, PER_PAGE, PER_PAGE + 1, 4 * PER_PAGE)])
def test_both_go_their_own_way_behind_any_token(count: int) -> None:
    manager = make()
    source = manager.get_or_create("a")
    append(source, 4 * PER_PAGE, 1.0)
    fork = manager.fork("a", "b", 3 * PER_PAGE + 5)
    for entry, fill in ((source, 2.0), (fork, 3.0)):
        entry.truncate(min(count, len(entry)))
        append(entry, PER_PAGE, fill)
    assert seen(source) == [1.0] * count + [2.0] * PER_PAGE
    assert seen(fork) == [1.0] * min(count, 3 * PER_PAGE + 5) + [3.0] * PER_PAGE
    adds_up(manager)


def test_pages_that_are_written_again_count_as_memory() -> None:
    manager, step = make(), 2 * HEADS * SYSTEM_PAGE
    append(manager.get_or_create("a"), 4 * PER_PAGE, 1.0)
    fork = manager.fork("a", "b")
    before = fork.resident_bytes
    fork.truncate(0)
    append(fork, PER_PAGE, 2.0)
    assert (
        fork.resident_bytes - before == step
    )  # the page of values that was its own is not the one that is written again
    append(fork, PER_PAGE, 3.0)
    assert fork.resident_bytes - before == 2 * step
    assert fork.shared_bytes == 0


@pytest.mark.parametrize("in_place", [pytest.param(True, id="key_mut"), pytest.param(False, id="unshare")])
def test_what_may_be_written_in_place_counts_as_memory(in_place: bool) -> None:
    manager = make()
    append(manager.get_or_create("a"), 4 * PER_PAGE, 1.0)
    fork = manager.fork("a", "b")
    if in_place:
        fork.key_mut()
    else:
        fork.unshare()
    assert fork.resident_bytes == (6 + 5 if in_place else 4 + 3) * HEADS * SYSTEM_PAGE
    assert fork.shared_bytes == 0


def test_a_fork_of_a_fork_shows_what_both_had() -> None:
    manager = make()
    append(manager.get_or_create("a"), 2 * PER_PAGE, 1.0)
    append(manager.fork("a", "b"), 2 * PER_PAGE, 2.0)
    third = manager.fork("b", "c")
    assert seen(third) == [1.0] * 2 * PER_PAGE + [2.0] * 2 * PER_PAGE
    assert len(third._held) == 4
    manager.evict("a")
    manager.evict("b")
    assert seen(third) == [1.0] * 2 * PER_PAGE + [2.0] * 2 * PER_PAGE
    adds_up(manager)
    manager.evict("c")
    assert manager._pool.resident == 0


def test_the_last_one_who_shows_rows_gives_their_memory_back() -> None:
    gc.collect()
    manager, taken = make(), sealed.mappings.taken
    append(manager.get_or_create("a"), 5 * PER_PAGE, 1.0)
    manager.fork("a", "b")
    assert sealed.mappings.taken > taken
    manager.evict("a")
    assert manager._pool.resident > 0
    manager.close()
    assert manager._pool.resident == 0 or not manager._pool._sealed
    assert sealed.mappings.taken == taken


def test_a_manager_that_is_forgotten_gives_its_mappings_back() -> None:
    gc.collect()
    manager, taken = make(), sealed.mappings.taken
    append(manager.get_or_create("a"), 5 * PER_PAGE, 1.0)
    manager.fork("a", "b")
    assert sealed.mappings.taken > taken
    del manager
    gc.collect()
    assert sealed.mappings.taken == taken


def test_what_is_written_in_place_is_seen_by_its_writer_only() -> None:
    manager = make()
    append(manager.get_or_create("a"), 4 * PER_PAGE, 1.0)
    fork = manager.fork("a", "b")
    view = fork.key_mut()
    view[:] = 9.0
    del view
    assert (fork.key() == 9.0).all()
    source = manager.get("a")
    assert source is not None
    assert seen(source) == [1.0] * 4 * PER_PAGE
    adds_up(manager)


def test_what_is_written_by_mistake_stays_with_its_writer() -> None:
    manager = make()
    append(manager.get_or_create("a"), 4 * PER_PAGE, 1.0)
    fork = manager.fork("a", "b")
    keys, values = fork.rows_mut()
    keys[:], values[:] = 9.0, 9.0
    del keys, values
    manager.evict("b")
    assert not manager.get_or_create("c").key(whole=True).any()
    source = manager.get("a")
    assert source is not None
    assert seen(source) == [1.0] * 4 * PER_PAGE


def test_a_sealed_row_cannot_be_written_to() -> None:
    rows = sealed.SealedRows(SYSTEM_PAGE)
    rows.keep(np.ones(SYSTEM_PAGE, np.uint8))
    rows.seal()
    with pytest.raises(PermissionError):
        os.pwrite(rows._file, b"x", 0)
    rows.close()
    rows.close()


@pytest.mark.parametrize(
    "left", [pytest.param(0, id="none"), pytest.param(2 * HEADS * 2 + 1, id="for-the-source-only")]
)
def test_where_no_mappings_are_left_tokens_are_copied(left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    gc.collect()  # what other tests took is given back
    monkeypatch.setattr(sealed.mappings, "limit", sealed.mappings.taken + left)
    manager = make()
    append(manager.get_or_create("a"), 4 * PER_PAGE + 1, 1.0)
    fork = manager.fork("a", "b")
    assert seen(fork) == [1.0] * (4 * PER_PAGE + 1)
    assert not fork.shared_bytes
    adds_up(manager)


def test_where_the_system_refuses_tokens_are_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no more")

    monkeypatch.setattr(sealed.SealedRows, "show", refuse)
    manager = make()
    append(manager.get_or_create("a"), 4 * PER_PAGE, 1.0)
    fork = manager.fork("a", "b")
    source = manager.get("a")
    assert source is not None
    assert seen(fork) == seen(source) == [1.0] * 4 * PER_PAGE
    append(fork, 1, 2.0)
    assert len(fork) == 4 * PER_PAGE + 1
    manager.check()


def test_pages_that_cannot_be_hidden_are_zeroed_for_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no more")

    manager = make(sessions=2)
    append(manager.get_or_create("a"), 4 * PER_PAGE, 1.0)
    manager.fork("a", "b")
    with monkeypatch.context() as patch:
        patch.setattr("kvcache.memory.arena.show_zeros", refuse)
        manager.clear()
        for name in "cd":
            assert not manager.get_or_create(name).key(whole=True).any()
    manager.clear()
    for name in "cd":
        append(manager.get_or_create(name), 2, 5.0)
        assert not manager.get_or_create(name).key(whole=True)[2:].any()


def test_a_fork_into_a_session_that_somebody_uses_is_refused() -> None:
    manager = make()
    append(manager.get_or_create("a"), 2 * PER_PAGE, 1.0)
    source = manager.get("a")
    assert source is not None
    beginning = source.beginning()
    other = manager.get_or_create("b")
    append(other, 1, 2.0)
    with pytest.raises(InvalidSessionError, match="is not written to meanwhile"):
        other.begin(beginning)
    source.let_go(beginning)
    assert seen(other) == [2.0]
    adds_up(manager)


def test_a_fork_that_has_no_memory_for_its_last_page_leaves_everything_as_it_was() -> None:
    manager = make(memory=3 * 2 * HEADS * SYSTEM_PAGE)
    source = manager.get_or_create("a")
    append(source, 2 * PER_PAGE + 3, 1.0)
    with source.pin(), pytest.raises(OutOfMemoryError):
        manager.fork("a", "b")
    assert manager.sessions() == ("a",)
    assert seen(source) == [1.0] * (2 * PER_PAGE + 3)
    adds_up(manager)


def test_rows_that_are_shown_twice_make_room_once_both_are_gone() -> None:
    step = 2 * HEADS * SYSTEM_PAGE
    manager = make(memory=5 * step)
    append(manager.get_or_create("a"), 4 * PER_PAGE, 1.0)
    manager.fork("a", "b")
    append(manager.get_or_create("c"), 4 * PER_PAGE, 2.0)
    assert manager.sessions() == ("c",)
    adds_up(manager)


@dataclass
class Held:
    """What is asked of an entry that may make room."""

    name: str
    resident_bytes: int
    held: tuple[sealed.SealedRows, ...] = ()


@pytest.mark.parametrize(
    ("short", "victims"),
    [
        pytest.param(5, "c", id="who-shows-only-gives-nothing-alone"),
        pytest.param(12, "cd", id="as-many-as-it-takes"),
        pytest.param(50, None, id="what-others-show-too-is-not-given"),
    ],
)
def test_who_gives_nothing_is_not_evicted_in_vain(short: int, victims: str | None) -> None:
    shown = sealed.SealedRows(SYSTEM_PAGE)
    shown.holders = 3  # one of them may not be evicted
    entries = [Held("a", 0, (shown,)), Held("b", 0, (shown,)), Held("c", 10), Held("d", 10)]
    chosen = sharing.enough_of(entries, short)  # type: ignore[arg-type]
    assert (None if chosen is None else "".join(each.name for each in chosen)) == victims  # type: ignore[attr-defined]


def test_who_shows_rows_goes_with_all_others_who_do() -> None:
    shown = sealed.SealedRows(SYSTEM_PAGE)
    shown.keep(np.ones(SYSTEM_PAGE, np.uint8))
    shown.holders = 2
    entries = [Held("a", 0, (shown,)), Held("b", 0), Held("c", 10, (shown,)), Held("d", 10)]
    chosen = sharing.enough_of(entries, SYSTEM_PAGE)  # type: ignore[arg-type]
    assert [each.name for each in chosen or ()] == ["a", "c"]  # type: ignore[attr-defined]


def test_sealed_rows_come_through_a_fork_of_the_process() -> None:
    manager = make()
    append(manager.get_or_create("a"), 4 * PER_PAGE, 1.0)
    fork = manager.fork("a", "b")
    child = os.fork()
    if not child:
        try:
            fork.truncate(PER_PAGE)
            append(fork, 1, 5.0)
            right = seen(fork) == [1.0] * PER_PAGE + [5.0] and seen(manager.fork("b", "c")) == seen(fork)
            manager.close()
        finally:
            os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert seen(fork) == [1.0] * 4 * PER_PAGE


def test_threads_that_fork_and_write_never_see_the_bytes_of_another_session() -> None:
    manager, problems = make(sessions=12), list[str]()
    append(manager.get_or_create("shared"), 3 * PER_PAGE + 1, 1.0)

    def work(worker: int) -> None:
        random = np.random.default_rng(worker)
        for step in range(60):
            name, fill = f"{worker}-{step % 2}", float(worker * 1000 + step + 2)
            kept = int(random.integers(1, 3 * PER_PAGE))
            fork = manager.fork("shared", name, 3 * PER_PAGE + 1 - step % 3)
            fork.truncate(kept)
            append(fork, PER_PAGE, fill)
            if seen(fork) != [1.0] * kept + [fill] * PER_PAGE:
                problems.append(f"{fill}: {seen(fork)}")

    run_threads(work)
    assert not problems
    adds_up(manager)


class SharingMachine(RuleBasedStateMachine):
    """Drives forks beside a model of what each session holds, and of what its lineage ever wrote."""

    NAMES = st.sampled_from("abcd")

    @initialize(memory=st.sampled_from([None, 2**20, 30 * 2 * HEADS * SYSTEM_PAGE]))
    def start(self, memory: int | None) -> None:
        sharing.WORTH = SYSTEM_PAGE  # type: ignore[misc]
        self.manager = make(sessions=4, memory=memory)
        self.model: dict[str, list[float]] = {}
        self.lineage: dict[str, set[float]] = {}
        self.fill = 0.0

    def teardown(self) -> None:
        sharing.WORTH = 4 * SYSTEM_PAGE  # type: ignore[misc]

    def forget_the_evicted(self) -> None:
        for name in set(self.model) - set(self.manager.sessions()):
            del self.model[name], self.lineage[name]

    @rule(name=NAMES, count=st.integers(1, 2 * PER_PAGE))
    def append(self, name: str, count: int) -> None:
        entry = self.manager.get_or_create(name)
        known = self.model.setdefault(name, [])
        self.lineage.setdefault(name, set())
        if len(known) + count <= entry.max_context_length:
            self.fill += 1.0
            append(entry, count, self.fill)
            known += [self.fill] * count
            self.lineage[name].add(self.fill)
        self.forget_the_evicted()

    @rule(source=NAMES, heir=NAMES, share=st.floats(0, 1))
    def fork(self, source: str, heir: str, share: float) -> None:
        if source in self.model and source != heir:
            count = round(share * len(self.model[source]))
            made = self.manager.fork(source, heir, count)
            self.forget_the_evicted()
            self.model[heir] = self.model[source][:count]
            self.lineage[heir] = set(self.model[heir])
            assert len(made) == count

    @rule(name=NAMES, share=st.floats(0, 1))
    def truncate(self, name: str, share: float) -> None:
        if name in self.model:
            kept = round(share * len(self.model[name]))
            self.manager._entries[name].truncate(kept)
            del self.model[name][kept:]

    @rule(name=NAMES, first=st.floats(0, 1), share=st.floats(0, 1), shrink=st.booleans())
    def remove(self, name: str, first: float, share: float, shrink: bool) -> None:
        if name in self.model:
            start = round(first * len(self.model[name]))
            end = start + round(share * (len(self.model[name]) - start))
            self.manager._entries[name].remove(start, end)
            del self.model[name][start:end]
            if shrink:
                self.manager._entries[name].shrink()
            self.forget_the_evicted()

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
        self.manager.evict(name)
        self.forget_the_evicted()

    @rule(name=NAMES, everywhere=st.booleans())
    def write_in_place(self, name: str, everywhere: bool) -> None:
        if name in self.model:
            entry = self.manager._entries[name]
            self.fill += 1.0
            self.lineage[name].add(self.fill)
            if everywhere:
                entry.key_mut()[:], entry.value_mut()[:] = self.fill, -self.fill
            else:
                entry.unshare()
                keys, values = entry.rows_mut()
                keys[:, :, : len(entry)], values[:, :, : len(entry)] = self.fill, -self.fill
            self.model[name] = [self.fill] * len(entry)
            self.forget_the_evicted()

    @rule()
    def trim(self) -> None:
        self.manager.trim()

    @invariant()
    def everybody_sees_what_is_his(self) -> None:
        if not hasattr(self, "model"):
            return
        adds_up(self.manager)
        for name, fills in self.model.items():
            entry = self.manager._entries[name]
            assert seen(entry) == fills
            behind = set(np.unique(entry.key(whole=True)[len(entry) :]).tolist())
            assert behind <= self.lineage[name] | {0.0}


TestSharingMachine = pytest.mark.slow(SharingMachine.TestCase)
TestSharingMachine.settings = settings(max_examples=25, stateful_step_count=25)
