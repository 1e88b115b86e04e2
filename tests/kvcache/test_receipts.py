import dataclasses

import pytest

from kvcache import EvictionReason, EvictionReceipt, InvalidSizeError, MemorySink, Span
from kvcache.receipts import deliver
from kvcache.statistics import Counters

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
    )


def test_a_receipt_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        receipt().session_id = "other"  # type: ignore[misc]


def test_the_memory_sink_keeps_the_latest() -> None:
    everything, last_two = MemorySink(), MemorySink(limit=2)
    assert deliver([receipt(name) for name in "abc"], [everything, last_two]) == 0
    assert [kept.session_id for kept in everything.receipts] == ["a", "b", "c"]
    assert [kept.session_id for kept in last_two.receipts] == ["b", "c"]


@pytest.mark.parametrize("limit", [pytest.param(n, id=f"limit-{n}") for n in (0, -1, 1.5)])
def test_a_memory_sink_keeps_at_least_one(limit: int) -> None:
    with pytest.raises(InvalidSizeError):
        MemorySink(limit)


def test_a_sink_that_raises_is_counted_and_starves_no_other() -> None:
    def broken(_receipt: EvictionReceipt) -> None:
        raise RuntimeError("disk full")

    kept: list[EvictionReceipt] = []
    assert deliver([receipt("a"), receipt("b")], [broken, kept.append]) == 2
    assert [each.session_id for each in kept] == ["a", "b"]


def test_an_interrupt_is_not_taken_for_a_failing_sink() -> None:
    def interrupted(_receipt: EvictionReceipt) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver([receipt()], [interrupted])
