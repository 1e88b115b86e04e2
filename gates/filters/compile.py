"""Expression → Filter: the meaning of every predicate and operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Union

from .match import Answer, Filter, LeafQuestion, Question
from .matchers import compile_matcher
from .nodes import And, Expression, Not, Predicate
from .parse import parse
from .printing import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .match import TestName


def compile_filter(expression: Union[Expression, str]) -> Filter:
    """Make an expression, or its text, ready to match.

    Raises:
        FilterSyntaxError: the text is no expression.
    """
    tree = parse(expression) if isinstance(expression, str) else expression
    leaves: list[LeafQuestion] = []
    return Filter(tree, _compile(tree, leaves), leaves)


def _compile(expression: Expression, leaves: list[LeafQuestion]) -> Question:
    if isinstance(expression, Predicate):
        question = _predicate(expression)
        leaves.append(LeafQuestion(expression, to_text(expression), question))
        return question
    if isinstance(expression, Not):
        return _not(_compile(expression.operand, leaves))
    operands = tuple(_compile(operand, leaves) for operand in expression.operands)
    return _decided_by(operands, decisive=not isinstance(expression, And))


def _not(operand: Question) -> Question:
    def ask(test: TestName) -> Answer:
        answer = operand(test)
        return None if answer is None else not answer

    return ask


def _decided_by(operands: Sequence[Question], *, decisive: bool) -> Question:
    """`or` is decided by the first True, `and` by the first False; what is unknown leaves it open."""

    def ask(test: TestName) -> Answer:
        result: Answer = not decisive
        for operand in operands:
            answer = operand(test)
            if answer is decisive:
                return decisive
            if answer is None:
                result = None
        return result

    return ask


def _predicate(predicate: Predicate) -> Question:
    if predicate.name == "test":
        matches = compile_matcher(predicate.arguments[0])
        return lambda test: matches(test.id)
    everything = predicate.name == "all"
    return lambda test: everything  # noqa: ARG005 (a question that needs no test)
