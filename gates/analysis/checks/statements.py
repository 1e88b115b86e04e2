"""Small questions about statements: whether they fail the test, what they catch, and which cases a loop has."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from gates.analysis.checks.claims import EQUAL, NOTHING
from gates.analysis.checks.parts import Part
from gates.analysis.checks.scope import Scope
from gates.analysis.checks.trees import dotted, last_name, text_of, truth


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a body but for its docstring."""
    first = body[0] if body else None
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    return body[1:] if told else body


def own_parts(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a function without those of functions and classes in it."""
    for part in ast.iter_child_nodes(node):
        yield part
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from own_parts(part)


def nothing_of(node: ast.expr, scope: Scope, flaw: str) -> Part:
    """A claim about an expression that checks nothing."""
    return Part("true", NOTHING, scope.inline(node), node, flaw=flaw)


def raising(kind: str, names: tuple[str, ...], match: str | None, subject: ast.expr, written: ast.expr) -> Part:
    """The claim that something raises or warns."""
    return Part(kind, EQUAL, subject, written, exceptions=names, match=match)


def caught_by(handler: ast.ExceptHandler) -> set[str]:
    """The last names of the exceptions that a handler catches; empty for any."""
    kind = handler.type
    if kind is None:
        return set()
    return {last_name(one) for one in (kind.elts if isinstance(kind, ast.Tuple) else [kind])}


def fails(body: Sequence[ast.stmt], scope: Scope | None = None) -> bool:
    """Whether statements end in a failure of the test."""
    del scope
    for one in body:
        match one:
            case ast.Raise():
                return True
            case ast.Assert(test=test) if truth(test) is False:
                return True
            case ast.Expr(value=ast.Call(func=func)) if dotted(func) in {"pytest.fail", "self.fail", "fail"}:
                return True
            case _:
                pass
    return False


def gives_up(body: Sequence[ast.stmt]) -> bool:
    """Whether statements say themselves that the test has failed; any other exception is not about the test."""
    return fails([one for one in body if not isinstance(one, ast.Raise)]) or any(
        isinstance(one, ast.Raise) and one.exc is not None and "AssertionError" in text_of(one.exc) for one in body
    )


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
