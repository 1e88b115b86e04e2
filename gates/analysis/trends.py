"""What past results of a test show: how often it fails and flakes, how long it takes, since when. Pure."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

import msgspec

from gates.results.past import PastResult

CALM = 20
"""Runs in a row without a failure after which a quarantine entry may leave."""

FLAKES = 2
"""How often a test must have flaked to be suggested for the quarantine."""

_PASSES = frozenset({"passed", "xfailed", "xpassed"})
_FAILS = frozenset({"failed", "error", "timeout", "crashed", "quarantined"})
_FLAKY = "flaky"


class OnBranch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A test or a gate on one branch.

    Attributes:
        branch: its name; empty for none, as with a detached HEAD.
        runs: in which it ran to an end there.
        failed: in how many of them it failed.
    """

    branch: str = ""
    runs: int = 0
    failed: int = 0


class Trend(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A test over several runs, or a gate, if `test` is empty.

    Attributes:
        gate: its gate.
        test: its id.
        runs: in which it ran to an end.
        failed: in how many of them it failed.
        flaked: in how many it passed only on a retry, or failed although it also passed on the same tree, with the same Python
            (a gate also: with the same profile).
        flake_low: lower end of the 95% interval of the share of runs in which it flakes (Wilson score).
        flake_high: its upper end.
        median: of its seconds when it passed; 0 if it never did. Those of a gate are of the profile of its last run.
        spread: half of the middle half of these seconds.
        first_failure: when it first failed, in seconds since the epoch; 0 for never.
        last_failure: when it last failed.
        branches: on which branches it ran, the one of the last run first.
        last: its last outcome.
        last_branch: on which branch that was.
        calm: runs since its last failure or flake.
        signature: of its last failure.
        quarantine: the entry that matched it last.
        recent: its last outcomes, the oldest first.
    """

    gate: str
    test: str = ""
    runs: int = 0
    failed: int = 0
    flaked: int = 0
    flake_low: float = 0.0
    flake_high: float = 0.0
    median: float = 0.0
    spread: float = 0.0
    first_failure: float = 0.0
    last_failure: float = 0.0
    branches: tuple[OnBranch, ...] = ()
    last: str = ""
    last_branch: str = ""
    calm: int = 0
    signature: str = ""
    quarantine: str = ""
    recent: tuple[str, ...] = ()

    @property
    def suggested(self) -> bool:
        """Whether it flaked often enough for the quarantine, and is not there."""
        return self.flaked >= FLAKES and not self.quarantine


def trends(results: Iterable[PastResult], recent: int = 20) -> Iterator[Trend]:
    """The trend of each gate and each test, one after another, so that no more than the results of one are in memory.

    Args:
        results: those of a gate or a test together; of each, the oldest run first.
        recent: how many last outcomes are kept.
    """
    for members in grouped(results):
        yield trend_of(members, recent)


def grouped(results: Iterable[PastResult]) -> Iterator[list[PastResult]]:
    """The results of each gate or test."""
    for _, members in groupby(results, attrgetter("gate", "test")):
        yield list(members)


def ran(one: PastResult) -> bool:
    """Whether it came to an end of its own: it was not skipped, lost or interrupted."""
    return passes(one.outcome) or fails(one.outcome) or one.outcome == _FLAKY


def passes(outcome: str) -> bool:
    """Whether an outcome is what was wanted, at once."""
    return outcome in _PASSES


def fails(outcome: str) -> bool:
    """Whether an outcome is a failure, forgiven or not."""
    return outcome in _FAILS


def trend_of(all_: Sequence[PastResult], recent: int = 20) -> Trend:
    """The trend of one gate or test, from its results, the oldest first; there is at least one."""
    ended = [one for one in all_ if ran(one)]
    passing = {one.conditions for one in ended if not fails(one.outcome)}
    failed = [one for one in ended if fails(one.outcome)]
    flaked = [
        one
        for one in ended
        if one.outcome == _FLAKY or (fails(one.outcome) and one.conditions and one.conditions in passing)
    ]
    seconds = usual_seconds(all_)
    low, high = wilson(len(flaked), len(ended))
    bad = [number for number, one in enumerate(ended) if not passes(one.outcome)]
    signatures = [one.signature for one in ended if one.signature]
    return Trend(
        gate=all_[-1].gate,
        test=all_[-1].test,
        runs=len(ended),
        failed=len(failed),
        flaked=len(flaked),
        flake_low=low,
        flake_high=high,
        median=statistics.median(seconds) if seconds else 0.0,
        spread=_spread(seconds),
        first_failure=failed[0].started if failed else 0.0,
        last_failure=failed[-1].started if failed else 0.0,
        branches=_branches(ended),
        last=all_[-1].outcome,
        last_branch=all_[-1].branch,
        calm=len(ended) - (bad[-1] + 1 if bad else 0),
        signature=signatures[-1] if signatures else "",
        quarantine=all_[-1].quarantine,
        recent=tuple(one.outcome for one in all_[-recent:]),
    )


def usual_seconds(results: Sequence[PastResult]) -> list[float]:
    """What it took when it passed; a gate: with the profile of its last run, because others may run other tests."""
    profile = results[-1].profile if results and not results[-1].test else None
    return [
        one.seconds for one in results if passes(one.outcome) and (not one.profile or profile in (None, one.profile))
    ]


def rolling(values: Sequence[float], window: int) -> list[tuple[float, float, float]]:
    """For each value, the lower quartile, the median and the upper quartile of the values around it.

    Args:
        values: in order.
        window: how many values are around it, itself included; fewer at the ends.
    """
    half = window // 2
    found = []
    for place in range(len(values)):
        near = values[max(0, place - half) : place + half + 1]
        low, middle, high = statistics.quantiles(near, n=4, method="inclusive") if len(near) > 1 else (near[0],) * 3
        found.append((low, middle, high))
    return found


def _branches(ended: Sequence[PastResult]) -> tuple[OnBranch, ...]:
    runs = Counter(one.branch for one in ended)
    failed = Counter(one.branch for one in ended if fails(one.outcome))
    latest = dict.fromkeys(one.branch for one in reversed(ended))
    return tuple(OnBranch(branch=name, runs=runs[name], failed=failed[name]) for name in latest)


def _spread(seconds: Sequence[float]) -> float:
    if len(seconds) < 2:
        return 0.0
    low, _, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return (high - low) / 2


def wilson(hits: int, number: int, z: float = 1.959964) -> tuple[float, float]:
    """The interval of a share by its score (Wilson, 1927): it stays between 0 and 1, and is sensible for few runs.

    Args:
        hits: how often it happened.
        number: out of how many.
        z: quantile of the normal distribution: 1.96 for 95%.
    """
    if not number:
        return 0.0, 1.0
    share, square = hits / number, z * z / number
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * ((share * (1 - share) / number + square / (4 * number)) ** 0.5)
    return max(0.0, middle - half), min(1.0, middle + half)
