"""Shows rows and claims to people."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.claims import Row, Subject

_HEAD = ("name", "ours", "other", "ratio", "goal", "met", "runs")
_WORDS = {True: "yes", False: "NO", None: "-"}


def seconds(value: float) -> str:
    """A duration in the unit that fits it: `1.25 s`, `12.5 ms`, `8.1 µs`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def shown(value: float, unit: str) -> str:
    """A figure in its unit."""
    if unit == "bytes":
        return f"{value / 2**20:.1f} MiB"
    return f"{value:,.0f}" if unit == "times" else seconds(value)


def table(rows: Sequence[Row]) -> str:
    """One line of figures per claim, and under it what it says."""
    cells = [
        (
            row.name,
            shown(row.ours, row.unit),
            shown(row.other, row.unit),
            f"{row.ratio:.3g}",
            "-" if row.goal is None else f"≤ {row.goal:g}",
            _WORDS[row.met],
            str(row.runs),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [_HEAD, *cells]) for column in range(len(_HEAD))]
    lines = [_line(_HEAD, widths)]
    for row, cell in zip(rows, cells, strict=True):
        lines.append(_line(cell, widths))
        text = f"{row.what} ({row.note})" if row.note else row.what
        lines += textwrap.wrap(text, 110, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"


def listing(subjects: Iterable[Subject]) -> str:
    """Every claim with its goal."""
    lines = []
    for subject in subjects:
        lines.append(subject.name)
        for claim in subject.claims:
            goal = "" if claim.goal is None else f" ≤ {claim.goal:g}"
            lines.append(f"  {claim.name}{goal}: {claim.what}")
    return "\n".join(lines) + "\n"


def progress(text: str) -> None:
    """Say what goes on, where it does not disturb the output."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = cells
    return "  ".join(
        [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
    )
