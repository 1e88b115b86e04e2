"""Describe what could be read of an incomplete file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gates.portable.values import WORST_FIRST, plural

if TYPE_CHECKING:
    from gates.readers.junit.report import JUnitReport

_NAMED = 10


def told(report: JUnitReport, cases: int) -> str:
    """How many cases were read, how they ended, and their names, the worst first."""
    text = f"{plural(cases, 'test case')} before that place"
    if not report.results:
        return text
    counts = Counter(result.outcome for result in report.results)
    ordered = sorted(counts, key=WORST_FIRST.index)
    worst = sorted(report.results, key=lambda result: WORST_FIRST.index(result.outcome))[:_NAMED]
    names = [f"{result.id} ({result.outcome})" for result in worst]
    if len(report.results) > _NAMED:
        names.append(f"and {len(report.results) - _NAMED} more")
    return f"{text}: {', '.join(f'{counts[outcome]} {outcome}' for outcome in ordered)}; {', '.join(names)}"
