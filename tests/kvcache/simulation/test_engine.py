"""A simulation counts what a cache would do; small traces are counted by hand."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvcache import LFU, InvalidSizeError
from kvcache.simulation.arrivals import Arrival, make_arrivals
from kvcache.simulation.engine import Machine, Result, StoreModel, simulate

PAGE = 16
"""Tokens of a page; keys and values have pages of their own."""


def served(*arrivals: Arrival, pages: int = 1000, **other: Any) -> Result:
    settings = {"prefill_per_second": 100.0, "decode_per_second": 10.0, "token_bytes": 1000, **other}
    return simulate(arrivals, Machine(memory_bytes=pages * PAGE * 1000, **settings))


def test_a_session_that_comes_back_computes_only_what_is_new() -> None:
    result = served(Arrival(0, "a", 100, 20), Arrival(10, "a", 150, 20), Arrival(20, "b", 100, 20))
    assert (result.requests, result.memory_hits, result.hit_rate) == (3, 1, 1.0)
    assert (result.prompt_tokens, result.saved_tokens, result.possible_tokens, result.reusable) == (350, 120, 120, 1)
    assert (result.evictions, result.refused) == (0, 0)
    assert result.first_token_p50 == pytest.approx(1.0)  # 0.3, 1 and 1 seconds
    assert result.whole_p99 == pytest.approx(3.0)


def test_who_must_make_room_computes_all_again() -> None:
    arrivals = [Arrival(0, "a", 150, 10), Arrival(20, "b", 150, 10), Arrival(40, "a", 170, 10)]
    result = served(*arrivals, pages=12)  # 160 tokens take ten pages, 180 twelve
    assert (result.memory_hits, result.hit_rate, result.saved_tokens, result.possible_tokens) == (0, 0.0, 0, 160)
    assert (result.evictions, result.evicted_tokens) == (2, 320)


def test_a_second_tier_gives_it_back_and_takes_its_time() -> None:
    arrivals = [Arrival(0, "a", 150, 10), Arrival(20, "b", 150, 10), Arrival(40, "a", 170, 10)]
    store = StoreModel(capacity_bytes=400_000, latency=0.5, bytes_per_second=160_000)
    result = served(*arrivals, pages=12, store=store)
    assert (result.store_hits, result.hit_rate, result.saved_tokens) == (1, 1.0, 160)
    assert result.first_token_p50 == pytest.approx(1.5)
    assert result.first_token_p99 == pytest.approx(1.6)  # 0.5 + 160,000 bytes + 10 tokens
    for small in (159_000, 1):
        assert served(*arrivals, pages=12, store=StoreModel(small)).store_hits == 0


def test_a_tier_that_is_full_forgets_who_came_longest_ago() -> None:
    arrivals = [Arrival(20 * number, name, 150, 10) for number, name in enumerate("abcab")]
    result = served(*arrivals, pages=12, store=StoreModel(capacity_bytes=160_000))
    assert result.store_hits == 0
    assert served(*arrivals, pages=12, store=StoreModel(capacity_bytes=320_000)).store_hits == 2


@pytest.mark.parametrize(
    ("sharing", "saved", "evictions"),
    [
        pytest.param("pages", 96, 0, id="pages"),
        pytest.param("copy", 96, 1, id="copy"),
        pytest.param("none", 0, 1, id="none"),
    ],
)
def test_a_shared_prefix_is_computed_once_and_takes_memory_once(sharing: str, saved: int, evictions: int) -> None:
    arrivals = [Arrival(0, "a", 100, 12, "p", 96), Arrival(30, "b", 100, 12, "p", 96)]
    result = served(*arrivals, pages=8, sharing=sharing)  # a prefix takes six pages, the rest of each session one
    assert (result.saved_tokens, result.evictions, result.refused) == (saved, evictions, 0)
    assert result.prefix_hits == (saved > 0)


def test_a_prefix_stays_while_a_session_begins_with_it_and_no_longer() -> None:
    first, last = Arrival(0, "a", 100, 12, "p", 96), Arrival(60, "c", 100, 12, "p", 96)
    large = Arrival(30, "b", 120, 8)  # all eight pages
    assert served(first, last, pages=8).saved_tokens == 96
    result = served(first, large, last, pages=8)
    assert (result.saved_tokens, result.refused) == (0, 0)


def test_requests_wait_for_a_server() -> None:
    arrivals = [Arrival(0, name, 100, 10) for name in "abc"]
    result = served(*arrivals, servers=1)
    assert result.first_token_p99 == pytest.approx(5.0)  # two whole requests of 2 seconds before it
    assert served(*arrivals, servers=3).first_token_p99 == pytest.approx(1.0)


def test_memory_that_is_all_in_use_refuses_nobody_an_answer() -> None:
    result = served(Arrival(0, "a", 100, 12), Arrival(0, "b", 100, 12), pages=8)
    assert (result.refused, result.requests) == (1, 2)
    assert result.first_token_p99 == pytest.approx(1.0)


def test_a_time_to_live_ends_sessions_without_the_tier() -> None:
    arrivals = [Arrival(0, "a", 100, 10), Arrival(100, "a", 120, 10)]
    result = served(*arrivals, ttl_seconds=50.0, store=StoreModel(10**9))
    assert (result.memory_hits, result.store_hits, result.evictions) == (0, 0, 0)


def test_a_prompt_that_became_shorter_keeps_its_beginning() -> None:
    assert served(Arrival(0, "a", 100, 10), Arrival(10, "a", 50, 10)).saved_tokens == 49


@given(seed=st.integers(0, 50), pages=st.integers(1, 2000), sharing=st.sampled_from(["pages", "copy", "none"]))
@settings(max_examples=12)
def test_more_is_never_saved_than_was_computed_before(seed: int, pages: int, sharing: Any) -> None:
    arrivals = make_arrivals(4, seed=seed)
    memory = pages * PAGE * 1000
    plain = Machine(memory_bytes=memory, token_bytes=1000, sharing=sharing, policy=LFU())
    tiered = Machine(memory_bytes=memory, token_bytes=1000, sharing=sharing, store=StoreModel(10**12))
    for machine in (plain, tiered):
        result = simulate(arrivals, machine)
        assert 0 <= result.saved_tokens <= result.possible_tokens <= result.prompt_tokens
        assert result.memory_hits + result.store_hits + result.prefix_hits <= result.requests
        assert result.first_token_p50 <= result.first_token_p99 <= result.whole_p99


@pytest.mark.parametrize("name", ["token_bytes", "prefill_per_second", "decode_per_second", "servers"])
def test_what_makes_no_sense_is_refused(name: str) -> None:
    with pytest.raises(InvalidSizeError, match=name):
        served(Arrival(0, "a", 1, 1), **{name: 0})
    with pytest.raises(InvalidSizeError):
        served(Arrival(0, "a", 1, 1), pages=0)
