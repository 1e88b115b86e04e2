import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvcache import LFU, LRU, POLICIES, TTL, Candidate, InvalidSizeError, Policy, RecomputeCost, Span
from kvcache.sessions.eviction import choose_expired, choose_window


def row(text: str) -> tuple[list[Candidate], list[Span]]:
    """Read a row of blocks of 64 bytes: a digit is an entry used at that time, `.` is free, `#` is somebody else's.

    The entries are named after the places in the row.
    """
    candidates, free = [], []
    for run, group in itertools.groupby(enumerate(text), key=lambda pair: pair[1] == "."):
        places = list(group)
        if run:
            free.append(Span(places[0][0] * 64, len(places) * 64))
        else:
            candidates += [Candidate(str(at), Span(at * 64, 64), float(when)) for at, when in places if when != "#"]
    return candidates, free


@pytest.mark.parametrize(
    ("text", "blocks", "expected"),
    [
        pytest.param("123", 1, ("0",), id="the-least-recently-used"),
        pytest.param("321", 1, ("2",), id="wherever-it-lies"),
        pytest.param("1923", 2, ("2", "3"), id="a-run-without-the-newest-entry-though-the-oldest-is-elsewhere"),
        pytest.param("1.9", 2, ("0",), id="a-free-neighbour-counts"),
        pytest.param(".1.", 3, ("1",), id="free-on-both-sides"),
        pytest.param("4213", 2, ("2", "1"), id="ordered-by-last-use"),
        pytest.param("..12", 2, (), id="nobody-where-a-free-span-suffices"),
        pytest.param("1#2", 2, None, id="nobody-where-no-run-suffices"),
        pytest.param("1#23", 2, ("2", "3"), id="a-run-does-not-reach-across-a-foreign-block"),
        pytest.param("123", 4, None, id="nobody-where-the-arena-is-too-small"),
        pytest.param("", 1, None, id="nobody-where-nothing-is"),
        pytest.param("1111", 2, ("0", "1"), id="the-lowest-of-equals"),
        pytest.param("11#1.", 2, ("3",), id="the-fewest-of-equals"),
    ],
)
def test_the_window_is_chosen(text: str, blocks: int, expected: tuple[str, ...] | None) -> None:
    assert choose_window(*row(text), size=blocks * 64, alignment=64) == expected


def test_fault_eviction_sums_bytes_without_looking_at_adjacency() -> None:
    # The two oldest entries have the bytes together, but an entry between them keeps them apart.
    assert choose_window(*row("182"), size=128, alignment=64) == ("0", "1")
    assert choose_window(*row("1#2"), size=128, alignment=64) is None


def test_alignment_takes_room_at_the_front_of_a_run() -> None:
    candidates = [Candidate("a", Span(0, 64), 1.0), Candidate("b", Span(64, 128), 0.0)]
    assert choose_window(candidates, [], size=128, alignment=64) == ("b",)
    assert choose_window(candidates, [], size=128, alignment=128) == ("b", "a")


@st.composite
def rows(draw: st.DrawFn) -> str:
    return draw(st.text("0123456789.#", max_size=9)).replace("..", ".")


@given(rows(), st.integers(1, 5), st.sampled_from([64, 128]))
def test_no_window_is_better_than_the_chosen_one(text: str, blocks: int, alignment: int) -> None:
    candidates, free = row(text)
    chosen = choose_window(candidates, free, size=blocks * 64, alignment=alignment)

    def cost(window: range) -> tuple[float, int]:
        uses = [float(text[place]) for place in window if text[place] != "."]
        return max(uses, default=-1.0), len(uses)

    def suffices(window: range) -> bool:
        start = window.start * 64
        room = window.stop * 64 - (start + -start % alignment)
        return "#" not in text[window.start : window.stop] and room >= blocks * 64

    windows = [range(i, j) for i in range(len(text)) for j in range(i + 1, len(text) + 1) if suffices(range(i, j))]
    if chosen is None:
        assert not windows
    else:
        uses = [float(text[int(name)]) for name in chosen]
        assert (max(uses, default=-1.0), len(uses)) == min(map(cost, windows))
        assert uses == sorted(uses)


@given(rows(), st.text("012", min_size=9, max_size=9), st.integers(1, 5))
def test_no_window_has_a_lower_priority_than_the_chosen_one_nor_the_same_and_a_lower_cost(
    text: str, priorities: str, blocks: int
) -> None:
    candidates, free = row(text)
    candidates = [replace(each, priority=int(priorities[int(each.session_id)])) for each in candidates]

    def cost(window: list[int], policy: Policy) -> tuple[int, int]:
        pairs = [(int(priorities[place]), int(text[place])) for place in window]
        dearest = max(pairs, default=(-1, -1))
        return dearest if policy.combine == "max" else (dearest[0], sum(uses for _, uses in pairs))

    for policy in (LRU(), LFU()):
        ranked = [replace(each, uses=int(each.last_accessed)) for each in candidates]
        chosen = choose_window(ranked, free, size=blocks * 64, alignment=64, policy=policy)
        costs = []
        for i in range(len(text) - blocks + 1):
            window = [place for place in range(i, i + blocks) if text[place] != "."]
            if "#" not in text[i : i + blocks]:
                costs.append(cost(window, policy))
        if chosen is None:
            assert not costs
            continue
        places = list(map(int, chosen))
        assert cost(places, policy) == min(costs)
        assert places == sorted(places, key=lambda place: (priorities[place], text[place]))


def test_expired_are_those_that_went_unused_for_the_whole_time_oldest_first() -> None:
    candidates, _ = row("5312")
    ending = [replace(each, expires_at=each.last_accessed + 10.0) for each in candidates]
    assert choose_expired(ending, now=12.0) == ("2", "3")
    assert choose_expired(ending, now=10.5) == ()
    assert choose_expired(candidates, now=1e9) == ()
    assert choose_expired([], now=12.0) == ()


def at(place: int, **facts: Any) -> Candidate:
    return Candidate(str(place), Span(place * 64, 64), **{"last_accessed": 0.0, **facts})


@pytest.mark.parametrize(
    ("policy", "entries", "expected"),
    [
        pytest.param(LRU(), [at(0, last_accessed=2.0), at(1, last_accessed=1.0)], "1", id="lru-the-one-unused-longest"),
        pytest.param(
            TTL(), [at(0), at(1, expires_at=9.0), at(2, expires_at=5.0)], "2", id="ttl-the-one-that-ends-first"
        ),
        pytest.param(LFU(), [at(0, uses=9), at(1, uses=2, last_accessed=5.0)], "1", id="lfu-the-one-used-least-often"),
        pytest.param(RecomputeCost(), [at(0, tokens=9), at(1, tokens=2)], "1", id="cost-the-one-with-fewest-tokens"),
        pytest.param(
            RecomputeCost(half_life=10.0),
            [at(0, tokens=9), at(1, tokens=2, last_accessed=100.0)],
            "0",
            id="cost-a-long-one-that-nobody-uses-before-a-short-one-in-use",
        ),
        pytest.param(
            RecomputeCost(of_tokens=lambda tokens: float(tokens * tokens)),
            [at(0, tokens=10, last_accessed=0.0), at(1, tokens=11, last_accessed=5.0)],
            "0",
            id="cost-by-a-function-of-the-user",
        ),
    ],
)
def test_a_policy_says_who_can_be_spared(policy: Policy, entries: list[Candidate], expected: str) -> None:
    assert choose_window(entries, [], size=64, alignment=64, policy=policy, now=100.0) == (expected,)


def test_bytes_make_an_entry_cheaper_for_the_policy_of_recompute_cost() -> None:
    small, large = Candidate("small", Span(0, 64), 0.0, 10), Candidate("large", Span(64, 640), 0.0, 10)
    assert RecomputeCost().cost(large, 0.0) == pytest.approx(RecomputeCost().cost(small, 0.0) / 10)


@pytest.mark.parametrize("half_life", [pytest.param(n, id=f"half-life-{n}") for n in (0.0, -1.0, float("nan"))])
def test_a_half_life_is_finite_and_above_zero(half_life: float) -> None:
    with pytest.raises(InvalidSizeError):
        RecomputeCost(half_life=half_life)


@given(rows(), st.integers(1, 5))
def test_no_window_has_fewer_uses_than_the_one_by_lfu(text: str, blocks: int) -> None:
    candidates, free = row(text)
    candidates = [replace(each, uses=int(each.last_accessed)) for each in candidates]
    chosen = choose_window(candidates, free, size=blocks * 64, alignment=64, policy=LFU())
    windows = [
        sum(int(place) for place in text[i : i + blocks] if place != ".")
        for i in range(len(text) - blocks + 1)
        if "#" not in text[i : i + blocks]
    ]
    if chosen is None:
        assert not windows
    else:
        assert sum(int(text[int(name)]) for name in chosen) == min(windows)


def test_every_policy_has_a_name_to_be_called_by() -> None:
    assert {name: policy.name for name, policy in POLICIES.items()} == {name: name for name in POLICIES}
    assert set(POLICIES) == {"lru", "ttl", "lfu", "cost"}
