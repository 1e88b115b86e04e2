"""Values that stand in for a result that is missing: what is expected, of all things."""

from __future__ import annotations

import ast

from gates.analysis.checks.trees import text_of


def without_fallback(subject: ast.expr, expected: ast.expr) -> ast.expr | None:
    """What a subject is about if what is expected stands in where it is missing or empty; None if it does not.

    `x.get("a", 2) == 2` passes without an `a` as well, and `(x or 2) == 2` with an empty x.
    """
    if isinstance(expected, ast.Constant) and expected.value is None:
        return None
    wanted = text_of(expected)
    match subject:
        case ast.Call(func=ast.Attribute(value=inner, attr="get" | "pop" | "setdefault"), args=[key, default]):
            found: ast.expr = ast.Subscript(inner, key, ast.Load())
        case ast.Call(func=ast.Name(id="getattr"), args=[inner, ast.Constant(value=str() as name), default]):
            found = ast.Attribute(inner, name, ast.Load())
        case ast.Call(func=ast.Name(id="next"), args=[inner, default]):
            found = ast.Call(ast.Name("next", ast.Load()), [inner], [])
        case ast.BoolOp(op=ast.Or(), values=[found, default]):
            pass
        case _:
            return None
    return found if text_of(default) == wanted else None
