"""Which tests became slower or faster, judged from times taken in turns.

Nothing is said from the two runs that were compared: they only name `find_suspects`. These are timed again, in pairs
(in the order of `gates.compare.timing.schedule`), and `classify_changes` uses only the new times. See docs/explanation/timing.md.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import median
from typing import Literal

import msgspec

from gates.compare.timing.statistics import (
    RESOLUTION,
    Bootstrapped,
    bootstrap,
    detectable,
    fewest_pairs,
    finite_pairs,
    holm,
    log_ratios,
    pairs_for,
    shift,
    signed_rank,
)
from gates.compare.values import TimingChange

FEWEST_PAIRS = 10
"""Minimum number of pairs for a verdict: intervals of fewer pairs cover less than they claim."""

_ENOUGH_FOR_DRIFT = 20


class TimingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How times are compared.

    Attributes:
        alpha: how often a whole comparison in which nothing changed may call any test slower or faster.
        threshold: changes up to this fraction do not matter: 0.05 is 5%, and 1 / 1.05 downward.
        effect: a slowdown that should be found; `pairs_needed` refers to it.
        power: how often it should be found.
        confidence: of the intervals.
        resamples: of the bootstrap.
        candidate: tests whose recorded times differ by more than this fraction are re-timed.
        floor: seconds by which they must also differ: smaller differences are noise of the machine.
        pairs: how often a test is timed on both sides, if the budget allows it.
        least_pairs: a test is left out rather than timed less often than this.
    """

    alpha: float = 0.01
    threshold: float = 0.05
    effect: float = 0.10
    power: float = 0.80
    confidence: float = 0.95
    resamples: int = 2000
    candidate: float = 0.20
    floor: float = 0.01
    pairs: int = 65
    least_pairs: int = 20


DEFAULTS = TimingSettings()


class Suspect(msgspec.Struct, frozen=True, kw_only=True):
    """A test whose recorded times differ.

    Attributes:
        test: its id.
        direction: whether it seems slower or faster.
        size: by how much, as a log ratio above 0.
        seconds: what one pair of it takes.
    """

    test: str
    direction: Literal["slower", "faster"]
    size: float
    seconds: float


def find_suspects(
    base: Mapping[str, float],
    head: Mapping[str, float],
    settings: TimingSettings = DEFAULTS,
    asked: Collection[str] = (),
) -> tuple[Suspect, ...]:
    """Tests worth re-timing: requested ones, then those that seem slower, the largest change first.

    A run as a whole is slower than another if the machine was busy. Ratios are checked both as they are and without
    the median ratio of all tests, so that neither a busy base hides a slowdown nor a busy head makes it look small.

    Args:
        base: seconds of each test; the median, if there are several.
        head: the same for the head.
        settings: only `candidate` and `floor` are used.
        asked: tests that are always re-timed.
    """
    both = [test for test in head if _usable(head[test]) and test in base and _usable(base[test])]
    ratios = {test: log_ratios([(base[test], head[test])])[0] for test in both}
    drift = median(ratios.values()) if len(ratios) >= _ENOUGH_FOR_DRIFT else 0.0
    found = []
    for test, ratio in ratios.items():
        up, down = max(ratio, ratio - drift), min(ratio, ratio - drift)
        size = up if up > math.log1p(settings.candidate) else -down
        # If the drift was removed, so is its part of the seconds.
        apart = max(RESOLUTION, min(base[test], head[test])) * math.expm1(abs(size))
        if test in asked or (size > math.log1p(settings.candidate) and apart > settings.floor):
            direction: Literal["slower", "faster"] = "slower" if size == up else "faster"
            seconds = base[test] + head[test]
            found.append(Suspect(test=test, direction=direction, size=size, seconds=seconds))
    return tuple(sorted(found, key=lambda one: (one.test not in asked, one.direction != "slower", -one.size)))


def _usable(seconds: float) -> bool:
    return math.isfinite(seconds) and seconds >= 0


def classify_changes(
    samples: Mapping[str, tuple[Sequence[float], Sequence[float]]], settings: TimingSettings = DEFAULTS
) -> tuple[TimingChange, ...]:
    """Judge each test by its times, in the order of the samples.

    The times that made a test a candidate must not be included: on new times, a candidate is like any
    other test, so it is enough to correct for the number of re-timed tests. On the old times all tests of
    the two runs would have to count, because chance selected the candidates.

    Args:
        samples: test → its times on base and on head, in seconds; the n-th of both are a pair. A round that gave no time
            is NaN; extra values on one side are ignored. Tests without a pair are inconclusive and not counted.
        settings: levels and thresholds.
    """
    pairs = {test: finite_pairs(*sides) for test, sides in samples.items()}
    values = {test: signed_rank(log_ratios(found)) for test, found in pairs.items() if found}
    adjusted = holm(values)
    return tuple(
        _change(test, pairs[test], (values[test], adjusted[test]), len(values), settings)
        if test in values
        else TimingChange(test=test, verdict="inconclusive", pairs=0, confidence=settings.confidence, timed=len(values))
        for test in samples
    )


def _change(
    test: str, pairs: list[tuple[float, float]], values: tuple[float, float], timed: int, settings: TimingSettings
) -> TimingChange:
    differences = log_ratios(pairs)
    moved = shift(differences)
    around = bootstrap(differences, settings.confidence, settings.resamples)
    level = settings.alpha / timed
    enough = len(pairs) >= max(FEWEST_PAIRS, fewest_pairs(level))
    threshold = math.log1p(settings.threshold)
    return TimingChange(
        test=test,
        verdict=_verdict(moved, around, values[1], settings) if enough else "inconclusive",
        pairs=len(pairs),
        base_seconds=median(before for before, _ in pairs),
        head_seconds=median(after for _, after in pairs),
        ratio=math.exp(moved),
        low=math.exp(around.low),
        high=math.exp(around.high),
        confidence=settings.confidence,
        p=values[0],
        adjusted_p=values[1],
        timed=timed,
        detectable=math.exp(detectable(around.error, level, settings.power, threshold)) if enough else None,
        pairs_needed=_needed(around.error, len(pairs), level, settings) if len(pairs) > 1 else None,
    )


def _verdict(
    moved: float, around: Bootstrapped, adjusted: float, settings: TimingSettings
) -> Literal["slower", "faster", "same", "inconclusive"]:
    threshold = math.log1p(settings.threshold)
    if adjusted < settings.alpha and abs(moved) > threshold:
        return "slower" if moved > 0 else "faster"
    if -threshold <= around.low and around.high <= threshold:
        return "same"
    return "inconclusive"


def _needed(error: float, pairs: int, level: float, settings: TimingSettings) -> int:
    needed = pairs_for(
        error,
        pairs,
        effect=math.log1p(settings.effect),
        threshold=math.log1p(settings.threshold),
        level=level,
        power=settings.power,
        confidence=settings.confidence,
    )
    return max(FEWEST_PAIRS, needed)
