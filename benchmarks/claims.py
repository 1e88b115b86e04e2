"""What a claim about speed is, what was measured for it, and the row that both come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec


class CannotMeasure(Exception):
    """Something that a measurement needs is missing or fails; then there is no figure, rather than a wrong one."""


class NotInstalled(CannotMeasure):
    """What a row compares with comes with an extra, which is not installed here: the row is skipped."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence about speed that can be wrong.

    Attributes:
        name: as on the command line.
        what: our side against the other side, in words.
        goal: the highest ratio ours/other that meets the claim; None for a figure that is only told.
        unit: what both sides are counted in.
    """

    name: str
    what: str
    goal: float | None = None
    unit: Literal["seconds", "bytes", "times"] = "seconds"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured for one claim.

    Attributes:
        ours: in the claim's unit, the median of all runs.
        other: the median of all runs of the other side, or the budget that the claim allows.
        runs: how often each side was measured.
        note: what helps to understand the figures.
    """

    ours: float
    other: float
    runs: int
    note: str = ""


class Workplace(msgspec.Struct, frozen=True, kw_only=True):
    """Where measurements happen.

    Attributes:
        folder: a temporary folder; each measurement makes its own inside it.
        environment: variables of every process that is measured.
        patience: seconds that one subject may spend on repeating; what has begun is finished.
    """

    folder: Path
    environment: dict[str, str]
    patience: float


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Claims that are measured together, because their runs must be interleaved.

    Attributes:
        name: selects all claims of the subject.
        claims: what it shows.
        measure: figures by the claims' names.
    """

    name: str
    claims: tuple[Claim, ...]
    measure: Callable[[Workplace], dict[str, Figures]]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A claim with its figures. `met` is None without a goal."""

    name: str
    what: str
    ours: float
    other: float
    ratio: float
    goal: float | None
    met: bool | None
    runs: int
    unit: str = "seconds"
    note: str = ""


def row_of(claim: Claim, figures: Figures) -> Row:
    """What a claim and its figures come to."""
    ratio = figures.ours / figures.other if figures.other else float("inf")
    return Row(
        name=claim.name,
        what=claim.what,
        ours=round(figures.ours, 9),
        other=round(figures.other, 9),
        ratio=float(f"{ratio:.4g}"),  # four digits that count; what meets the goal is the ratio itself
        goal=claim.goal,
        met=None if claim.goal is None else ratio <= claim.goal,
        runs=figures.runs,
        unit=claim.unit,
        note=figures.note,
    )
