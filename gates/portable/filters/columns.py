"""Answers for many tests at once: one byte per test, in the order of the tests.

NO < UNKNOWN < YES, so that `and` is the minimum, `or` the maximum, and `not` the mirror image (Kleene's logic).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .resolution import Answer

NO, UNKNOWN, YES = 0, 1, 2

Column = bytes

_MIRROR = bytes((YES, UNKNOWN, NO)) + bytes(253)
_ONLY_NO = bytes((1, 0, 0)) + bytes(253)
_FROM_BOOL = bytes((NO, YES)) + bytes(254)
_ANSWERS: tuple[Answer, ...] = (False, None, True)


def of_bools(values: Iterable[bool]) -> Column:
    """A column without unknowns."""
    return bytes(values).translate(_FROM_BOOL)


def of_answers(values: Iterable[Answer]) -> Column:
    """A column of answers."""
    return bytes(UNKNOWN if value is None else YES if value else NO for value in values)


def answer(value: int) -> Answer:
    """The answer that a byte of a column means."""
    return _ANSWERS[value]


def negated(column: Column) -> Column:
    """`not`."""
    return column.translate(_MIRROR)


def refused(column: Column) -> Column:
    """Where the answer is certainly no: tests that unknown or yes selects are zero here."""
    return column.translate(_ONLY_NO)


def both(columns: Sequence[Column]) -> Column:
    """`and` over all columns."""
    return bytes(map(min, *columns)) if len(columns) > 1 else columns[0]


def either(columns: Sequence[Column]) -> Column:
    """`or` over all columns."""
    return bytes(map(max, *columns)) if len(columns) > 1 else columns[0]
