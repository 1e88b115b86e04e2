"""Walk over the code of a module that is worth a fault, with what is known about each place."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import msgspec

from gates.analysis.mutants.arid import (
    Function,
    called,
    keeps,
    only_costs,
    reachable,
    skipped_class,
    skipped_condition,
    skipped_function,
    talks,
)

Node = ast.expr | ast.stmt | ast.ExceptHandler


class Place(msgspec.Struct, frozen=True):
    """A node, and what is around it.

    Attributes:
        node: an expression, a statement, or a handler of exceptions.
        function: qualified name of the function around it; empty outside of functions.
        probe: line and column of the statement around it.
        inside: the expressions and the statement around it, the outermost first.
        returns: the annotation of the function's result, if there is one.
        loop: the innermost loop around it.
    """

    node: Node
    function: str
    probe: tuple[int, int]
    inside: tuple[Node, ...] = ()
    returns: ast.expr | None = None
    loop: ast.stmt | None = None

    @property
    def parent(self) -> Node | None:
        """The node around it, in the same statement."""
        return self.inside[-1] if self.inside else None


def places(tree: ast.Module) -> Iterator[Place]:
    """All places of a module that are worth a fault, in the order of their statements."""
    yield from _Walk("").block(tree.body)


class _Walk:
    """The walk through one function, or through what is outside of functions."""

    def __init__(self, function: str, returns: ast.expr | None = None) -> None:
        self._function, self._returns = function, returns

    def block(self, body: Sequence[ast.stmt], owner: str = "", loop: ast.stmt | None = None) -> Iterator[Place]:
        """The statements of a block.

        Args:
            body: the block.
            owner: qualified name of the class around it.
            loop: the innermost loop around it.
        """
        for statement in reachable(body):
            if isinstance(statement, Function):
                yield from self._define(statement, owner)
            elif isinstance(statement, ast.ClassDef):
                if not skipped_class(statement):
                    yield from self.block(statement.body, _joined(owner or self._function, statement.name))
            elif not _is_arid(statement):
                yield from self._statement(statement, owner, loop)

    def _define(self, node: Function, owner: str) -> Iterator[Place]:
        if not skipped_function(node):
            yield from _Walk(_joined(owner or self._function, node.name), node.returns).block(node.body)

    def _statement(self, statement: ast.stmt, owner: str, loop: ast.stmt | None) -> Iterator[Place]:
        probe = (statement.lineno, statement.col_offset)
        yield self._place(statement, probe, (), loop)
        for part in _expressions_of(statement):
            yield from self._expression(part, probe, (statement,), loop)
        inner = statement if isinstance(statement, ast.For | ast.AsyncFor | ast.While) else loop
        for name in ("body", "orelse", "finalbody"):
            yield from self.block(getattr(statement, name, []), owner, inner if name == "body" else loop)
        for handler in getattr(statement, "handlers", []):
            first = handler.body[0]
            yield self._place(handler, (first.lineno, first.col_offset), (statement,), loop)
            yield from self.block(handler.body, owner, loop)
        for case in getattr(statement, "cases", []):
            if case.guard is not None:
                yield from self._expression(case.guard, probe, (statement,), loop)
            yield from self.block(case.body, owner, loop)

    def _expression(
        self, node: ast.expr, probe: tuple[int, int], inside: tuple[Node, ...], loop: ast.stmt | None
    ) -> Iterator[Place]:
        # Before Python 3.12, positions in an f-string are not exact; most of them are messages anyway.
        if isinstance(node, ast.JoinedStr) or talks(node):
            return
        yield self._place(node, probe, inside, loop)
        for child in _children(node):
            yield from self._expression(child, probe, (*inside, node), loop)

    def _place(self, node: Node, probe: tuple[int, int], inside: tuple[Node, ...], loop: ast.stmt | None) -> Place:
        return Place(node, self._function, probe, inside, self._returns, loop)


def _joined(owner: str, name: str) -> str:
    return f"{owner}.{name}" if owner else name


def _is_arid(statement: ast.stmt) -> bool:
    """Whether a whole statement, with its blocks, is not worth a fault."""
    if isinstance(statement, ast.If):
        return skipped_condition(statement.test)
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant) or talks(statement.value)
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        names = [called(target) for target in targets]
        return any(only_costs(name) or (name.startswith("__") and name.endswith("__")) for name in names) or any(
            map(keeps, targets)
        )
    return isinstance(statement, ast.Import | ast.ImportFrom | ast.Assert | ast.Global | ast.Nonlocal | ast.Pass) or (
        type(statement).__name__ == "TypeAlias"
    )


def _expressions_of(statement: ast.stmt) -> Iterator[ast.expr]:
    """The expressions of a statement itself, without annotations, targets, and the messages of exceptions."""
    match statement:
        case ast.Raise():
            return  # what it raises has its own operator; its arguments are a message
        case ast.AnnAssign(value=value) | ast.Assign(value=value) | ast.AugAssign(value=value):
            if value is not None:
                yield value
        case ast.With(items=items) | ast.AsyncWith(items=items):
            yield from (item.context_expr for item in items)
        case ast.For(iter=iterated) | ast.AsyncFor(iter=iterated):
            yield iterated
        case ast.Match(subject=subject):
            yield subject
        case ast.Delete():
            return
        case _:
            yield from (child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.expr))


_TYPES = frozenset({"isinstance", "issubclass", "cast", "TypeVar", "NewType", "ParamSpec", "namedtuple", "NamedTuple"})
"""Functions whose arguments are types or names of types."""


def _children(node: ast.expr) -> Iterator[ast.expr]:
    """The expressions directly inside one, without those that are types or numbers that only cost time."""
    if isinstance(node, ast.Call):
        yield node.func
        if called(node) in _TYPES:
            yield from (
                node.args[:1] if called(node).startswith("is") else node.args[1:2] if called(node) == "cast" else ()
            )
            return
        if not only_costs(called(node)):
            yield from node.args
        yield from (word.value for word in node.keywords if not only_costs(word.arg or ""))
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield child
        elif isinstance(child, ast.comprehension):
            yield child.iter
            yield from child.ifs
