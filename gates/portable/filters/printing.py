"""The canonical text of an expression: `parse(to_text(x)) == x`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .arguments import FOREIGN, KEY, KEY_DEFAULT
from .nodes import And, Argument, Expression, Matcher, Not, Predicate
from .predicates import PREDICATES

ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\", ")": "\\)", ",": "\\,"}
PREFIXES = "=~/#"
_CALL = re.compile(r"[^\W\d]\w*\s*\(")


def to_text(expression: Expression) -> str:
    """Print an expression with word operators and without unnecessary parentheses."""
    if isinstance(expression, Predicate):
        return f"{expression.name}({', '.join(_argument(one, expression.name) for one in expression.arguments)})"
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


def _argument(argument: Argument, predicate: str) -> str:
    if isinstance(argument, Predicate):
        return to_text(argument)
    form = PREDICATES.get(predicate)
    if argument.key:
        return f"{argument.key}={argument_text(argument, KEY_DEFAULT)}"
    text = argument_text(argument, form.default if form is not None else "")
    # If keys are allowed, `a=b` would be one; if predicates are, `changed(` would begin one.
    misread = form is not None and (
        (form.keyed != "no" and KEY.match(text)) or (form.nested and _CALL.match(text)) or FOREIGN.match(text)
    )
    return argument.kind + text if misread else text


def argument_text(matcher: Matcher, default: str) -> str:
    """Print one argument, with the prefix only if the text would mean something else without it."""
    if matcher.kind == "/":
        return f"/{_regex_text(matcher.text)}/"
    if matcher.kind[0] in "<>":
        return matcher.kind + matcher.text
    text = "".join(ESCAPES.get(one, one) for one in matcher.text)
    # Leading spaces would be dropped: if the first one is an escape, all stay.
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
