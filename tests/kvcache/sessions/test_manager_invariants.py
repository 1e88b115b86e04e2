import contextlib

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kvcache import (
    LFU,
    LRU,
    ContextOverflowError,
    EvictionReason,
    EvictionReceipt,
    KVCacheEntry,
    MemorySink,
    OutOfMemoryError,
    PinnedEntryError,
    Policy,
    RecomputeCost,
    StaleEntryError,
)
from tests.kvcache.fakes import FakeClock, make_manager, one_token, tokens
from tests.kvcache.threads import run_threads


def test_threads_never_see_the_bytes_of_another_session() -> None:
    manager = make_manager(blocks=3, max_context=8)
    layout, problems = manager.layout, list[str]()

    def work(worker: int) -> None:
        random = np.random.default_rng(worker)
        for step in range(150):
            pattern = float(worker * 1000 + step)
            name = f"{worker}-{random.integers(3)}-{step}"
            try:
                entry = manager.get_or_create(name, int(random.integers(1, 9)))
                entry.append(one_token(layout, pattern), one_token(layout, -pattern))
                with manager._ledger.lock:  # no eviction between the view and its use
                    key, value = entry.key().copy(), entry.value().copy()
            except StaleEntryError:
                continue
            if (key != pattern).any() or (value != -pattern).any():
                problems.append(f"{name}: {np.unique(key)} {np.unique(value)}")

    run_threads(work)
    assert not problems
    assert manager.statistics().misses == 600
    manager.check()


def test_threads_that_pin_and_evict_never_see_the_bytes_of_another_session() -> None:
    manager = make_manager(blocks=4, max_context=8)
    layout, problems, finished = manager.layout, list[str](), list[int]()

    def work(worker: int) -> None:
        random = np.random.default_rng(worker)
        for step in range(120):
            pattern, name = float(worker * 1000 + step), f"{worker}-{step}"
            try:
                entry = manager.get_or_create(name, int(random.integers(2, 9)))
                with entry.pin():  # not evicted: no lock is needed to look
                    entry.append(one_token(layout, pattern), one_token(layout, -pattern))
                    view = entry.key(whole=True)
                    if (view[0] != pattern).any() or view[1:].any() or (entry.value(1) != -pattern).any():
                        problems.append(f"{name}: {np.unique(view)}")
                    if step % 4 == 0:
                        entry.key_mut()[1:] = entry.value_mut()[1:] = pattern
                if step % 4 == 1:
                    manager.evict(name)
                else:
                    manager.check()
            except (StaleEntryError, OutOfMemoryError):
                continue
        finished.append(worker)

    run_threads(work)
    assert sorted(finished) == [1, 2, 3, 4]
    assert not problems
    manager.check()


class ManagerMachine(RuleBasedStateMachine):
    """Drives a manager beside a model: what each session must hold, and when it was used last."""

    NAMES = st.sampled_from("abcdef")
    policy: Policy = LRU()

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.sink = FakeClock(), MemorySink()
        self.manager = make_manager(blocks=3, clock=self.clock, ttl=20.0, sink=self.sink)
        self.manager._table._policy = self.policy
        self.manager._table._queue._used = self.policy.monotone
        self.pins = contextlib.ExitStack()
        self.pinned: set[str] = set()
        self.model: dict[str, list[float]] = {}
        self.handles: list[tuple[str, KVCacheEntry]] = []
        self.receipts = 0

    def forget_the_evicted(self) -> list[EvictionReceipt]:
        new = list(self.sink.receipts[self.receipts :])
        assert not self.pinned & {receipt.session_id for receipt in new}
        self.receipts += len(new)
        for receipt in new:
            assert receipt.token_count == len(self.model.pop(receipt.session_id))
        return new

    def forget_the_expired(self, name: str) -> None:
        """`name` was asked for and is not there: if it was, its time had ended while a pin held it, and nobody asked since."""
        there = name in self.model
        new = self.forget_the_evicted()
        assert [(receipt.session_id, receipt.reason) for receipt in new] == [(name, EvictionReason.TTL)] * there
        assert all(self.clock.now - receipt.last_accessed >= 20.0 for receipt in new)

    @rule(name=NAMES, context=st.integers(1, 5), fill=st.booleans())
    def get_or_create(self, name: str, context: int, fill: bool) -> None:
        known = self.manager.get(name)
        if known is None:
            self.forget_the_expired(name)
        if context > 4 or (known is not None and context > known.max_context_length):
            with pytest.raises(ContextOverflowError):
                self.manager.get_or_create(name, context)
            return
        try:
            entry = self.manager.get_or_create(name, context)
        except OutOfMemoryError:
            assert self.pinned
            assert self.forget_the_evicted() == []
            return
        assert self.forget_the_evicted() == [] or known is None
        assert known in {None, entry}
        if known is None:
            assert entry.max_context_length == context
            assert entry.priority == 0
            assert not entry.key(whole=True).any()
            assert not entry.value(whole=True).any()
            if fill:  # else its pages stay unmarked
                entry.key_mut()[-1] = entry.value_mut()[-1] = 77.0
            self.model[name] = []
            self.handles.append((name, entry))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), count=st.integers(1, 3), fill=st.integers(1, 1000))
    def append(self, data: st.DataObject, count: int, fill: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.model)))
        entry = self.manager.get(name)
        if entry is None:
            self.forget_the_expired(name)
            return
        batch = tokens(entry.layout, count, float(fill))
        if len(self.model[name]) + count > entry.max_context_length:
            with pytest.raises(ContextOverflowError):
                self.manager.append(name, batch, -batch)
        else:
            self.model[name] += [float(fill)] * count
            assert self.manager.append(name, batch, -batch) == len(self.model[name])

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
        if name in self.pinned:
            with pytest.raises(PinnedEntryError):
                self.manager.evict(name)
            return
        assert self.manager.evict(name) is (name in self.model)
        assert len(self.forget_the_evicted()) <= 1

    @rule(seconds=st.integers(0, 15))
    def expire(self, seconds: int) -> None:
        self.clock.advance(seconds)
        expired = self.manager.expire()
        assert [receipt.session_id for receipt in self.forget_the_evicted()] == list(expired)
        assert all(
            self.clock.now - receipt.last_accessed >= 20.0 for receipt in self.sink.receipts[-len(expired) :] if expired
        )

    @rule()
    def clear(self) -> None:
        self.manager.clear()
        self.forget_the_evicted()
        assert set(self.manager.sessions()) == self.pinned

    @rule(name=NAMES)
    def pin(self, name: str) -> None:
        entry = self.manager.get(name)
        if entry is None:
            self.forget_the_expired(name)
            return
        self.pins.enter_context(entry.pin())
        self.pinned.add(name)

    @rule(name=NAMES, priority=st.integers(-1, 1))
    def prioritize(self, name: str, priority: int) -> None:
        if self.manager.prioritize(name, priority):
            assert self.manager._entries[name].priority == priority
        else:
            self.forget_the_expired(name)

    @rule()
    def unpin_all(self) -> None:
        self.pins.close()
        self.pinned.clear()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def truncate(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.model)))
        kept = data.draw(st.integers(0, len(self.model[name])))
        self.manager._entries[name].truncate(kept)
        del self.model[name][kept:]

    def teardown(self) -> None:
        self.pins.close()
        self.manager.check()

    @invariant()
    def every_session_has_its_own_bytes_and_no_other(self) -> None:
        self.manager.check()
        assert set(self.manager.sessions()) == set(self.model)
        for name, entry in self.handles:
            if entry.is_live:
                assert entry.key()[:, 1, 1, 3].tolist() == self.model[name]
                assert entry.value()[:, 0, 0, 0].tolist() == [-fill for fill in self.model[name]]
            else:
                with pytest.raises(StaleEntryError):
                    entry.key()
        assert sum(entry.is_live for _, entry in self.handles) == len(self.model)


class FrequencyMachine(ManagerMachine):
    policy = LFU()


class CostMachine(ManagerMachine):
    policy = RecomputeCost(half_life=10.0)


TestManagerMachine = pytest.mark.slow(ManagerMachine.TestCase)
TestManagerMachine.settings = settings(max_examples=180, stateful_step_count=40)
TestFrequencyMachine = pytest.mark.slow(FrequencyMachine.TestCase)
TestFrequencyMachine.settings = settings(max_examples=120, stateful_step_count=40)
TestCostMachine = pytest.mark.slow(CostMachine.TestCase)
TestCostMachine.settings = settings(max_examples=120, stateful_step_count=40)
