"""The canonical text of an expression: `parse(to_text(x)) == x`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .nodes import And, Expression, Matcher, Not, Predicate
from .predicates import PREDICATES

if TYPE_CHECKING:
    from collections.abc import Sequence

ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", ")": "\\)", ",": "\\,"}
PREFIXES = "=~/#"


def to_text(expression: Expression) -> str:
    """Print an expression with word operators and no parentheses that are not needed."""
    if isinstance(expression, Predicate):
        form = PREDICATES.get(expression.name)
        default = form.default if form is not None else ""
        return f"{expression.name}({', '.join(argument_text(one, default) for one in expression.arguments)})"
    if isinstance(expression, Not):
        return f"not {_inside(expression.operand, (Predicate, Not))}"
    if isinstance(expression, And):
        return _joined(" and ", expression.operands, (Predicate, Not))
    return _joined(" or ", expression.operands, (Predicate, Not, And))


def _joined(operator: str, operands: Sequence[Expression], bare: tuple[type, ...]) -> str:
    return operator.join(_inside(operand, bare) for operand in operands)


def _inside(expression: Expression, bare: tuple[type, ...]) -> str:
    text = to_text(expression)
    return text if isinstance(expression, bare) else f"({text})"


def argument_text(matcher: Matcher, default: str) -> str:
    """Print one argument; the prefix only where the text would mean something else without it."""
    if matcher.kind == "/":
        return f"/{_regex_text(matcher.text)}/"
    text = "".join(ESCAPES.get(one, one) for one in matcher.text)
    # Leading blanks would be dropped: as an escape the first one stays, and the rest with it.
    if matcher.text[:1].isspace() and text[0] != "\\":
        text = f"\\u{{{ord(text[0]):x}}}{text[1:]}"
    bare = matcher.kind == default and not text.startswith(tuple(PREFIXES))
    return text if bare else matcher.kind + text


def _regex_text(pattern: str) -> str:
    parts, position = [], 0
    while position < len(pattern):
        if pattern[position] == "\\":
            parts.append(pattern[position : position + 2])
            position += 2
        else:
            parts.append("\\/" if pattern[position] == "/" else pattern[position])
            position += 1
    return "".join(parts)
