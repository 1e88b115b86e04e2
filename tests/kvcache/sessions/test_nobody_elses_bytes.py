"""Whatever raises while a session is made, nobody sees the bytes of the session before, and nobody hangs."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import pytest

from kvcache import Candidate, EvictionReason, KVCacheManager, Record
from tests.kvcache.fakes import FakeClock, one_token, small_layout


class Interrupted(BaseException):
    """Like a KeyboardInterrupt: no `except Exception` stops it."""


@dataclass
class Trouble:
    """Raises at the n-th call from now on, once; 0 never."""

    at: int = 0

    def call(self) -> None:
        if self.at:
            self.at -= 1
            if not self.at:
                raise Interrupted


@dataclass
class TroubledPolicy:
    trouble: Trouble = field(default_factory=Trouble)
    name: ClassVar[str] = "troubled"
    reason: ClassVar[EvictionReason] = EvictionReason.PRESSURE
    combine: ClassVar[Literal["max", "sum"]] = "max"
    monotone: ClassVar[bool] = True

    def cost(self, candidate: Candidate, now: float, /) -> float:
        self.trouble.call()
        return candidate.last_accessed


class TroubledClock(FakeClock):
    trouble = Trouble()

    def __call__(self) -> float:
        self.trouble.call()
        return super().__call__()


def make(place: str) -> tuple[KVCacheManager, Trouble]:
    """A manager of one used block, and what makes a place in it raise."""
    trouble, layout = Trouble(), small_layout()
    policy, clock = TroubledPolicy(), TroubledClock()

    def sink(_: Record) -> None:
        trouble.call()

    if place == "policy":
        policy.trouble = trouble
    elif place == "clock":
        clock.trouble = trouble
    manager = KVCacheManager(
        layout,
        capacity_bytes=layout.block_bytes,
        policy=policy,
        clock=clock,
        trace=[sink] if place == "sink" else [],
    )
    if place == "zeroing":
        zero_range = manager._pool.zero_range

        def troubled(offset: int, length: int) -> None:
            trouble.call()
            zero_range(offset, length)

        manager._pool.zero_range = troubled  # type: ignore[method-assign, assignment]
    entry = manager.get_or_create("before")
    entry.key_mut()[:] = 7.0
    entry.value_mut()[:] = 7.0
    return manager, trouble


def _committed(manager: KVCacheManager) -> float:
    entry = manager.get_or_create("after")
    entry.commit(3)
    return float(entry.key().max())


def _appended(manager: KVCacheManager) -> float:
    token = one_token(manager.layout, 0.0)
    manager.get_or_create("after").append(token, token)
    return float(manager.get_or_create("after").key(whole=True).max())


LOOKS: dict[str, Callable[[KVCacheManager], float]] = {
    "whole": lambda manager: float(manager.get_or_create("after").key(whole=True).max()),
    "values": lambda manager: float(manager.get_or_create("after").value(whole=True).max()),
    "writable": lambda manager: float(manager.get_or_create("after").key_mut().max()),
    "committed": _committed,
    "appended": _appended,
}


@pytest.mark.parametrize("look", [pytest.param(look, id=name) for name, look in LOOKS.items()])
@pytest.mark.parametrize("calls", [1, 2, 3])
@pytest.mark.parametrize("evicted", [pytest.param(True, id="free"), pytest.param(False, id="evicted-for-it")])
@pytest.mark.parametrize("place", [pytest.param(place, id=place) for place in ("policy", "clock", "sink", "zeroing")])
def test_whatever_raises_the_bytes_of_the_session_before_are_gone(
    place: str, evicted: bool, calls: int, look: Callable[[KVCacheManager], float]
) -> None:
    manager, trouble = make(place)
    if evicted:
        manager.evict("before")
    trouble.at = calls
    try:
        manager.get_or_create("after")
    except Interrupted:
        assert "after" not in manager
        manager.check()
    trouble.at = 0
    seen = list[float]()
    thread = threading.Thread(target=lambda: seen.append(look(manager)), daemon=True)  # a lock that is held is no hang
    thread.start()
    thread.join(10)
    assert seen == [0.0]
    manager.check()


def test_who_finds_a_session_before_it_is_zeroed_zeroes_it() -> None:
    manager, _ = make("policy")
    manager.evict("before")
    with manager._ledger.lock:
        entry = manager._table.admit("after", manager.layout, now=0.0, ttl_seconds=None)
    assert entry is not None
    assert manager.get("after") is entry
    assert not entry.key_mut().any()


def test_a_withdrawn_session_that_somebody_else_has_made_ready_stays() -> None:
    manager, _ = make("policy")
    manager.evict("before")
    with manager._ledger.lock:
        entry = manager._table.admit("after", manager.layout, now=0.0, ttl_seconds=None)
    assert entry is not None
    token = one_token(manager.layout)
    entry.append(token, token)
    with manager._ledger.lock:
        manager._table.withdraw(entry)
    assert manager.get("after") is entry
    manager.check()
