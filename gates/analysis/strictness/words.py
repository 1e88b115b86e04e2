"""The words that expressions of a noxfile stand for, as far as its text shows them. Runs nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

Function = ast.FunctionDef | ast.AsyncFunctionDef

DEPTH = 40
"""How often names are followed, so that one that stands for itself ends."""


STEPS = 10_000
"""How often they are followed in one file: each may stand for several others."""


class _Effort:
    """How far names were followed."""

    depth = steps = 0


class Scope:
    """Names and what they stand for.

    Args:
        functions: name → function.
        values: name → its expressions, one after the other, each with the scope that it belongs to.
        top: the scope of the module; None for itself.
    """

    def __init__(
        self,
        functions: dict[str, Function],
        values: dict[str, list[tuple[ast.expr, Scope]]] | None = None,
        top: Scope | None = None,
    ) -> None:
        self._functions = functions
        self.values = values or {}
        self._top = top or self
        self._effort: _Effort = top._effort if top else _Effort()  # noqa: SLF001 (all scopes of a file share it)

    def function(self, name: str) -> Function | None:
        """A function of the file; None if it is not one."""
        return self._functions.get(name)

    def original(self, name: str) -> str:
        """The name that was handed on under this one."""
        with self._deeper() as deeper:
            if deeper and len(self.values.get(name, ())) == 1:
                value, scope = self.values[name][0]
                if isinstance(value, ast.Name) and not (scope is self and value.id == name):
                    return scope.original(value.id)
        return name

    def define(self, node: ast.stmt) -> None:
        """Remember a function."""
        if isinstance(node, Function):
            self._functions = {**self._functions, node.name: node}

    def called(self, function: Function, call: ast.Call) -> Scope:
        """The scope of a call of a function."""
        values = dict(self._top.values)
        positional = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        defaults = function.args.defaults
        for name, default in zip(positional[len(positional) - len(defaults) :], defaults, strict=True):
            values[name] = [(default, self)]
        for argument, keyword_default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
            if keyword_default is not None:
                values[argument.arg] = [(keyword_default, self)]
        for name, given in zip(positional, call.args, strict=False):
            values[name] = [(given, self)]
        if function.args.vararg is not None:
            rest = ast.Tuple(elts=call.args[len(positional) :], ctx=ast.Load())
            values[function.args.vararg.arg] = [(rest, self)]
        values |= {word.arg: [(word.value, self)] for word in call.keywords if word.arg}
        return Scope(self._functions, values, self._top)

    def inside(self) -> Scope:
        """The scope of a function without arguments that are known."""
        return Scope(self._functions, dict(self.values), self._top)

    def assign(self, target: ast.expr, value: ast.expr | None) -> None:
        """Let a name stand for a value, or for nothing known."""
        if isinstance(target, ast.Name):
            if value is None:
                self.values.pop(target.id, None)
            else:
                self.values[target.id] = [(value, self._before(target.id))]

    def _before(self, name: str) -> Scope:
        """Without a name's next value: that may use the earlier one."""
        return Scope(self._functions, dict(self.values), self._top) if name in self.values else self

    def remember(self, node: ast.stmt) -> None:
        """What an assignment, or a call that extends a list, does to a name."""
        match node:
            case ast.Assign(targets=[ast.Name() as target], value=value):
                self.assign(target, value)
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                self.assign(target, value)
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add(), value=value):
                self._extend(name, value)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="extend"), args=[value])):
                self._extend(name, value)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value])):
                self._extend(name, ast.Tuple(elts=[value], ctx=ast.Load()))
            case _:
                pass

    def _extend(self, name: str, value: ast.expr) -> None:
        if name in self.values:
            self.values[name] = [*self.values[name], (value, self)]

    def words(self, node: ast.expr) -> list[str]:
        """The words that an argument stands for."""
        if isinstance(node, ast.Starred):
            return self.spread(node.value)
        return [self.text(node)]

    def spread(self, node: ast.expr) -> list[str]:
        """The items of a list; a single text is one."""
        with self._deeper() as deeper:
            return list(self._spread(node)) if deeper else []

    @contextmanager
    def _deeper(self) -> Iterator[bool]:
        """Whether a name may be followed once more."""
        effort = self._effort
        effort.depth += 1
        effort.steps += 1
        try:
            yield effort.depth <= DEPTH and effort.steps <= STEPS
        finally:
            effort.depth -= 1

    def _spread(self, node: ast.expr) -> Iterator[str]:
        match node:
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
                for item in items:
                    yield from self.words(item)
            case ast.Attribute(attr="posargs"):
                pass  # what a person adds is not what the gate runs
            case ast.Name(id=name) if name in self.values:
                for value, scope in self.values[name]:
                    yield from scope.spread(value)
            case ast.BoolOp(values=values):
                yield from self.spread(values[-1])  # `session.posargs or ["--check"]`
            case ast.IfExp(body=body, orelse=orelse):
                yield from self.spread(body)
                yield from self.spread(orelse)
            case ast.BinOp(op=ast.Add(), left=left, right=right) if self.is_list(left) or self.is_list(right):
                yield from self.spread(left)
                yield from self.spread(right)
            case ast.Call(func=ast.Name(id=name), args=[inner]) if name in ("list", "tuple", "sorted", "set", "map"):
                yield from self.spread(inner)
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(text)), attr="split")):
                yield from text.split()
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                yield from self._returned(self._functions[name], node)
            case _:
                yield self.text(node)

    def _returned(self, function: Function, call: ast.Call) -> Iterator[str]:
        scope = self.called(function, call)
        for node in function.body:
            if isinstance(node, ast.Return) and node.value is not None:
                yield from scope.spread(node.value)
                return
            scope.remember(node)

    def is_list(self, node: ast.expr) -> bool:
        """Whether an expression is known to be a list."""
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            return True
        if isinstance(node, ast.Name) and node.id in self.values:
            with self._deeper() as deeper:
                return deeper and all(scope.is_list(value) for value, scope in self.values[node.id])
        return isinstance(node, ast.BinOp) and (self.is_list(node.left) or self.is_list(node.right))

    def elements(self, node: ast.expr) -> Sequence[ast.expr]:
        """The elements of a literal list; none if they are not known."""
        if isinstance(node, ast.Name) and len(self.values.get(node.id, ())) == 1:
            node = self.values[node.id][0][0]
        if isinstance(node, (ast.Tuple, ast.List)) and not any(isinstance(item, ast.Starred) for item in node.elts):
            return node.elts
        return ()

    def table(self, node: ast.expr) -> Mapping[str, str | None]:
        """A table of texts."""
        if isinstance(node, ast.Name) and len(self.values.get(node.id, ())) == 1:
            value, scope = self.values[node.id][0]
            with self._deeper() as deeper:
                return scope.table(value) if deeper else {}
        if not isinstance(node, ast.Dict):
            return {}
        keys = (key.value if isinstance(key, ast.Constant) else None for key in node.keys)
        return {key: text_at(self, value) for key, value in zip(keys, node.values, strict=True) if isinstance(key, str)}

    def text(self, node: ast.expr) -> str:
        """One word; what is not known is shown as code in braces."""
        with self._deeper() as deeper:
            found = self._text(node) if deeper else None
        return f"{{{ast.unparse(node)}}}" if found is None else found

    def _text(self, node: ast.expr) -> str | None:
        match node:
            case ast.Constant(value=value):
                return str(value)
            case ast.JoinedStr(values=values):
                return "".join(self.text(value) for value in values)
            case ast.FormattedValue(value=inner) | ast.Call(func=ast.Name(id="str"), args=[inner]):
                return self.text(inner)
            case ast.Name(id=name) if len(self.values.get(name, ())) == 1:
                named, scope = self.values[name][0]
                return scope.text(named) if isinstance(named, (ast.Constant, ast.JoinedStr, ast.Name)) else None
            case ast.BinOp(op=ast.Add(), left=left, right=right):
                return self.text(left) + self.text(right)
            case _:
                return None


def text_at(scope: Scope, node: ast.expr) -> str | None:
    """The text of a value; None for None."""
    if isinstance(node, ast.Constant) and node.value is None:
        return None
    return " ".join(scope.words(node))


def names_at_top(tree: ast.Module) -> Scope:
    """The functions and constants of a module."""
    scope = Scope({node.name: node for node in functions_in(tree.body)})
    for node in tree.body:
        scope.remember(node)
    return scope


def functions_in(body: Sequence[ast.AST]) -> Iterator[Function]:
    """The functions among some statements, and in them."""
    for node in body:
        if isinstance(node, Function):
            yield node
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from functions_in(getattr(node, name, None) or ())
