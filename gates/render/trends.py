"""Lay past results out for a terminal: gates over time, flaky tests, and what the quarantine should take or let go."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from gates.analysis.trends import CALM, OnBranch, Trend, wilson
from gates.render.text import duration, one_line, plural
from gates.render.times import precise

SHOWN = 15
"""Maximum lines of a list."""

BRANCHES = 5
"""Maximum branches of a test that are named."""

_SIGNS = {
    **dict.fromkeys(("passed", "xfailed", "xpassed"), "."),
    **dict.fromkeys(("failed", "error", "timeout", "crashed", "quarantined"), "F"),
    "flaky": "~",
    "skipped": "s",
    "excluded": "s",
}
"""Outcome → its letter in a line of recent outcomes."""


def listing(found: Sequence[Trend], runs: int) -> str:
    """All gates, and the tests that need a look."""
    if not runs:
        return "no finished run is recorded yet\n"
    gates, tests = [one for one in found if not one.test], [one for one in found if one.test]
    lines = [f"{plural(runs, 'run')} recorded", "", "Gates"]
    lines += [f"  {line}" for line in _table([_gate(one) for one in gates])]
    flaky = sorted((one for one in tests if one.flaked), key=lambda one: (-one.flaked, -one.last_failure))
    lines += _list(
        "Flaky tests: different outcomes for the same tree, or passed on a retry", [_flaky(one) for one in flaky]
    )
    failing = [one for one in tests if one.last in ("failed", "error", "timeout", "crashed")]
    lines += _list("Failed when they last ran", [f"{one_line(one.test)}: {_since(one)}" for one in failing])
    slow = sorted((one for one in tests if one.median), key=lambda one: -one.median)
    lines += _list("Slowest tests", [f"{_time(one)}  {one_line(one.test)}" for one in slow], 5)
    lines += _list("Candidates for the quarantine", [_candidate(one) for one in flaky if one.suggested])
    lines += _list("Quarantine entries that may leave", list(leaving(tests)))
    return "\n".join(lines) + "\n"


def of_test(found: Sequence[Trend]) -> str:
    """Everything about one test, in each of its gates."""
    lines: list[str] = []
    for one in found:
        lines += [""] if lines else []
        lines += [
            f"{one_line(one.test) or 'the gate'} in {one.gate}",
            f"  {recent(one)}  (the last run at the end: . passed, F failed, ~ flaky, s left out)",
            f"  {plural(one.runs, 'run')}, {one.failed} failed, {one.flaked} flaky: {_share(one)} of runs",
        ]
        lines += [f"  takes {_time(one)} when it passes"] if one.median else []
        lines += [f"  first failed {day(one.first_failure)}, last {day(one.last_failure)}"] if one.failed else []
        lines += [f"  last failure: {one_line(one.signature, 200)}"] if one.signature else []
        lines += [f"  last run: {one.last}{f' on {one_line(one.last_branch)}' if one.last_branch else ''}"]
        lines += (
            [f"  by branch: {', '.join(map(_on_branch, one.branches[:BRANCHES]))}"] if len(one.branches) > 1 else []
        )
    return "\n".join(lines) + "\n"


def leaving(tests: Sequence[Trend]) -> tuple[str, ...]:
    """Quarantine entries of which no test has failed for many runs."""
    entries: dict[str, list[Trend]] = {}
    for one in tests:
        if one.quarantine:
            entries.setdefault(one.quarantine, []).append(one)
    return tuple(
        f"{name}: no failure in the last {plural(min(one.calm for one in members), 'run')} of {plural(len(members), 'test')}"
        for name, members in entries.items()
        if min(one.calm for one in members) >= CALM
    )


def recent(one: Trend) -> str:
    """Its last outcomes, a letter each."""
    return letters(one.recent)


def letters(outcomes: Sequence[str]) -> str:
    """A letter for each outcome."""
    return "".join(_SIGNS.get(outcome, "?") for outcome in outcomes)


def _on_branch(one: OnBranch) -> str:
    return f"{one_line(one.branch) or 'no branch'} {one.failed} of {one.runs} failed"


def _gate(one: Trend) -> tuple[str, ...]:
    return one.gate, recent(one), f"{one.failed} of {plural(one.runs, 'run')} failed", _time(one)  # fmt: skip


def _flaky(one: Trend) -> str:
    return f"{recent(one)}  {one_line(one.test)}: {_share(one)} of {plural(one.runs, 'run')}"


def _candidate(one: Trend) -> str:
    why = f", {one_line(one.signature, 120)}" if one.signature else ""
    last = f", last on {day(one.last_failure)}" if one.last_failure else ""
    return f"{one_line(one.test)}: flaked {plural(one.flaked, 'time')} in {plural(one.runs, 'run')}: {_share(one)}{last}{why}"


def _time(one: Trend) -> str:
    return usual(one.median, one.spread, precise) if one.median else ""


def usual(median: float, spread: float, shown: Callable[[float], str] = duration) -> str:
    """A usual time: the median, and half of the middle half if it is known."""
    return f"{shown(median)} ± {shown(spread)}" if spread else shown(median)


def _since(one: Trend) -> str:
    return f"{one.failed} of {plural(one.runs, 'run')}, first {day(one.first_failure)}"


def _share(one: Trend) -> str:
    return rate(one.flaked, one.runs)


def rate(hits: int, number: int) -> str:
    """A share, with its 95% interval."""
    low, high = wilson(hits, number)
    return f"{hits / number if number else 0:.0%} ({low:.0%} to {high:.0%})"


def day(seconds: float) -> str:
    """The date of a moment."""
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%d}" if seconds > 0 else "never"


def _list(title: str, entries: Sequence[str], most: int = SHOWN) -> list[str]:
    more = len(entries) - most
    shown = [f"  {entry}" for entry in entries[:most]]
    return ["", title, *shown, *([f"  … and {more} more"] if more > 0 else [])] if entries else []


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
