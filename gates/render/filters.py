"""The part of a summary about the expressions of a run: what their predicates matched, and their problems."""

from __future__ import annotations

import msgspec

from gates.render.text import one_line
from gates.results import FilterLeaf, Run

FILTER = "filter"
"""Source of the predicates on the command line."""


class LeafRow(msgspec.Struct, frozen=True):
    """A predicate with what it matched; `said` is a note on it."""

    source: str
    text: str
    tests: str
    said: str
    wrong: bool


def leaf_rows(run: Run) -> tuple[LeafRow, ...]:
    """Every predicate of the run's own filter, and those of the ledgers with a note."""
    return tuple(
        LeafRow(leaf.source, leaf.text, _count(leaf), _said(leaf), bool(leaf.error))
        for leaf in run.leaves
        if leaf.source == FILTER or _said(leaf)
    )


def leaf_lines(rows: tuple[LeafRow, ...]) -> list[str]:
    """A line for each predicate with a note."""
    return [f"{row.source}: {row.said}" for row in rows if row.said]


def wrong_names(run: Run) -> str:
    """The first error of an expression, and how many others there are; empty if there is none."""
    errors = [f"{leaf.source}: {leaf.error}" for leaf in run.leaves if leaf.error]
    if not errors:
        return ""
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{one_line(errors[0], 200)}{more}"


def _count(leaf: FilterLeaf) -> str:
    return f"{leaf.count} ({leaf.unknown} unknown)" if leaf.unknown else str(leaf.count)


def _said(leaf: FilterLeaf) -> str:
    if leaf.error or leaf.warning:
        return leaf.error or leaf.warning
    return f"{leaf.text} is {leaf.note}" if leaf.unknown else f"{leaf.text}: {leaf.note}" if leaf.note else ""
