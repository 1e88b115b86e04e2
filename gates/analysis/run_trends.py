"""A run against the runs before it: what takes longer than usual, what fails now and since when, what flakes. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gates.analysis.trends import Trend, fails, grouped, passes, trend_of, usual_seconds
from gates.results import Run, TestResult
from gates.results.past import PastResult

ENOUGH = 5
"""Passes before this run, without which there is no usual time."""

WORTH_IT = 0.2
LEAST = 0.01
"""A test that takes more than this share, and more than so many seconds, longer than its median may be slower than usual."""


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """A gate or a test in this run, and before.

    Attributes:
        outcome: in this run.
        seconds: in this run.
        before: in the runs before it; no run at all if it is new.
        failing: in how many runs in a row before this one it failed.
        since: when the first of these began; 0 if there is none.
        times: its seconds in the last runs that passed, this one last.
    """

    outcome: str
    seconds: float
    before: Trend
    failing: int = 0
    since: float = 0.0
    times: tuple[float, ...] = ()


class RunTrend(msgspec.Struct, frozen=True, kw_only=True):
    """What the history shows about a run.

    Attributes:
        runs: how many runs before it are looked at.
        gates: each of its gates.
        newly: tests that fail in it and passed when they last ran, or are new.
        still: tests that fail in it and failed before.
        slower: tests that passed, and took longer than nearly always.
        flaky: tests of it that flaked before, or in it.
    """

    runs: int
    gates: tuple[Now, ...] = ()
    newly: tuple[Now, ...] = ()
    still: tuple[Now, ...] = ()
    slower: tuple[Now, ...] = ()
    flaky: tuple[Now, ...] = ()


def run_trend(run: Run, tests: Sequence[TestResult], past: Iterable[PastResult]) -> RunTrend:
    """Compare a run with the results before it.

    Args:
        run: the run.
        tests: its tests.
        past: results of runs before it, those of a gate or a test together; of each, the oldest run first.
    """
    now = {(gate.name, ""): (str(gate.outcome), gate.duration) for gate in run.gates}
    now |= {(test.gate, test.id): (str(test.outcome), test.duration) for test in tests}
    found: dict[tuple[str, str], Now] = {}
    runs: set[str] = set()
    for members in grouped(past):
        runs.update(one.run for one in members)
        key = members[0].gate, members[0].test
        if key in now:
            found[key] = _now(*now[key], members)
    new = {
        key: Now(outcome=outcome, seconds=seconds, before=Trend(gate=key[0], test=key[1]), times=(seconds,))
        for key, (outcome, seconds) in now.items()
        if key not in found
    }
    return _sorted(len(runs), {key: (found.get(key) or new[key]) for key in now})


def _now(outcome: str, seconds: float, members: Sequence[PastResult]) -> Now:
    ended = [one for one in members if passes(one.outcome) or fails(one.outcome) or one.outcome == "flaky"]
    failing = next((place for place, one in enumerate(reversed(ended)) if not fails(one.outcome)), len(ended))
    return Now(
        outcome=outcome,
        seconds=seconds,
        before=trend_of(members),
        failing=failing,
        since=ended[-failing].started if failing else 0.0,
        times=(*usual_seconds(members)[-19:], seconds) if passes(outcome) else tuple(usual_seconds(members)[-20:]),
    )


def _sorted(runs: int, all_: Mapping[tuple[str, str], Now]) -> RunTrend:
    tests = [one for (_, test), one in all_.items() if test]
    failing = [one for one in tests if fails(one.outcome) and one.outcome != "quarantined"]
    slower = [one for one in tests if passes(one.outcome) and is_slower(one.seconds, one.times[:-1])]
    flaky = [one for one in tests if one.before.flaked or one.outcome == "flaky"]
    return RunTrend(
        runs=runs,
        gates=tuple(one for (_, test), one in all_.items() if not test),
        newly=tuple(one for one in failing if not one.failing),
        still=tuple(sorted((one for one in failing if one.failing), key=lambda one: one.since)),
        slower=tuple(sorted(slower, key=lambda one: one.before.median - one.seconds)),
        flaky=tuple(sorted(flaky, key=lambda one: (-one.before.flaked, one.before.test))),
    )


def is_slower(seconds: float, before: Sequence[float]) -> bool:
    """Whether a time is far outside the earlier ones (Tukey's outer fence), and by enough to matter."""
    if len(before) < ENOUGH:
        return False
    low, median, high = statistics.quantiles(before, n=4, method="inclusive")
    return seconds > high + 3 * (high - low) and seconds > max((1 + WORTH_IT) * median, median + LEAST)
