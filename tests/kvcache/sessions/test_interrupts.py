"""An interrupt (Ctrl-C, as in a notebook) may come at any call: nobody waits without end afterwards, and no token is another one."""

import gc
import inspect
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np
import pytest

from kvcache import SYSTEM_PAGE, ClosedError, KVCacheManager, KVLayout, OutOfMemoryError, PrefixIndex
from tests.kvcache.fakes import tokens

LAYOUT = KVLayout(layers=1, kv_heads=1, head_dim=64, max_context=32, alignment=SYSTEM_PAGE)
NEW = 7.0
LEFT_OUT = {"<lambda>", "using_a_pin"}
"""Those of this test; and what Python calls when an object goes, where an error is only printed."""


def text_of(name: str) -> list[int]:
    return [100 * ord(name) + place for place in range(12)]


def make() -> tuple[KVCacheManager, PrefixIndex]:
    """Three sessions, whose tokens hold what they are computed from, and no room for a fourth."""
    manager = KVCacheManager(LAYOUT, capacity_bytes=3 * LAYOUT.block_bytes)
    index = PrefixIndex(manager, page=4)
    for name in "abc":
        each = np.array(text_of(name), np.float32)[:, None, None, None]
        keys = np.broadcast_to(each, (len(each), *LAYOUT.token_shape))
        manager.get_or_create(name).append(keys, -keys)
        index.record(name, text_of(name))
    return manager, index


def interrupted(work: Callable[[], object], at: int) -> bool:
    """Do something, with an interrupt at one of the calls of kvcache; False where there are not so many."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> None:
        nonlocal count
        code = frame.f_code
        if event == "call" and "kvcache" in code.co_filename and code.co_name not in LEFT_OUT | {"trace"}:
            if code.co_flags & inspect.CO_GENERATOR:
                return  # it may be closed just now
            count += 1
            if count == at:
                raise KeyboardInterrupt

    before = sys.gettrace()
    gc.disable()  # what other tests left would be interrupted while it goes
    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
        gc.enable()
    return count >= at


def can_be_used_by_others(manager: KVCacheManager) -> bool:
    done = list[bool]()

    def use() -> None:
        try:
            manager.statistics()
            for name in manager.sessions():
                manager._entries[name].truncate(manager._entries[name].token_count)
        except ClosedError:
            pass
        done.append(True)

    thread = threading.Thread(target=use, daemon=True)
    thread.start()
    thread.join(5)
    return bool(done)


def using_a_pin(manager: KVCacheManager) -> None:
    with manager._entries["a"].pin():
        pass


WAYS: dict[str, Callable[[KVCacheManager, PrefixIndex], object]] = {
    "append": lambda manager, _: manager.append("a", tokens(LAYOUT, 1, NEW), -tokens(LAYOUT, 1, NEW)),
    "append-many": lambda manager, _: manager.append("a", tokens(LAYOUT, 9, NEW), -tokens(LAYOUT, 9, NEW)),
    "truncate": lambda manager, _: manager._entries["a"].truncate(5),
    "remove": lambda manager, _: manager._entries["a"].remove(2, 6),
    "slide": lambda manager, _: manager._entries["a"].slide(4, sinks=1),
    "fork": lambda manager, _: manager.fork("a", "d", 7),
    "evict": lambda manager, _: manager.evict("a"),
    "make-room": lambda manager, _: manager.get_or_create("d"),
    "begin": lambda _, index: index.begin("d", text_of("b")),
    "record": lambda _, index: index.record("a", text_of("a")),
    "prioritize": lambda manager, _: manager.prioritize("a", -1),
    "pin": lambda manager, _: using_a_pin(manager),
    "clear": lambda manager, _: manager.clear(),
    "close": lambda manager, _: manager.close(),
}


def kept_of(way: str, name: str) -> list[list[float]]:
    """What a session may hold afterwards; the beginning of one of these."""
    text: list[float] = list(map(float, text_of(name if name in "abc" else "a" if way == "fork" else "b")))
    left = {"remove": text[:2] + text[6:], "slide": text[:1] + text[-4:]}
    return [text, [*text, *[NEW] * 9], left.get(way, text)]


LONG = {"begin", "fork", "make-room"}


@pytest.mark.parametrize("way", [pytest.param(way, marks=pytest.mark.slow if way in LONG else ()) for way in WAYS])
def test_an_interrupt_leaves_no_lock_and_no_other_tokens(way: str) -> None:
    at, again = 1, True
    while again:
        manager, index = make()
        again = interrupted(lambda: WAYS[way](manager, index), at)  # noqa: B023 - called at once
        at += 1
        assert can_be_used_by_others(manager), f"at call {at}"
        if manager.closed:
            continue
        index.check()
        for name in manager.sessions():
            keys, values = manager._entries[name].key_and_value()
            found = keys[:, 0, 0, 0].tolist()
            assert (-values[:, 0, 0, 0]).tolist() == found
            assert any(found == each[: len(found)] for each in kept_of(way, name)), f"{name} at call {at}"
        for name in "abc":
            known = index.longest(text_of(name))
            if known is not None:
                entry = manager._entries[known[0]]
                assert entry.key()[: known[1], 0, 0, 0].tolist() == text_of(name)[: known[1]]
        try:
            manager.clear()
            assert not manager.get_or_create("new").key(whole=True).any()
        except OutOfMemoryError:
            assert way == "pin"
    assert at > 10
