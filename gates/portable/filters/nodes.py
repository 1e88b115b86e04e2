"""The tree of an expression. Frozen; equality ignores positions in the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Union

from ..quick_dataclass import dataclass

DEEPEST = 100
"""Maximum nesting of `not` and parentheses. Everything after the parser may recurse over them."""


@dataclass(frozen=True)
class Span:
    """A part of the expression's text: `text[start:end]`."""

    start: int
    end: int


NOWHERE = Span(0, 0)


@dataclass(frozen=True)
class Matcher:
    """An argument: how to compare, and with what.

    Attributes:
        kind: `=` exact, `~` contains, `/` regular expression, `#` glob; of durations `>`, `>=`, `<` or `<=`.
        text: with the language's escapes resolved.
        key: in `reason=~network`, the `reason`; empty for an argument without a key.
    """

    kind: str
    text: str
    key: str = ""


@dataclass(frozen=True)
class Predicate:
    """A question about a test: `all()`, `test(~cache)`, `rdeps(changed(main))`."""

    name: str
    arguments: tuple[Argument, ...] = ()
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """The arguments that are not predicates themselves."""
        return tuple(argument for argument in self.arguments if isinstance(argument, Matcher))


Argument = Union[Matcher, Predicate]


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


def predicates(expression: Expression) -> Iterator[Predicate]:
    """The predicates of an expression in the order of the text; the ones inside an argument are part of their leaf."""
    if isinstance(expression, Predicate):
        yield expression
    elif isinstance(expression, Not):
        yield from predicates(expression.operand)
    else:
        for operand in expression.operands:
            yield from predicates(operand)
