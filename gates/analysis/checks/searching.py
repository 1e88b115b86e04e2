"""Loops that look for something, and fail if they do not find it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gates.analysis.checks.statements import gives_up, own_parts
from gates.analysis.checks.trees import truth

Loop = ast.For | ast.AsyncFor | ast.While


def looked_for(node: ast.stmt, after: ast.stmt | None) -> Iterator[ast.expr]:
    """The conditions of which one must become true in a loop, because the test fails otherwise.

    Args:
        node: the loop.
        after: the statement behind it.
    """
    if not isinstance(node, Loop):
        return
    if isinstance(node, ast.While) and truth(node.test) is None and _fails_within(node):
        yield ast.UnaryOp(ast.Not(), node.test)
    leaving: tuple[type[ast.stmt], ...] = ()
    if gives_up(node.orelse):
        leaving = (ast.Break, ast.Return)
    elif after is not None and gives_up([after]):
        leaving = (ast.Return,)
    for part in own_parts(node) if leaving else ():
        if isinstance(part, ast.If) and part.body and isinstance(part.body[-1], leaving):
            yield part.test


def _fails_within(node: ast.While) -> bool:
    return any(isinstance(part, ast.stmt) and gives_up([part]) for part in own_parts(node))
