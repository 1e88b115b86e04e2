import dataclasses

import pytest

from kvcache import EvictionReason, EvictionReceipt, InvalidSizeError, MemorySink, Record, Span
from kvcache.records.statistics import Counters, Meters
from kvcache.sessions.ledger import Ledger
from tests.kvcache.fakes import FakeClock

SNAPSHOT = Counters().snapshot(bytes_capacity=64, bytes_used=0, largest_free=64, sessions=0)


def receipt(session_id: str = "s") -> EvictionReceipt:
    return EvictionReceipt(
        session_id=session_id,
        span=Span(0, 64),
        reason=EvictionReason.MANUAL,
        token_count=1,
        created_at=0.0,
        last_accessed=1.0,
        evicted_at=2.0,
        before=SNAPSHOT,
        after=SNAPSHOT,
        performance=Meters(60.0).report(2.0),
    )


def deliver(ledger: Ledger, names: str) -> int:
    with ledger.delivery, ledger.lock:
        for name in names:
            ledger.keep(receipt(name))
    return ledger.counters.sink_failures


def test_a_receipt_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        receipt().session_id = "other"  # type: ignore[misc]


def test_the_memory_sink_keeps_the_latest() -> None:
    everything, last_two = MemorySink(), MemorySink(limit=2)
    assert deliver(Ledger(clock=FakeClock(), sinks=[everything, last_two], trace=()), "abc") == 0
    assert [kept.session_id for kept in everything.receipts] == ["a", "b", "c"]
    assert [kept.session_id for kept in last_two.receipts] == ["b", "c"]


@pytest.mark.parametrize("limit", [pytest.param(n, id=f"limit-{n}") for n in (0, -1, 1.5)])
def test_a_memory_sink_keeps_at_least_one(limit: int) -> None:
    with pytest.raises(InvalidSizeError):
        MemorySink(limit)


def test_a_sink_that_raises_is_counted_and_starves_no_other() -> None:
    def broken(_record: Record) -> None:
        raise RuntimeError("disk full")

    kept: list[Record] = []
    assert deliver(Ledger(clock=FakeClock(), sinks=[broken, kept.append], trace=()), "ab") == 2
    assert [each.session_id for each in kept if isinstance(each, EvictionReceipt)] == ["a", "b"]


def test_an_interrupt_is_not_taken_for_a_failing_sink() -> None:
    def interrupted(_record: Record) -> None:
        raise KeyboardInterrupt

    ledger = Ledger(clock=FakeClock(), sinks=[interrupted], trace=())
    with pytest.raises(KeyboardInterrupt):
        deliver(ledger, "a")


def test_nothing_is_delivered_while_the_lock_is_held() -> None:
    kept: list[Record] = []
    ledger = Ledger(clock=FakeClock(), sinks=[kept.append], trace=())
    with ledger.delivery, ledger.lock:
        ledger.keep(receipt())
        assert not kept
    assert len(kept) == 1


def test_steps_are_numbered_and_go_to_those_who_trace() -> None:
    receipts, steps = MemorySink(), MemorySink()
    ledger = Ledger(clock=FakeClock(), sinks=[receipts], trace=[steps])
    with ledger.delivery, ledger.lock:
        ledger.trace("create", "a", 4, at=1.0)
        ledger.trace("hit", "a", at=2.0)
    assert not receipts.records
    assert [dataclasses.astuple(each)[:5] for each in steps.records] == [
        (0, "create", "a", 1.0, 4),
        (1, "hit", "a", 2.0, 0),
    ]
