"""Compile functions of a module a second time, so that some of their statements count how often they run and raise.

This is how the assertions of a changed test are recorded. A tracer makes a test four to eight times as slow, and an event of
`sys.monitoring` costs more than twice what a counter costs; a counter costs its own addition, works on every Python, and
leaves tracers, debuggers and coverage alone. Only code that is exactly what the source compiles to is replaced.

The counters are names in the globals of the module. They count down, so that a statement in a long loop soon only finds a zero.

Standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from types import CodeType
from typing import TYPE_CHECKING, Any, Callable, Union

if TYPE_CHECKING:
    Place = tuple[int, int]
    Key = tuple[str, int]
    Rewrite = Callable[[ast.Module], None]

_OURS = "@gates_"
"""Beginning of the names of counters: no name in a source can be the same."""

LIMIT = 200
"""A statement is counted up to this number in each test."""

NOT_FOUND = "no function has this code"
"""Why an assertion is not counted, where a reader need not know: functions for another platform are not there on either side."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def counters_of(number: int) -> dict[str, int]:
    """The counters of a statement, as they begin: how often it may still be counted, and how often it raised."""
    return {f"{_OURS}{number}": LIMIT, f"{_OURS}{number}_raised": 0}


def counted(number: int, globals_: Mapping[str, Any]) -> tuple[int, int]:
    """How often a statement ran, and how often it raised, by the globals of its module."""
    left, raised = (globals_[name] for name in counters_of(number))
    return LIMIT - left, raised


def counting_codes(source: bytes, file: str, places: dict[Place, int], rewrite: Rewrite | None) -> dict[Key, CodeType]:
    """Code with counters, of each function with places in it, by name and first line.

    Args:
        source: of the module.
        file: its name in the code.
        places: (line, column) of a statement → the number of its counters.
        rewrite: what else changes the syntax tree before it is compiled, as pytest does; None for nothing.

    Raises:
        SyntaxError: the source cannot be compiled.
    """
    tree = ast.parse(source, filename=file)
    tree.body = _with_places(tree.body, places)
    _Counting(places).visit(tree)
    if rewrite is not None:
        rewrite(tree)
    return {key_of(code): code for code in _counting(compile(tree, file, "exec", dont_inherit=True))}


def key_of(code: CodeType) -> Key:
    """What tells a function from the others in its file: two of the same name cannot begin in one line."""
    return code.co_name, code.co_firstlineno


def replaces(counting: CodeType, code: CodeType) -> bool:
    """Whether code with counters does what other code does, apart from counting: any other change of code adds a name or a value."""
    same = ("co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_freevars", "co_flags")
    if any(getattr(counting, name) != getattr(code, name) for name in same):
        return False
    names = {name for name in counting.co_names if not name.startswith(_OURS)} - {"BaseException"}
    lists = ((names, set(code.co_names) - {"BaseException"}), (set(counting.co_varnames), set(code.co_varnames)))
    return all(ours == theirs for ours, theirs in lists) and _values(code) <= _values(counting)


def numbers_in(code: CodeType) -> set[int]:
    """The numbers of the statements that some code counts, with those in functions inside it."""
    found = {
        int(name[len(_OURS) :]) for name in code.co_names if name.startswith(_OURS) and name[len(_OURS) :].isdigit()
    }
    return found.union(*(numbers_in(one) for one in code.co_consts if isinstance(one, CodeType)))


def _values(code: CodeType) -> set[tuple[str, str]]:
    return {(type(one).__name__, repr(one)) for one in code.co_consts if not isinstance(one, CodeType)}


def _counting(code: CodeType) -> Iterator[CodeType]:
    """The functions in a module's code that count, or that have one inside that does; the outer ones last."""
    for one in code.co_consts:
        if isinstance(one, CodeType):
            inside = list(_counting(one))
            yield from inside
            if inside or any(name.startswith(_OURS) for name in one.co_names):
                yield one


def _with_places(body: list[ast.stmt], places: Collection[Place]) -> list[ast.stmt]:
    """The functions that have places in them, in the classes and blocks that they are in: the rest of a module changes nothing in them."""
    kept: list[ast.stmt] = []
    for node in body:
        if isinstance(node, _FUNCTIONS):
            if any(_place(part) in places for part in ast.walk(node)):
                kept.append(node)
        elif isinstance(node, ast.ImportFrom) and node.module == "__future__":
            kept.append(node)
        else:
            inner = [node, *getattr(node, "handlers", ()), *getattr(node, "cases", ())]
            for block in inner:
                for name in ("body", "orelse", "finalbody"):
                    if isinstance(getattr(block, name, None), list):
                        vars(block)[name] = _with_places(vars(block)[name], places)
            if any(getattr(block, name, None) for block in inner for name in ("body", "orelse", "finalbody")):
                kept.append(_whole(node, inner))
    return kept


def _whole(node: ast.stmt, inner: list[Any]) -> ast.stmt:
    """A statement again whose blocks may have become empty."""
    for block in inner:
        if not block.body:
            block.body = [ast.Pass(**_begin(node))]
    return node


def _place(node: ast.AST) -> Place:
    return (getattr(node, "lineno", 0), getattr(node, "col_offset", -1)) if isinstance(node, ast.stmt) else (0, -1)


class _Counting(ast.NodeTransformer):
    """Puts a counter before a statement, and one where it raises; the rest of the tree stays as it is."""

    def __init__(self, places: dict[Place, int]) -> None:
        self._places = places
        self._counters: list[list[str]] = [[]]  # names used in each open function

    def visit(self, node: ast.AST) -> Any:
        """Replace a statement that is to be counted."""
        if isinstance(node, _FUNCTIONS):
            return self._function(node)
        self.generic_visit(node)
        number = self._places.get(_place(node))
        if number is None or not isinstance(node, ast.stmt):
            return node
        self._counters[-1] += counters_of(number)
        return _counted(node, number)

    def _function(self, node: Union[ast.FunctionDef, ast.AsyncFunctionDef]) -> ast.AST:
        self._counters.append([])
        self.generic_visit(node)
        names = self._counters.pop()
        if names:
            told = ast.get_docstring(node, clean=False) is not None
            node.body.insert(int(told), ast.Global(names=names, **_begin(node)))
        return node


def _counted(node: ast.stmt, number: int) -> list[ast.stmt]:
    """`if LEFT: LEFT -= 1`, and then the statement in a `try` that counts what it raises."""
    begin = _begin(node)
    left, raised = counters_of(number)
    one = ast.Constant(value=1, **begin)

    def name(said: str, context: ast.expr_context) -> ast.Name:
        return ast.Name(said, context, **begin)

    less = ast.AugAssign(name(left, ast.Store()), ast.Sub(), one, **begin)
    more = ast.AugAssign(name(raised, ast.Store()), ast.Add(), one, **begin)
    handler = ast.ExceptHandler(
        type=name("BaseException", ast.Load()), name=None, body=[more, ast.Raise(**begin)], **begin
    )
    return [
        ast.If(test=name(left, ast.Load()), body=[less], orelse=[], **begin),
        ast.Try(body=[node], handlers=[handler], orelse=[], finalbody=[], **begin),
    ]


def _begin(node: ast.stmt) -> dict[str, Any]:
    """The place of the beginning of a statement, for nodes that are added: no tool sees a line that is not there."""
    line, column = node.lineno, node.col_offset
    return {"lineno": line, "col_offset": column, "end_lineno": line, "end_col_offset": column}


def numbered(places: Collection[tuple[int, int]], first: int) -> dict[Place, int]:
    """Numbers for places, from a first one on."""
    return {(line, column): first + at for at, (line, column) in enumerate(places)}
