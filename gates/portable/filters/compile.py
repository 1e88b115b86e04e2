"""Expression → Filter: the meaning of every predicate and operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Union

from .leaves import leaf_of
from .match import Branch, Filter
from .nodes import And, Expression, Not, Predicate
from .parse import parse
from .printing import to_text
from .resolution import TableFacts

if TYPE_CHECKING:
    from .resolution import Facts

NAMED = {"default": Predicate("all"), "quarantined": Predicate("none")}
"""Predicates that mean an expression of the config → their meaning if the config has none."""


def compile_filter(
    expression: Union[Expression, str], facts: Facts | None = None, named: Mapping[str, Expression] | None = None
) -> Filter:
    """Compile an expression, or its text, for matching.

    Args:
        expression: what to select.
        facts: answers predicates about more than the test itself; without it, they are unknown.
        named: expressions that `default()` and `quarantined()` stand for.

    Raises:
        FilterSyntaxError: the text is not an expression.
    """
    tree = parse(expression) if isinstance(expression, str) else expression
    return Filter(
        _compile(
            tree,
            facts or TableFacts({}, "only `gates` knows history, git and imports, not this process"),
            {**NAMED, **(named or {})},
        )
    )


def _compile(expression: Expression, facts: Facts, named: Mapping[str, Expression]) -> Branch:
    text = to_text(expression)
    if isinstance(expression, Predicate):
        if expression.name not in NAMED:
            return Branch(expression, text, leaf=leaf_of(expression, facts))
        # The config forbids a definition that refers to itself, so this ends.
        without = {name: NAMED[name] if name == expression.name else tree for name, tree in named.items()}
        return Branch(expression, text, (_compile(named[expression.name], facts, without),))
    operands = (expression.operand,) if isinstance(expression, Not) else expression.operands
    return Branch(expression, text, tuple(_compile(operand, facts, named) for operand in operands))


def operator_of(expression: Expression) -> str:
    """The word of an operator; empty for a predicate."""
    if isinstance(expression, Predicate):
        return ""
    return "not" if isinstance(expression, Not) else "and" if isinstance(expression, And) else "or"
