"""Plan the turns in which candidates are re-timed within a budget."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

import msgspec

from gates.compare.timing.changes import DEFAULTS, FEWEST_PAIRS, Suspect, TimingSettings
from gates.compare.timing.statistics import fewest_pairs

Side = Literal["base", "head"]


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a timing: these tests, on one side, in a new process.

    Attributes:
        round: from 1; each round has a turn on both sides, and gives each of its tests a pair. Round 0 warms up caches,
            and its times are discarded.
        side: which of the two subjects.
        tests: ids, in the order of the candidates.
    """

    round: int
    side: Side
    tests: tuple[str, ...]


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """The turns of a timing, fixed before the first of them.

    The clock may end it early, between two rounds; its p-values may not. Checking them after each round, until one is
    small enough, would find a false change sooner or later, and the budget is known from the start: so the number of
    pairs is chosen once, and the result is checked once.

    Attributes:
        turns: in order.
        pairs: of each test that is timed.
        left_out: candidates that do not fit into the budget; they get no verdict.
        seconds: what all turns are expected to take.
    """

    turns: tuple[Turn, ...] = ()
    pairs: dict[str, int] = {}
    left_out: tuple[str, ...] = ()
    seconds: float = 0.0


def plan(
    found: Sequence[Suspect],
    budget: float,
    *,
    overhead: float = 0.0,
    seed: int = 0,
    settings: TimingSettings = DEFAULTS,
) -> Schedule:
    """Lay out the rounds that fit into the budget.

    First the candidates that do not fit even alone are dropped; then the last ones, until each of the others gets its least
    number of pairs. The rest of the budget is shared in equal times: cheap tests reach `pairs` and leave the rest of
    their share to the expensive ones.

    Args:
        found: the candidates, the most suspicious first.
        budget: seconds.
        overhead: seconds that each turn takes besides its tests.
        seed: for the order of sides.
        settings: only `pairs`, `least_pairs` and `alpha` are used.
    """
    fitting = [candidate for candidate in found if _share([candidate], budget, overhead, settings)]
    timed, pairs = _longest(fitting, budget, overhead, settings)
    turns = _turns(pairs, seed)
    seconds = sum(candidate.seconds * (pairs[candidate.test] + 1) for candidate in timed)
    return Schedule(
        turns=turns,
        pairs=pairs,
        left_out=tuple(candidate.test for candidate in found if candidate.test not in pairs),
        seconds=seconds + overhead * len(turns),
    )


def enough_for(found: Sequence[Suspect], overhead: float, settings: TimingSettings = DEFAULTS) -> float:
    """Seconds with which each of the candidates gets its least number of pairs.

    Args:
        found: the candidates.
        overhead: seconds that each turn takes besides its tests.
        settings: as in `plan`.
    """
    rounds = _least(found, settings) + 1
    return rounds * (2 * overhead + sum(candidate.seconds for candidate in found))


def _least(found: Sequence[Suspect], settings: TimingSettings) -> int:
    return max(settings.least_pairs, FEWEST_PAIRS, fewest_pairs(settings.alpha / len(found)))


def _longest(
    fitting: Sequence[Suspect], budget: float, overhead: float, settings: TimingSettings
) -> tuple[Sequence[Suspect], dict[str, int]]:
    """As many of the first candidates as can be timed together, with their pairs."""
    low, high = 0, len(fitting)
    while low < high:
        middle = (low + high + 1) // 2
        if _share(fitting[:middle], budget, overhead, settings):
            low = middle
        else:
            high = middle - 1
    return fitting[:low], _share(fitting[:low], budget, overhead, settings)


def _share(found: Sequence[Suspect], budget: float, overhead: float, settings: TimingSettings) -> dict[str, int]:
    """The pairs of each, with the smallest number as large as possible; empty if some get too few."""
    if not found:
        return {}
    least = _least(found, settings)
    cheapest_first = sorted(found, key=lambda candidate: candidate.seconds)
    once = sum(candidate.seconds for candidate in found)
    best: dict[str, int] = {}
    for rounds in range(least, max(least, settings.pairs) + 1):
        shared = _filled(cheapest_first, budget - 2 * overhead * (rounds + 1) - once, rounds)
        # More rounds cost more overhead, which is taken from the most expensive tests.
        if min(shared.values()) >= max(least, min(best.values(), default=0)):
            best = shared
    return {candidate.test: best[candidate.test] for candidate in found if best}


def _filled(cheapest_first: Sequence[Suspect], seconds: float, rounds: int) -> dict[str, int]:
    """Pairs by equal shares of the time; each candidate leaves what it does not need to the more expensive ones."""
    pairs = {}
    for position, candidate in enumerate(cheapest_first):
        share = seconds / (len(cheapest_first) - position)
        fits = rounds if candidate.seconds * rounds <= share else int(share // candidate.seconds)
        pairs[candidate.test] = max(0, fits)
        seconds -= pairs[candidate.test] * candidate.seconds
    return pairs


def _turns(pairs: dict[str, int], seed: int) -> tuple[Turn, ...]:
    """Half of the rounds begin with the base, half with the head, shuffled.

    Like ABBA, this cancels a steady drift exactly. Unlike ABBA, it makes the sign of each pair a fair coin
    toss: if nothing changed, no rhythm of the machine and no memory of its noise can follow the sides (Fisher, "The
    Design of Experiments", 1935, chapter 2). Noise with memory makes ABBA's pairs alike, and its p-values too small.
    """
    rounds = max(pairs.values(), default=0)
    first: list[Side] = ["base", "head"] * ((rounds + 1) // 2)
    random.Random(seed).shuffle(first)  # noqa: S311 - an order, no secret
    turns = []
    for number, side in enumerate(["base", *first[:rounds]] if rounds else []):
        tests = tuple(test for test, count in pairs.items() if count >= number)
        other: Side = "head" if side == "base" else "base"
        turns += [Turn(round=number, side=side, tests=tests), Turn(round=number, side=other, tests=tests)]
    return tuple(turns)
