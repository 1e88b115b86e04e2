"""The tree of an expression. Frozen; two trees are equal when they say the same, wherever it stood in the text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Union

DEEPEST = 100
"""Levels of `not` and parentheses that an expression may have. Everything after the parser may recurse over them."""


@dataclass(frozen=True)
class Span:
    """A stretch of the expression's text: `text[start:end]`."""

    start: int
    end: int


NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class Matcher:
    """What an argument says: how to compare, and with what.

    Attributes:
        kind: `=` exact, `~` contains, `/` regular expression, `#` glob.
        text: with the language's escapes resolved.
    """

    kind: str
    text: str


@dataclass(frozen=True)
class Predicate:
    """A question about a test: `all()`, `test(~cache)`."""

    name: str
    arguments: tuple[Matcher, ...] = ()
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Not:
    """What `operand` does not select."""

    operand: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class And:
    """What all operands select; `a - b` is `a and not b`."""

    operands: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Or:
    """What any operand selects."""

    operands: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False)


Expression = Union[Predicate, Not, And, Or]
