"""The values that a loop, a comprehension or a parametrisation goes through, where they are written out."""

from __future__ import annotations

import ast
from collections.abc import Callable

from gates.analysis.checks.trees import rebuilt

MANY = 100
"""Maximum number of values for which a comprehension is written out."""


def cases_of(node: ast.expr) -> list[ast.expr] | None:
    """The values of something that is written out; None if they are not known."""
    match node:
        case ast.List(elts=elts) | ast.Tuple(elts=elts) | ast.Set(elts=elts):
            return None if any(isinstance(one, ast.Starred) for one in elts) else list(elts)
        case ast.Dict(keys=keys):
            return [key for key in keys if key is not None]
        case ast.Call(func=ast.Attribute(value=ast.Dict(keys=keys, values=values), attr="items")):
            return [ast.Tuple([key, value], ast.Load()) for key, value in zip(keys, values, strict=True) if key]
        case ast.Call(func=ast.Name(id="range"), args=args) if all(isinstance(one, ast.Constant) for one in args):
            try:
                numbers = range(*(one.value for one in args if isinstance(one, ast.Constant)))  # type: ignore[arg-type]
            except (TypeError, ValueError):
                return None
            return [ast.Constant(number) for number in numbers] if len(numbers) <= 50 else None
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner]):
            each = cases_of(inner)
            return (
                None
                if each is None
                else [ast.Tuple([ast.Constant(at), one], ast.Load()) for at, one in enumerate(each)]
            )
        case ast.Call(func=ast.Name(id="zip"), args=args) if args:
            columns = [cases_of(one) for one in args]
            known = [len(column) for column in columns if column is not None]
            if not known:
                return None
            columns = [
                [ast.Subscript(one, ast.Constant(at), ast.Load()) for at in range(min(known))]
                if column is None
                else column
                for one, column in zip(args, columns, strict=True)
            ]
            return [
                ast.Tuple(list(row), ast.Load()) for row in zip(*(c for c in columns if c is not None), strict=False)
            ]
        case ast.Subscript(value=inner, slice=ast.Slice(lower=lower, upper=upper, step=None)):
            each = cases_of(inner)
            ends = [one.value if isinstance(one, ast.Constant) else one for one in (lower, upper)]
            if ends[1] == 0:
                return []
            if each is None or not all(one is None or isinstance(one, int) for one in ends):
                return None
            return each[slice(*ends)]  # type: ignore[arg-type]
        case ast.Call(func=ast.Name(id=("list" | "tuple" | "sorted" | "reversed" | "set")), args=[inner]):
            return cases_of(inner)
        case _:
            return None


def unrolled(node: ast.expr) -> ast.expr:
    """`[f(1), f(2)]` for `[f(x) for x in (1, 2)]`, and the same for a dictionary; anything else as it is."""
    if not isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp) or len(node.generators) != 1:
        return node
    loop = node.generators[0]
    each = cases_of(loop.iter) if not loop.ifs and not isinstance(loop.iter, ast.Set) else None
    if each is None or len(each) > MANY:
        return node
    bound = [bound_to(loop.target, one) for one in each]
    known = [one for one in bound if one is not None]
    if len(known) < len(bound):
        return node
    if isinstance(node, ast.DictComp):
        keys: list[ast.expr | None] = [rebuilt(node.key, putting(one)) for one in known]
        return ast.Dict(keys, [rebuilt(node.value, putting(one)) for one in known])
    return ast.List([rebuilt(node.elt, putting(one)) for one in known], ast.Load())


def putting(values: dict[str, ast.expr]) -> Callable[[ast.AST], ast.expr | None]:
    """What puts values in place of names."""
    return lambda part: values.get(part.id) if isinstance(part, ast.Name) else None


def bound_to(target: ast.expr, value: ast.expr) -> dict[str, ast.expr] | None:
    """Name → value, for a target of an assignment or a loop; None if that is not known."""
    if isinstance(target, ast.Name):
        return {target.id: value}
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        if len(target.elts) != len(value.elts):
            return None
        found: dict[str, ast.expr] = {}
        for one, other in zip(target.elts, value.elts, strict=True):
            inner = bound_to(one, other)
            if inner is None:
                return None
            found |= inner
        return found
    return None
