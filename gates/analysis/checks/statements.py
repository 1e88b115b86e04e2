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


def only_first(node: ast.expr) -> ast.expr | None:
    """What `x[:1]` and `islice(x, 1)` take the first item of; None for anything else."""
    match node:
        case ast.Call(func=func, args=[inner, ast.Constant(value=1)]) if last_name(func) == "islice":
            return inner
        case ast.Subscript(value=inner, slice=ast.Slice(lower=None, upper=ast.Constant(value=1), step=None)):
            return inner
        case _:
            return None


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
