"""Compile a module a second time, so that some of its statements count how often they run and how often they raise.

This is how the assertions of a changed test are recorded. A tracer makes a test four to eight times as slow, and an event of
`sys.monitoring` costs twice as much as a counter; a counter in the code costs nothing but its own addition, works on every
Python, and leaves tracers, debuggers and coverage alone. Only functions get the counting code, only in place of code
that is exactly what the source compiles to.

Standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from types import CodeType
from typing import TYPE_CHECKING, Any, Callable, cast

if TYPE_CHECKING:
    Place = tuple[int, int]
    Rewrite = Callable[[ast.Module], None]

LEFT, RAISED = "@gates_left", "@gates_raised"
"""Names of the two lists of numbers in a module with counting code: no name in a source can be the same."""

LIMIT = 200
"""A statement is counted up to this number in each test; after that, it only looks whether it still has to count."""


def counting_codes(
    source: bytes, file: str, places: dict[Place, int], rewrite: Rewrite | None
) -> dict[CodeType, CodeType]:
    """The code of each function in a module → the code that does the same, and counts.

    Args:
        source: of the module.
        file: its name in the code.
        places: (line, column) of a statement → its number in the lists of counters.
        rewrite: what else changes the syntax tree before it is compiled, as pytest does; None for nothing.

    Raises:
        SyntaxError: the source cannot be compiled.
        ValueError: the two do not correspond.
    """
    plain, counting = (_compiled(source, file, chosen, rewrite) for chosen in ({}, places))
    return dict(_pairs(plain, counting))


def _compiled(source: bytes, file: str, places: dict[Place, int], rewrite: Rewrite | None) -> CodeType:
    tree = ast.parse(source, filename=file)
    if places:
        _Counting(places).visit(tree)
    if rewrite is not None:
        rewrite(tree)
    return compile(tree, file, "exec", dont_inherit=True)


def _pairs(plain: CodeType, counting: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """Both codes of each function inside two codes of the same source, at any depth."""
    both = [[one for one in code.co_consts if isinstance(one, CodeType)] for code in (plain, counting)]
    if [one.co_name for one in both[0]] != [one.co_name for one in both[1]]:
        raise ValueError(f"{plain.co_filename}: {plain.co_name} has other functions with counters than without")
    for before, after in zip(*both):
        yield before, after
        yield from _pairs(before, after)


class _Counting(ast.NodeTransformer):
    """Puts a counter before a statement, and one where it raises; the rest of the tree stays as it is."""

    def __init__(self, places: dict[Place, int]) -> None:
        self._places = places

    def visit(self, node: ast.AST) -> Any:
        """Replace a statement that is to be counted."""
        self.generic_visit(node)
        number = self._places.get((getattr(node, "lineno", 0), getattr(node, "col_offset", -1)))
        if number is None or not isinstance(node, ast.stmt):
            return node
        left, raised = _counter(LEFT, number, ast.Load()), _counter(RAISED, number, ast.Store())
        one = ast.Constant(value=1)
        count = ast.If(test=left, body=[ast.AugAssign(_counter(LEFT, number, ast.Store()), ast.Sub(), one)], orelse=[])
        note = [ast.AugAssign(raised, ast.Add(), one), ast.Raise()]
        handler = ast.ExceptHandler(type=ast.Name("BaseException", ast.Load()), name=None, body=note)
        attempt = ast.Try(body=[node], handlers=[handler], orelse=[], finalbody=[])
        for added in (*ast.walk(count), *ast.walk(handler)):
            _put(added, node)
        _put(attempt, node)
        return [count, attempt]


def _counter(name: str, number: int, context: ast.expr_context) -> ast.Subscript:
    return ast.Subscript(value=ast.Name(name, ast.Load()), slice=cast("Any", ast.Constant(value=number)), ctx=context)


def _put(added: ast.AST, node: ast.stmt) -> None:
    """Give a new node the place of the beginning of a statement: no tool sees a line that is not there."""
    if isinstance(added, (ast.stmt, ast.expr, ast.ExceptHandler)):
        begins = {"lineno": node.lineno, "col_offset": node.col_offset}
        vars(added).update(begins, end_lineno=node.lineno, end_col_offset=node.col_offset)


def numbered(places: Collection[tuple[int, int]], first: int) -> dict[Place, int]:
    """Numbers for places, from a first one on."""
    return {(line, column): first + at for at, (line, column) in enumerate(places)}
