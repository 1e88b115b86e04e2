"""Whether the time to parse an expression grows with its length, whatever it holds."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from benchmarks.claims import Claim, Figures, Subject, Workplace
from gates.portable.filters import FilterSyntaxError, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORT, LONG = 20_000, 80_000
SLACK = 1.5
UNITS = (
    *(
        "foo ",
        ")",
        "(",
        "test(/a",
        "test(\\",
        "&&",
        "or(",
        "test(a) ",
        "x(",
        "\\",
        "=",
        "not -",
        "mark(a, b=",
        "slow(>",
    ),
    *("rdeps(changed(", "test(#[", "test(a) or ", "é\u0301", "AND ", "mark(a,", "re:", "param(=", "\n"),
)
"""Pieces of expressions, most of them broken; each is repeated until the text is long."""

LINEAR = Claim(
    name="filter-linear",
    what=f"the worst growth of the time to parse {LONG:,} characters instead of {SHORT:,}, against {LONG // SHORT} times",
    goal=SLACK,
    unit="times",
)


def seconds(text: str) -> float:
    """What parsing a text and printing its mistakes takes."""
    began = time.perf_counter()
    try:
        parse(text)
    except FilterSyntaxError as error:
        str(error)
    return time.perf_counter() - began


def growths() -> Iterator[tuple[float, str]]:
    """How much longer the long text of each piece takes: the median of five rounds, short and long in turns."""
    for unit in UNITS:
        short, long = (unit * (length // len(unit)) for length in (SHORT, LONG))
        rounds = [(seconds(short), seconds(long)) for _ in range(5)]
        yield statistics.median(after / before for before, after in rounds), unit


def measure(_: Workplace) -> dict[str, Figures]:
    """The piece that grows worst."""
    worst, unit = max(growths())
    return {LINEAR.name: Figures(ours=worst, other=LONG / SHORT, runs=5, note=f"worst of {len(UNITS)}: {unit!r}")}


SUBJECT = Subject(name="parsing", claims=(LINEAR,), measure=measure)
