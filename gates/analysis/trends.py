"""What past results of a test show: how often it fails and flakes, how long it takes, since when. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import msgspec

from gates.results.past import PastResult

CALM = 20
"""Runs in a row without a failure after which a quarantine entry may leave."""

FLAKES = 2
"""How often a test must have flaked to be suggested for the quarantine."""

_PASSES = frozenset({"passed", "xfailed", "xpassed"})
_FAILS = frozenset({"failed", "error", "timeout", "crashed", "quarantined"})
_FLAKY = "flaky"


class Trend(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A test over several runs, or a gate, if `test` is empty.

    Attributes:
        gate: its gate.
        test: its id.
        runs: in which it ran to an end.
        failed: in how many of them it failed.
        flaked: in how many it passed only on a retry, or failed although it also passed on the same tree.
        flake_low: lower end of the 95% interval of the share of runs in which it flakes (Wilson score).
        flake_high: its upper end.
        median: of its seconds when it passed; 0 if it never did.
        spread: half of the middle half of these seconds.
        first_failure: when it first failed, in seconds since the epoch; 0 for never.
        last_failure: when it last failed.
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


def trends(results: Iterable[PastResult], recent: int = 20) -> tuple[Trend, ...]:
    """The trend of each gate and each test, in the order in which they first appear.

    Args:
        results: the oldest run first.
        recent: how many last outcomes are kept.
    """
    groups: dict[tuple[str, str], list[PastResult]] = {}
    for one in results:
        groups.setdefault((one.gate, one.test), []).append(one)
    return tuple(_trend(gate, test, members, recent) for (gate, test), members in groups.items())


def _trend(gate: str, test: str, all_: Sequence[PastResult], recent: int) -> Trend:
    ran = [one for one in all_ if one.outcome in _PASSES or one.outcome in _FAILS or one.outcome == _FLAKY]
    passing = {one.tree for one in ran if one.outcome in _PASSES or one.outcome == _FLAKY}
    failed = [one for one in ran if one.outcome in _FAILS]
    flaked = [one for one in ran if one.outcome == _FLAKY or (one.outcome in _FAILS and one.tree in passing)]
    seconds = [one.seconds for one in ran if one.outcome in _PASSES]
    low, high = wilson(len(flaked), len(ran))
    bad = [number for number, one in enumerate(ran) if one.outcome not in _PASSES]
    signatures = [one.signature for one in ran if one.signature]
    return Trend(
        gate=gate,
        test=test,
        runs=len(ran),
        failed=len(failed),
        flaked=len(flaked),
        flake_low=low,
        flake_high=high,
        median=statistics.median(seconds) if seconds else 0.0,
        spread=_spread(seconds),
        first_failure=failed[0].started if failed else 0.0,
        last_failure=failed[-1].started if failed else 0.0,
        last=all_[-1].outcome,
        last_branch=all_[-1].branch,
        calm=len(ran) - (bad[-1] + 1 if bad else 0),
        signature=signatures[-1] if signatures else "",
        quarantine=all_[-1].quarantine,
        recent=tuple(one.outcome for one in all_[-recent:]),
    )


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
