"""A writable view never writes into another session's bytes, however long it is held."""

import gc
import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kvcache import KVCacheEntry, KVCacheError, OutOfMemoryError
from tests.kvcache.fakes import make_manager, tokens

VIEWS: list[tuple[str, Callable[[KVCacheEntry], object]]] = [
    ("keys", lambda entry: entry.key_mut()),
    ("values", lambda entry: entry.value_mut()),
    ("slice", lambda entry: entry.key_mut()[1:, 0]),
    ("reshaped", lambda entry: entry.value_mut().transpose(1, 2, 0, 3).reshape(-1)),
    ("another-dtype", lambda entry: entry.key_mut().view(np.uint8)),
    ("transposed", lambda entry: entry.key_mut().T),
    ("memoryview", lambda entry: entry.key_mut().data),
    ("asarray", lambda entry: np.asarray(entry.key_mut())),
    ("subclass", lambda entry: entry.key_mut().transpose(1, 2, 0, 3).reshape(4, 16).view(np.matrix)),
    ("dlpack", lambda entry: np.from_dlpack(entry.key_mut())),
]
TABLE = [pytest.param(view, id=name) for name, view in VIEWS]


@pytest.mark.parametrize("view", TABLE)
def test_while_a_writable_view_is_held_the_block_is_not_evicted_for_others(
    view: Callable[[KVCacheEntry], object],
) -> None:
    manager = make_manager(blocks=1)
    held = view(manager.get_or_create("a"))
    with pytest.raises(OutOfMemoryError, match="let go of writable views") as caught:
        manager.get_or_create("b")
    assert caught.value.pinned == manager.layout.block_bytes
    del held
    gc.collect()
    assert not manager.get_or_create("b").key(whole=True).any()
    assert manager.sessions() == ("b",)
    manager.check()


@pytest.mark.parametrize("view", TABLE)
def test_a_block_that_was_evicted_by_name_serves_nobody_until_the_view_is_gone(
    view: Callable[[KVCacheEntry], object],
) -> None:
    manager = make_manager(blocks=1)
    held = view(manager.get_or_create("a"))
    assert manager.evict("a")
    assert manager.statistics().bytes_free == 0
    with pytest.raises(OutOfMemoryError):
        manager.get_or_create("b")
    del held
    gc.collect()
    assert manager.statistics().bytes_free == manager.layout.block_bytes
    assert not manager.get_or_create("b").key(whole=True).any()
    manager.check()


def test_a_view_that_is_made_after_another_one_went_is_held_too() -> None:
    manager = make_manager(blocks=1)
    entry = manager.get_or_create("a")
    entry.key_mut()[:] = 1.0
    held = entry.value_mut()
    manager.statistics()  # hears of the first one
    with pytest.raises(OutOfMemoryError):
        manager.get_or_create("b")
    assert held.any() == entry.value(whole=True).any()


def test_a_view_that_outlives_the_manager_writes_to_nobody() -> None:
    manager = make_manager(blocks=1)
    held = manager.get_or_create("a").key_mut()
    manager.close()
    held[:] = 1.0
    manager.check()


def test_the_last_view_may_go_in_another_thread_that_is_inside_of_a_call() -> None:
    manager = make_manager(blocks=1)
    held = [manager.get_or_create("a").key_mut()]
    manager.evict("a")
    with manager._ledger.lock:  # nothing but a note is made, so that nobody waits
        thread = threading.Thread(target=held.clear)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
    manager.get_or_create("b")
    manager.check()


class LoanMachine(RuleBasedStateMachine):
    """Holds writable views of sessions that come and go, and writes through them at any time."""

    NAMES = st.sampled_from("abcd")

    def __init__(self) -> None:
        super().__init__()
        self.manager = make_manager(blocks=3)
        self.views: list[npt.NDArray[np.float32]] = []
        self.entries: dict[str, KVCacheEntry] = {}

    @rule(name=NAMES, context=st.integers(1, 4))
    def create(self, name: str, context: int) -> None:
        known = self.entries.get(name)
        try:
            entry = self.manager.get_or_create(name, context)
        except KVCacheError:
            return
        if entry is not known:
            assert not entry.key(whole=True).any()
            assert not entry.value(whole=True).any()
        self.entries[name] = entry

    @rule(name=NAMES)
    def lend(self, name: str) -> None:
        entry = self.entries.get(name)
        if entry is not None and entry.is_live and entry.token_count == 0:
            self.views += [entry.key_mut(), entry.value_mut()[-1:]]

    @rule(name=NAMES)
    def append(self, name: str) -> None:
        entry = self.entries.get(name)
        if entry is not None and entry.is_live and entry.token_count == 0 and not self.lent(entry):
            batch = tokens(entry.layout, 1, 1.0 + ord(name))
            entry.append(batch, batch)

    def lent(self, entry: KVCacheEntry) -> bool:
        return entry._loan is not None

    @rule(name=NAMES)
    def evict(self, name: str) -> None:
        self.manager.evict(name)

    @rule()
    def let_go_of_the_oldest(self) -> None:
        del self.views[:1]

    @rule()
    def scribble(self) -> None:
        for view in self.views:
            view[:] = -1.0

    @invariant()
    def nobody_sees_what_was_scribbled_elsewhere(self) -> None:
        self.manager.check()
        for name, entry in self.entries.items():
            if entry.is_live and entry.token_count:
                assert (entry.key() == 1.0 + ord(name)).all()
                assert (entry.value() == 1.0 + ord(name)).all()


TestLoanMachine = LoanMachine.TestCase
TestLoanMachine.settings = settings(max_examples=25, stateful_step_count=25)
