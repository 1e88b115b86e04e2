import sys
import threading

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kvcache import ContextOverflowError, EvictionReceipt, KVCacheEntry, MemorySink, StaleEntryError
from tests.kvcache.fakes import FakeClock, make_manager, one_token, tokens


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

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in range(1, 5)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # as many turns between the threads as the interpreter gives
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    finally:
        sys.setswitchinterval(interval)
    assert not any(thread.is_alive() for thread in threads)
    assert not problems
    assert manager.statistics().misses == 600
    manager.check()


class ManagerMachine(RuleBasedStateMachine):
    """Drives a manager beside a model: what each session must hold, and when it was used last."""

    NAMES = st.sampled_from("abcdef")

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.sink = FakeClock(), MemorySink()
        self.manager = make_manager(blocks=3, clock=self.clock, ttl=20.0, sink=self.sink)
        self.model: dict[str, list[float]] = {}
        self.handles: list[tuple[str, KVCacheEntry]] = []
        self.receipts = 0

    def forget_the_evicted(self) -> list[EvictionReceipt]:
        new = list(self.sink.receipts[self.receipts :])
        self.receipts += len(new)
        for receipt in new:
            assert receipt.token_count == len(self.model.pop(receipt.session_id))
        return new

    @rule(name=NAMES, context=st.integers(1, 5))
    def get_or_create(self, name: str, context: int) -> None:
        known = self.manager.get(name)
        if context > 4 or (known is not None and context > known.max_context_length):
            with pytest.raises(ContextOverflowError):
                self.manager.get_or_create(name, context)
            return
        entry = self.manager.get_or_create(name, context)
        assert self.forget_the_evicted() == [] or known is None
        assert known in {None, entry}
        if known is None:
            assert entry.max_context_length == context
            assert not entry.key_mut().any()
            assert not entry.value_mut().any()
            self.model[name] = []
            self.handles.append((name, entry))

    @precondition(lambda self: self.model)
    @rule(data=st.data(), count=st.integers(1, 3), fill=st.integers(1, 1000))
    def append(self, data: st.DataObject, count: int, fill: int) -> None:
        name = data.draw(st.sampled_from(sorted(self.model)))
        entry = self.manager.get(name)
        assert entry is not None
        batch = tokens(entry.layout, count, float(fill))
        if len(self.model[name]) + count > entry.max_context_length:
            with pytest.raises(ContextOverflowError):
                self.manager.append(name, batch, -batch)
        else:
            self.model[name] += [float(fill)] * count
            assert self.manager.append(name, batch, -batch) == len(self.model[name])

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
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
        assert self.manager.statistics().bytes_used == 0

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


TestManagerMachine = ManagerMachine.TestCase
TestManagerMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
