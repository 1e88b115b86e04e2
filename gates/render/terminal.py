"""Lay a summary out for a terminal, or for a log of a CI system: the gates, what failed, the counts, the verdict.

rich is imported where it is used: it costs more than the rest of the program's start.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

import msgspec

from gates.compare.values import Comparison
from gates.portable.settings.run import Settings
from gates.portable.values import BAD_TESTS, LEVELS
from gates.render.comparison import FAILURES, ComparisonView, comparison_view
from gates.render.filters import leaf_lines
from gates.render.live import final_lines, shows
from gates.render.reasons import SILENT
from gates.render.summary import GateRow, Summary, summarise
from gates.render.tests import FailureRow
from gates.render.text import clean, duration, one_line
from gates.render.weakenings import weakening_lines
from gates.results import Run, TestResult
from gates.results.files import PAGE_FILE

if TYPE_CHECKING:
    from rich.console import Console


SHOWN_FAILURES = 20
"""Maximum number of failures; the summary file has more."""

SHOWN_REASONS = 5
"""Maximum reasons of skipped tests."""

SHOWN_WARNINGS = 3
"""Maximum number of kinds of warnings; the summary file has more."""

ON_BASE = " (also on the base)"
"""Suffix of a test whose failure is not the head's fault."""


class Log(msgspec.Struct, frozen=True):
    """The form of output without a terminal: plain lines of any length, even with FORCE_COLOR."""

    file: TextIO
    is_terminal: bool = False

    @property
    def encoding(self) -> str:
        """The stream's; a stream without one takes any text."""
        return self.file.encoding or "utf-8"


def terminal_console(stream: TextIO | None = None, color: str = "auto") -> Console | Log:
    """A console for `stream`: rich's on a terminal, plain lines elsewhere.

    Args:
        stream: where it writes.
        color: one of `COLORS`; `always` takes any stream for a terminal.
    """
    target = sys.stdout if stream is None else stream
    if color != "always" and not target.isatty():
        return Log(target)
    from rich.console import Console

    if color == "always":
        return Console(file=target, highlight=False, force_terminal=True, no_color=False, color_system="standard")
    return Console(file=target, highlight=False, color_system=None if color == "never" else "auto")


def render_terminal(
    run: Run,
    tests: Sequence[TestResult],
    console: Console | Log,
    comparison: Comparison | None = None,
    output: Settings | None = None,
) -> None:
    """Print the summary. Lines of a log are never wrapped, even in a narrow console."""
    summary = summarise(run, tests, comparison)
    output = output or Settings()
    for line in final_lines(tests, output):
        _print(console, "\n".join([f"{line.word} {line.text}", *line.below]), line.style)
    view = summary.comparison
    for lines in (
        weakening_lines(view.weaker, view.hints) if view is not None else [],
        _failures(summary, output),
        _reasons(summary),
        _warnings(summary),
        leaf_lines(summary.leaves),
        _tests(summary),
        [*_compared(view), *_pressing(view)] if view is not None else [],
    ):
        if lines:
            _print(console, "\n".join(lines) + "\n")
    if isinstance(console, Log) or not console.is_terminal:
        _print(console, "\n".join(_plain_table(summary.gates)))
    else:
        _table(summary.gates, console)
    _print(console, "")
    if run.reports and not summary.verdict.passed:
        _print(console, f"All of it: {one_line(run.reports)}/{PAGE_FILE}")
    _print(console, f"{summary.verdict.word}: {summary.verdict.sentence}", _colour(summary))


def _print(console: Console | Log, text: str, style: str = "") -> None:
    encoding = console.encoding or "utf-8"
    # A stream that cannot show a character shows its number: a summary must not end in a traceback.
    shown = clean(text).encode(encoding, "backslashreplace").decode(encoding)
    if isinstance(console, Log):
        console.file.write(f"{shown}\n")
        return
    from rich.text import Text

    console.print(Text(shown, style=style), soft_wrap=True)


def _colour(summary: Summary) -> str:
    if summary.comparison is not None and summary.comparison.excused:
        return "bold yellow"  # no pass, and no fault of the head's
    return "bold green" if summary.verdict.passed else "bold red"


def _failures(summary: Summary, output: Settings) -> list[str]:
    """The lists behind all tests: failures, flaky, slow and leaky tests, as far as the level goes."""
    tests = summary.tests
    if tests is None:
        return []
    most = LEVELS.index(output.final_status_level)
    final = shows(output.failure_output, "final")
    lists = {
        "fail": [_failure(each) for each in tests.failures if not (final and each.outcome in BAD_TESTS)],
        "flaky": [[f"FLAKY {each.id}: {each.words}"] for each in tests.flaky],
        "slow": [[f"SLOW {test}: {duration(seconds)}"] for test, seconds in tests.slow],
        "leak": [[f"LEAKY {each.id}: {each.words}"] for each in tests.leaky],
    }
    lines = []
    for level, entries in lists.items():
        if LEVELS.index(level) > most or not entries:
            continue
        lines += [""] if level != "fail" else []
        lines += [line for entry in entries[:SHOWN_FAILURES] for line in entry]
        more = len(entries) - SHOWN_FAILURES
        lines += [*([""] if level == "fail" else []), f"… and {more} more"] if more > 0 else []
    return lines


def _failure(failure: FailureRow) -> list[str]:
    lines = ["", f"{failure.outcome.value.upper()} {failure.many or failure.id}{ON_BASE if failure.on_base else ''}"]
    lines += [f"  {failure.place}"] if failure.place and not failure.many else []
    lines += [f"  {failure.message}"] if failure.message else []
    lines += [f"  {failure.also}"] if failure.also else []
    return lines


def _reasons(summary: Summary) -> list[str]:
    """Why gates failed, if their tests do not show it."""
    lines: list[str] = []
    for reason in summary.reasons:
        lines += [
            *([""] if lines else []),
            f"{reason.name}: {reason.words}",
            *(f"  {line}" for line in reason.lines or (SILENT,)),
        ]
        lines += [f"  whole log: {one_line(reason.log)}"] if reason.log else []
    return lines


def _tests(summary: Summary) -> list[str]:
    """The counts, and why tests were skipped."""
    tests = summary.tests
    if tests is None:
        return []
    return [tests.timed_line, *_first([f"{count} skipped: {reason}" for reason, count in tests.skipped], SHOWN_REASONS)]


def _warnings(summary: Summary) -> list[str]:
    """The first things that pytest warned of."""
    if summary.warnings is None:
        return []
    return [f"{summary.warnings.line}:", *_first(summary.warnings.groups, SHOWN_WARNINGS)]


def _first(entries: Sequence[str], most: int = SHOWN_FAILURES, indent: str = "  ") -> list[str]:
    """The first `most` of `entries`, one on each line, and how many more there are."""
    more = len(entries) - most
    shown = [f"{indent}{entry}" for entry in entries[:most]]
    return [*shown, f"{indent}… and {more} more"] if more > 0 else shown


def render_comparison(comparison: Comparison, console: Console | Log) -> None:
    """Print a comparison that is no part of a run, with the tests by name."""
    view = comparison_view(comparison)
    lines = [*weakening_lines(view.weaker, view.hints), *([""] if view.weaker or view.hints else []), *_compared(view)]
    for words, ids in view.lists:
        lines += ["", f"{words} ({len(ids)}):", *_first(ids)]
    lines += ["", *view.notes] if view.notes else []
    _print(console, "\n".join(lines) + "\n")
    _print(console, view.conclusion, f"bold {'red' if view.regression or view.blocked else 'green'}")


def _compared(view: ComparisonView) -> list[str]:
    width = max((len(aspect) for aspect, _, _ in view.rows), default=0)
    lines = [f"Comparison: {view.base} vs {view.head}: {view.words}"]
    lines += [f"  {aspect:<{width}}  {base} -> {head}" for aspect, base, head in view.rows]
    lines += ["  Run again on both sides:"] if view.confirmations else []
    lines += _first([f"{test}: {finding} ({counts})" for test, finding, counts in view.confirmations], indent="    ")
    for words, entries in view.artifacts:
        lines += [f"  {words.capitalize()}:", *_first(entries, indent="    ")]
    return lines


def _pressing(view: ComparisonView) -> list[str]:
    """What a reader must not miss, by name; failures were listed already, so they are cut."""
    lines = []
    for words, ids in view.pressing:
        most = SHOWN_FAILURES if words in FAILURES else len(ids)
        lines += [f"  {words[0].upper()}{words[1:]}:", *_first(ids, most, indent="    ")]
    return lines + [f"  Note: {note}" for note in view.notes]


def _table(rows: tuple[GateRow, ...], console: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("Gate", "Status", "Time", "Notes"):
        table.add_column(heading, justify="right" if heading == "Time" else "left", overflow="fold")
    for row in rows:
        style = "green" if row.passed else "red"
        cells = (Text(one_line(row.name)), Text(row.status, style=style), Text(row.time), Text(one_line(row.notes)))
        table.add_row(*cells)
    console.print(table)


def _plain_table(rows: tuple[GateRow, ...]) -> list[str]:
    cells = [
        ("Gate", "Status", "Time", "Notes"),
        *((one_line(r.name), r.status, r.time, one_line(r.notes)) for r in rows),
    ]
    widths = [max(len(row[column]) for row in cells) for column in range(3)]
    return [
        f"{gate:<{widths[0]}}  {status:<{widths[1]}}  {time:>{widths[2]}}  {notes}".rstrip()
        for gate, status, time, notes in cells
    ]
