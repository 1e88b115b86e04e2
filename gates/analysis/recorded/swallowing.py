"""Tell whether something around an assertion catches its failure and goes on as if nothing had happened."""

from __future__ import annotations

import ast
from collections.abc import Iterable

_CATCHING = frozenset({"AssertionError", "Exception", "BaseException", "failureException"})
_EXPECTING = frozenset({"raises", "assertRaises"})
_QUIET = frozenset({"print", "debug", "info", "warning", "error", "exception", "log", "write", "warn"})
"""Calls that only tell people."""


def swallowed_by(statement: ast.stmt, above: tuple[ast.AST, ...]) -> str:
    """What catches a failure of a statement; empty if nothing does.

    Args:
        statement: the assertion.
        above: what it is in, the outermost first.
    """
    path = (*above[1:], statement)
    for at in range(len(above) - 1, -1, -1):
        node, inner = above[at], path[at]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and at:
            return ""  # its caller is unknown, and may expect the failure
        if isinstance(node, ast.Try) and inner in node.body:
            if any(_ends(part) for part in node.finalbody):
                return "the end of `finally`"
            caught = next((one for one in node.handlers if _catches(one.type)), None)
            if caught is not None and _is_inert(caught) and not _is_polled(above[:at], node):
                return f"`except {ast.unparse(caught.type)}`" if caught.type is not None else "`except`"
        if isinstance(node, ast.With | ast.AsyncWith):
            found = next((item.context_expr for item in node.items if _suppresses(item.context_expr)), None)
            if found is not None:
                return f"`with {ast.unparse(found)}`"
    return ""


def _catches(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(_last(one) in _CATCHING for one in kinds)


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _suppresses(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = _last(node.func)
    return (name == "suppress" or name in _EXPECTING) and any(
        _catches(one) for one in node.args[: None if name == "suppress" else 1]
    )


def _is_inert(handler: ast.ExceptHandler) -> bool:
    """Whether a handler neither fails nor does anything with the exception that could matter later."""
    for part in _walk(handler.body):
        if isinstance(part, ast.Raise | ast.Assert):
            return False
        if isinstance(part, ast.Call) and _last(part.func) not in _QUIET:
            return False
        if isinstance(part, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
            return False  # a note for later
    return True


def _walk(body: Iterable[ast.AST]) -> Iterable[ast.AST]:
    return (part for node in body for part in ast.walk(node))


def _ends(node: ast.stmt) -> bool:
    return any(isinstance(part, ast.Return) for part in ast.walk(node))


def _is_polled(above: tuple[ast.AST, ...], attempt: ast.Try) -> bool:
    """Whether a loop tries until it succeeds: the attempt leaves the loop, and what comes after it may fail."""
    if not any(isinstance(node, ast.For | ast.AsyncFor | ast.While) for node in above):
        return False
    tried = _walk((*attempt.body, *attempt.orelse))
    return any(isinstance(part, ast.Break | ast.Return) for part in tried)
