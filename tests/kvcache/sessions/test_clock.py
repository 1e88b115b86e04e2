"""A clock that says no time, or raises, is refused at once, and nothing has changed then."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from kvcache import InvalidSizeError, KVCacheEntry, KVCacheManager, MemorySink
from tests.kvcache.fakes import FakeClock, make_manager, one_token, small_layout

CALLS: dict[str, Callable[[KVCacheManager, KVCacheEntry], object]] = {
    "get_or_create-hit": lambda manager, _: manager.get_or_create("a"),
    "get_or_create-miss": lambda manager, _: manager.get_or_create("b"),
    "get": lambda manager, _: manager.get("a"),
    "get-miss": lambda manager, _: manager.get("b"),
    "append": lambda _, entry: entry.append(one_token(entry.layout), one_token(entry.layout)),
    "append-by-name": lambda manager, entry: manager.append("a", one_token(entry.layout), one_token(entry.layout)),
    "commit": lambda _, entry: entry.commit(1),
    "truncate": lambda _, entry: entry.truncate(0),
    "touch": lambda _, entry: entry.touch(),
    "pin": lambda _, entry: entry.pin().__enter__(),
    "key_mut": lambda _, entry: entry.key_mut(),
    "evict": lambda manager, _: manager.evict("a"),
    "expire": lambda manager, _: manager.expire(),
    "clear": lambda manager, _: manager.clear(),
    "snapshot": lambda manager, _: manager.snapshot(),
    "performance": lambda manager, _: manager.performance(),
}


@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in CALLS.items()])
@pytest.mark.parametrize(
    "time", [pytest.param(time, id=str(time)) for time in (math.nan, math.inf, -math.inf, None, "1", 10**400)]
)
def test_a_time_that_is_none_is_refused_and_nothing_changes(
    call: Callable[[KVCacheManager, KVCacheEntry], object], time: Any
) -> None:
    clock = FakeClock()
    manager = make_manager(blocks=1, clock=clock, ttl=5.0)
    entry = manager.get_or_create("a")
    entry.append(one_token(entry.layout), one_token(entry.layout))
    before = manager.statistics(), entry.token_count, entry.uses, entry.last_accessed, entry.is_idle
    clock.now = time
    with pytest.raises(InvalidSizeError, match="clock: expected a finite number of seconds"):
        call(manager, entry)
    assert (manager.statistics(), entry.token_count, entry.uses, entry.last_accessed, entry.is_idle) == before
    manager.check()


def test_a_manager_is_not_made_with_such_a_clock() -> None:
    layout = small_layout()
    with pytest.raises(InvalidSizeError, match="clock"):
        KVCacheManager(layout, capacity_bytes=layout.block_bytes, clock=lambda: math.nan)


def test_a_clock_may_say_any_real_number() -> None:
    clock = FakeClock()
    clock.now = np.float32(1.5)  # type: ignore[assignment]
    entry = make_manager(clock=clock).get_or_create("a")
    assert type(entry.created_at) is float


@pytest.mark.parametrize("end", ["unpin", "close"])
def test_what_must_be_possible_goes_on_with_the_time_before(end: str) -> None:
    clock, sink = FakeClock(), MemorySink()
    manager = make_manager(blocks=1, clock=clock, sink=sink)
    clock.now = 3.0
    entry = manager.get_or_create("a")
    if end == "unpin":
        with entry.pin():
            clock.now = math.nan
        assert not entry.is_pinned
    clock.now = math.nan
    manager.close()
    assert manager.closed
    assert sink.receipts[0].evicted_at == 3.0
