import dataclasses

import pytest

from kvcache import EvictionCounts, EvictionReason
from kvcache.records.statistics import Counters, Statistics


def snapshot(used: int = 0, largest: int = 0, counters: Counters | None = None) -> Statistics:
    return (counters or Counters()).snapshot(bytes_capacity=1000, bytes_used=used, largest_free=largest, sessions=1)


@pytest.mark.parametrize(
    ("used", "largest", "utilization", "fragmentation"),
    [
        pytest.param(0, 1000, 0.0, 0.0, id="empty"),
        pytest.param(1000, 0, 1.0, 0.0, id="full"),
        pytest.param(600, 400, 0.6, 0.0, id="one-free-span"),
        pytest.param(600, 100, 0.6, 0.75, id="in-pieces"),
    ],
)
def test_shares_are_computed_from_bytes(used: int, largest: int, utilization: float, fragmentation: float) -> None:
    statistics = snapshot(used, largest)
    assert statistics.bytes_free == 1000 - used
    assert statistics.utilization == pytest.approx(utilization)
    assert statistics.fragmentation == pytest.approx(fragmentation)


def test_there_is_no_hit_rate_before_anybody_looked() -> None:
    assert snapshot().hit_rate is None
    assert snapshot(counters=Counters(hits=3, misses=1)).hit_rate == 0.75


def test_evictions_are_counted_by_reason() -> None:
    counters = Counters()
    counters.evictions[EvictionReason.LRU] += 2
    counters.evictions[EvictionReason.TTL] += 1
    evictions = snapshot(counters=counters).evictions
    assert evictions == EvictionCounts(lru=2, ttl=1)
    assert evictions.total == 3


def test_every_reason_has_its_count() -> None:
    assert {field.name for field in dataclasses.fields(EvictionCounts)} == {reason.value for reason in EvictionReason}


def test_a_snapshot_does_not_change_with_the_counters() -> None:
    counters = Counters()
    before = snapshot(counters=counters)
    counters.hits += 1
    counters.evictions[EvictionReason.MANUAL] += 1
    assert (before.hits, before.evictions.total) == (0, 0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.hits = 9  # type: ignore[misc]
