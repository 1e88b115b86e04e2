import gc
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kvcache import (
    EvictionReason,
    JsonLinesSink,
    KVCacheError,
    KVCacheManager,
    MemorySink,
    StaleEntryError,
    forking,
    read_chain,
)
from tests.kvcache.fakes import make_manager, one_token

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def in_a_child(work: Callable[[], None], *, seconds: float = 10.0) -> int | None:
    """Do the work in a fork; how it ended: 0 where it came to its end, None where it hung."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        threading.Event().wait(0.002)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return None


def use_all(manager: KVCacheManager) -> None:
    """Call everything that takes a lock, on sessions that other threads were in the middle of."""
    token = one_token(manager.layout)
    for name in manager.sessions():
        entry = manager.get(name)
        assert entry is not None
        entry.truncate(0)
        entry.append(token, token)
        assert (entry.key(whole=True)[0] == 1.0).all()
    manager.check()
    manager.clear()
    for number in range(8):
        manager.get_or_create(f"new-{number}").append(token, token)
    manager.check()
    assert manager.statistics().bytes_free == 0
    manager.close()


def test_a_child_goes_on_though_other_threads_were_inside_of_calls() -> None:
    manager, ended = make_manager(blocks=4, sink=MemorySink(8)), threading.Event()
    token, codes = one_token(manager.layout), list[int | None]()

    def work(worker: int) -> None:
        number = 0
        while not ended.is_set():
            number += 1
            try:
                manager.get_or_create(f"{worker}-{number % 5}").append(token, token)
            except KVCacheError:
                manager.evict(f"{worker}-{number % 5}")

    threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in range(3)]
    for thread in threads:
        thread.start()
    try:
        codes = [in_a_child(lambda: use_all(manager)) for _ in range(5)]
    finally:
        ended.set()
    for thread in threads:
        thread.join(10)
    assert codes == [0] * 5
    assert not any(thread.is_alive() for thread in threads)
    manager.check()


def test_a_child_forgets_a_copy_and_frees_the_block_that_was_waiting_for_it() -> None:
    manager = make_manager(blocks=2)
    copied, evicted = manager.get_or_create("copied"), manager.get_or_create("evicted")
    with copied._writing, evicted._writing:  # as a thread has them in the middle of an append
        with manager._ledger.lock:
            copied._start(0.0)
            evicted._start(0.0)
        manager.evict("evicted")

        def work() -> None:
            token = one_token(manager.layout)
            with pytest.raises(StaleEntryError):
                evicted.append(token, token)
            assert copied.append(token, token) == 1
            manager.get_or_create("heir").append(token, token)
            manager.check()

        assert in_a_child(work) == 0


def test_a_stale_handle_whose_lock_was_left_behind_raises() -> None:
    manager = make_manager(blocks=1)
    entry = manager.get_or_create("a")
    manager.evict("a")
    calls: list[Callable[[], object]] = [entry.key_mut, lambda: entry.key(whole=True), lambda: entry.commit(1)]

    def work() -> None:
        for call in calls:
            with pytest.raises(StaleEntryError):
                call()

    with entry._writing:
        assert in_a_child(work) == 0


def test_a_block_that_a_thread_was_zeroing_is_zeroed_by_the_child() -> None:
    manager = make_manager(blocks=1)
    manager.get_or_create("before").key_mut()[:] = 7.0
    manager.evict("before")
    with manager._ledger.lock:  # what a thread has done so far when another one forks
        entry = manager._table.admit("after", manager.layout, now=0.0, ttl_seconds=None)
    assert entry is not None

    def work() -> None:
        found = manager.get("after")
        assert found is not None
        assert not found.key(whole=True).any()

    with entry._writing:
        assert in_a_child(work) == 0


def test_a_file_of_records_stays_with_the_parent(tmp_path: Path) -> None:
    sink = JsonLinesSink(tmp_path / "log")
    manager = make_manager(blocks=1, sink=sink)
    manager.get_or_create("a")

    def work() -> None:
        manager.evict("a")
        assert manager.statistics().sink_failures == 1

    assert in_a_child(work) == 0
    manager.evict("a")
    sink.close()
    assert [record["session_id"] for _, record in read_chain(tmp_path / "log")] == ["a"]


def test_records_that_were_kept_at_the_fork_are_delivered_once_by_the_parent() -> None:
    sink = MemorySink()
    manager = make_manager(blocks=1, sink=sink)
    manager.get_or_create("a")

    def work() -> None:
        manager._ledger.deliver()
        assert sink.receipts == ()

    with manager._ledger.lock:
        manager._table.evict(["a"], EvictionReason.MANUAL, 0.0)
        assert in_a_child(work) == 0
    manager._ledger.deliver()
    assert [receipt.session_id for receipt in sink.receipts] == ["a"]


def test_two_threads_may_fork_at_once() -> None:
    manager, codes = make_manager(blocks=2), list[int | None]()
    threads = [threading.Thread(target=lambda: codes.append(in_a_child(lambda: use_all(manager)))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert codes == [0, 0]


@pytest.mark.slow
def test_owners_that_are_gone_are_asked_no_more() -> None:
    gc.collect()
    before = len(forking._owners)
    manager = make_manager()
    assert len(forking._owners) == before + 2  # its ledger and its table of sessions
    del manager
    gc.collect()
    assert len(forking._owners) == before
