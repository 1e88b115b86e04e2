"""Expression → Filter: the meaning of every predicate and operator."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Callable, Union

from .match import Answer, Filter, LeafQuestion, Question
from .nodes import And, Expression, Matcher, Not, Predicate
from .parse import parse
from .printing import to_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .match import TestName

TextTest = Callable[[str], bool]


def compile_filter(expression: Union[Expression, str]) -> Filter:  # noqa: UP007 (evaluated nowhere, but Python 3.9)
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


def compile_matcher(matcher: Matcher) -> TextTest:
    """How a matcher compares.

    Raises:
        ValueError: the pattern of a regular expression or a glob is wrong; the parser refuses those.
    """
    text = matcher.text
    if matcher.kind == "=":
        return text.__eq__
    if matcher.kind == "~":
        return lambda name: text in name
    pattern = compile_pattern(matcher)
    if matcher.kind == "/":
        return lambda name: pattern.search(name) is not None
    return lambda name: pattern.match(name) is not None


def compile_pattern(matcher: Matcher) -> re.Pattern[str]:
    """The regular expression of a `/` or `#` matcher.

    Raises:
        ValueError: it is wrong; a `re.error` where the place is known.
    """
    from fnmatch import translate

    source = matcher.text if matcher.kind == "/" else translate(matcher.text)
    try:
        with warnings.catch_warnings():
            # Python warns of patterns whose meaning may change; with warnings as errors that must not end a run.
            warnings.simplefilter("ignore")
            return re.compile(source)
    except re.error as error:
        raise PatternError(str(error.msg), error.pos) from None
    except (RecursionError, OverflowError) as error:
        raise PatternError(f"too large: {error}", None) from None


class PatternError(ValueError):
    """A pattern that `re` refuses; `position` is an index into the pattern, where it is known."""

    def __init__(self, words: str, position: int | None) -> None:
        self.words, self.position = words, position
        super().__init__(words)
