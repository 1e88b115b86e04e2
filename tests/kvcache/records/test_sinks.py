import logging

import pytest

from kvcache import EvictionReceipt, KVCacheManager, LoggingSink, MemorySink
from tests.kvcache.fakes import FakeClock, one_token, small_layout


def used(sink: LoggingSink | MemorySink, *, trace: bool = False) -> None:
    layout = small_layout(1)
    manager = KVCacheManager(
        layout, capacity_bytes=3 * layout.block_bytes, clock=FakeClock(), sinks=[sink], trace=[sink] if trace else []
    )
    for name in "abc":
        manager.get_or_create(name).append(one_token(layout), one_token(layout))
    manager.evict("a")
    manager.snapshot()
    manager.close()


def test_every_kind_of_record_is_a_line_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "kvcache")
    used(LoggingSink(), trace=True)
    assert "evicted 'a' (manual): 1 tokens, 128 bytes at 0" in caplog.messages
    assert "opened an arena of 384 bytes, policy lru" in caplog.messages
    assert "holds 2 blocks, 128 bytes are free" in caplog.messages
    assert "evicted 2 sessions (shutdown): 256 bytes" in caplog.messages
    assert "append 'b' 1" in caplog.messages


def test_steps_are_logged_for_debugging_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kvcache")
    used(LoggingSink(), trace=True)
    assert not any(message.startswith("append") for message in caplog.messages)
    records = [getattr(line, "kvcache_record", None) for line in caplog.records]
    assert sum(isinstance(record, EvictionReceipt) for record in records) == 3


def test_a_logger_and_a_level_may_be_chosen(caplog: pytest.LogCaptureFixture) -> None:
    used(LoggingSink(logging.getLogger("mine"), level=logging.WARNING))
    assert {(line.name, line.levelname) for line in caplog.records} == {("mine", "WARNING")}


def test_without_sinks_no_record_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    layout = small_layout(1)
    manager = KVCacheManager(layout, capacity_bytes=layout.block_bytes)
    monkeypatch.setattr("kvcache.sessions.session_table.EvictionReceipt", None)
    monkeypatch.setattr("kvcache.sessions.ledger.TraceEvent", None)
    manager.get_or_create("a")
    manager.get_or_create("b")
    manager.close()
