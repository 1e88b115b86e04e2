"""A run against the runs before it, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gates.analysis.run_trends import Now, RunTrend
from gates.analysis.trends import fails
from gates.render.markup import cell, code, escape, inline, table
from gates.render.text import duration, one_line, plural
from gates.render.trends import SHOWN, day, letters, rate, usual
from gates.results import Run

_BARS = "▁▂▃▄▅▆▇█"
_GATES = ("Gate", "Now", "Usually", "Times", "Runs", "Failed before")


class Section(msgspec.Struct, frozen=True):
    """A list with its title; an entry is an id, and what is said about it."""

    title: str
    entries: tuple[tuple[str, str], ...]


def trend_terminal(run: Run, found: RunTrend) -> str:
    """The text for a terminal."""
    lines = [_title(run, found), ""]
    rows = [_GATES, *map(_gate, found.gates)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_GATES))]
    lines += ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    for section in _sections(found):
        shown = [f"  {one_line(name)}: {said}" for name, said in section.entries[:SHOWN]]
        lines += ["", section.title, *shown, *_more(section)]
    return "\n".join([*lines, "", _footnote(found)]) + "\n"


def trend_markdown(run: Run, found: RunTrend) -> str:
    """The same as Markdown."""
    rows = [
        (cell(name), inline(now), inline(usual), times, cell(runs), inline(failed))
        for name, now, usual, times, runs, failed in map(_gate, found.gates)
    ]
    lines = [f"## {escape(_title(run, found))}", "", *table(_GATES, rows)]
    for section in _sections(found):
        lines += [f"### {escape(section.title)}", ""]
        lines += [f"- {code(name)}: {inline(said)}" for name, said in section.entries[:SHOWN]]
        lines += [*(f"- {more.strip()}" for more in _more(section)), ""]
    return "\n".join([*lines, inline(_footnote(found))]) + "\n"


def sparkline(values: Sequence[float]) -> str:
    """A bar for each value, from zero to the largest."""
    most = max(values, default=0.0)
    if not most > 0:
        return _BARS[0] * len(values)
    return "".join(_BARS[min(len(_BARS) - 1, max(0, round(value / most * (len(_BARS) - 1))))] for value in values)


def _title(run: Run, found: RunTrend) -> str:
    before = f"against {plural(found.runs, 'run')} before it" if found.runs else "the first run that is recorded"
    return f"{one_line(run.project) or 'Run'} {run.id}, {run.outcome}, {before}"


def _footnote(found: RunTrend) -> str:
    if not found.slower:
        return "Times from the oldest run to this one. Intervals hold with 95%."
    return (
        "Times from the oldest run to this one. Intervals hold with 95%. One slow run proves nothing: "
        "gates compare BASE --timing-budget 2m"
    )


def _gate(one: Now) -> tuple[str, ...]:
    before = one.before
    now = f"{duration(one.seconds)}{'' if one.outcome == 'passed' else f' {one.outcome}'}"
    failed = f"{before.failed} of {before.runs}, {rate(before.failed, before.runs)}" if before.runs else "new"
    return (
        before.gate,
        now,
        usual(before.median, before.spread),
        sparkline(one.times),
        letters((*before.recent[-19:], one.outcome)),
        failed,
    )


def _sections(found: RunTrend) -> list[Section]:
    sections = [
        Section("Fails now, and passed before", tuple((one.before.test, _newly(one)) for one in found.newly)),
        Section("Still fails", tuple((one.before.test, _still(one)) for one in found.still)),
        Section("Slower than nearly always", tuple((one.before.test, _slower(one)) for one in found.slower)),
        Section("Flaky", tuple((one.before.test, _flaky(one)) for one in found.flaky)),
    ]
    return [section for section in sections if section.entries]


def _more(section: Section) -> list[str]:
    left = len(section.entries) - SHOWN
    return [f"  … and {left:,} more"] if left > 0 else []


def _newly(one: Now) -> str:
    before = one.before
    if not before.runs:
        return f"{one.outcome}, and is new"
    flaky = f"; flaky in {before.flaked} of them" if before.flaked else ""
    share = rate(before.failed, before.runs)
    return f"{one.outcome}; failed in {before.failed} of {plural(before.runs, 'run')} before: {share}{flaky}"


def _still(one: Now) -> str:
    elsewhere = [other for other in one.before.branches if other.failed][:3]
    on = ", ".join(f"{one_line(other.branch) or 'no branch'} {other.failed} of {other.runs}" for other in elsewhere)
    return f"{plural(one.failing + 1, 'run')} in a row, since {day(one.since)} (by branch: {on})"


def _slower(one: Now) -> str:
    return f"{duration(one.seconds)}, usually {usual(one.before.median, one.before.spread)}  {sparkline(one.times)}"


def _flaky(one: Now) -> str:
    before = one.before
    now = "" if fails(one.outcome) or one.outcome == "flaky" else ", not now"
    share = rate(before.flaked, before.runs)
    return f"{letters((*before.recent, one.outcome))} flaked in {before.flaked} of {plural(before.runs, 'run')}: {share}{now}"
