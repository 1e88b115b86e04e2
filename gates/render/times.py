"""The part of a summary about times on both sides of a comparison."""

from __future__ import annotations

from collections import Counter

from gates.compare.values import Comparison, GateTimes, Timing, TimingChange
from gates.portable.values import GateOutcome
from gates.render.text import duration, plural

SLOWER = "slower"
"""Verdict and words of the most important results."""

VERDICTS = (SLOWER, "inconclusive", "faster", "same")
"""Verdicts of timing, the most important first."""

STALE = 60.0
"""If the base ended this many seconds before the head began, its age is shown."""


def time_rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    """The time of each gate, in one run of each side."""
    age = f", measured {duration(comparison.base_age)} earlier" if comparison.base_age >= STALE else ""
    return [
        (
            f"Time of {times.gate}",
            _time(times.base_seconds, times.base_outcome, age),
            _time(times.head_seconds, times.head_outcome, _difference(times)),
        )
        for times in comparison.gate_times
    ]


def _time(seconds: float | None, outcome: str, note: str) -> str:
    if seconds is None:
        return "not run"
    state = f" ({outcome})" if outcome and outcome != GateOutcome.PASSED.value else ""
    return f"{duration(seconds)}{state}{note}"


def timing_rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    """What became slower or faster; if nothing was timed, a hint how to do that."""
    timing = comparison.timing
    if timing is None:
        if not comparison.suspects:
            return []
        plural_of = plural(comparison.suspects, "suspect")
        return [("Times", "-", f"{plural_of} in one run each, which proves nothing: --timing-budget 2m re-times them")]
    kinds: Counter[str] = Counter(change.verdict for change in timing.changes)
    shown = [f"{kinds[verdict]} {verdict}" for verdict in VERDICTS if kinds[verdict]]
    shown += [f"{len(timing.left_out)} beyond the budget"] if timing.left_out else []
    timed = (
        f"{len(timing.changes)} re-timed in up to {plural(timing.rounds, 'pair')}"
        if timing.changes
        else "none re-timed"
    )
    return [("Times", "-", f"{', '.join(shown) or 'no suspects'} ({timed}, {duration(timing.seconds)})")]


def timing_lists(timing: Timing | None) -> list[tuple[str, tuple[str, ...]]]:
    """Slower ones first; `inconclusive` ones with how many pairs are needed."""
    if timing is None:
        return []
    found = []
    for verdict in VERDICTS:
        changes = [change for change in timing.changes if change.verdict == verdict]
        if changes:
            words = f"not slower or faster by more than {timing.threshold:.0%}" if verdict == "same" else verdict
            found.append((words, tuple(map(_timed, changes))))
    if timing.left_out:
        found.append(("beyond the timing budget", timing.left_out))
    return found


def _timed(change: TimingChange) -> str:
    if change.ratio is None or change.low is None or change.high is None:
        return f"{change.test}: never timed on both sides"
    change_words = f"{percent(change.ratio)} ({percent(change.low)} to {percent(change.high)})"
    sides = f"{precise(change.base_seconds)} → {precise(change.head_seconds)}"
    needed = ""
    if change.verdict == "inconclusive" and change.pairs_needed is not None:
        needed = f"; {plural(change.pairs_needed, 'pair')} would be needed"
    return (
        f"{change.test}: {change_words}, {sides}, {plural(change.pairs, 'pair')}, p = {change.adjusted_p:.2g}{needed}"
    )


def percent(ratio: float) -> str:
    """A ratio as a change: 1.1 is +10.0%."""
    return f"{100 * (ratio - 1):+.1f}%"


def precise(seconds: float | None) -> str:
    """A time, with milliseconds if it is short."""
    if seconds is None:
        return "?"
    return duration(seconds) if seconds >= 1 else f"{1000 * seconds:.3g}ms"


def _difference(times: GateTimes) -> str:
    if not times.base_seconds or times.head_seconds is None:
        return ""
    change = round(100 * (times.head_seconds / times.base_seconds - 1))
    return f", {change:+d}% in one run each"
