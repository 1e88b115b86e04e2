"""Follow the calls of a test into the helpers of the test code, and read these in their own scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from gates.analysis.checks.helpers import Helper, give_fields, helper_of, pass_arguments
from gates.analysis.checks.passed import OTHER_THREADS, calls_later
from gates.analysis.checks.reading import Function, Side
from gates.analysis.checks.record import Record
from gates.analysis.checks.scope import Scope
from gates.analysis.checks.statements import own_parts, without_docstring
from gates.analysis.checks.trees import calls_in, last_name

DEEP = 4
"""Maximum depth of helpers that call helpers."""

LONG = 4000
"""Maximum number of statements that are read for one test."""


class Entering(Record):
    """Reads helpers where they are called; what a body says is left to the classes that build on this one."""

    def __init__(self, side: Side) -> None:
        super().__init__(side)
        self._depth = 0
        self._left = LONG
        self._active: list[Function] = []

    def body(self, body: Iterable[ast.stmt], scope: Scope) -> bool:
        """Read statements; whether the function ends in them."""
        raise NotImplementedError

    def calls(self, value: ast.expr, scope: Scope, *, bare: bool = False) -> bool:
        """Read the helpers that an expression calls; whether its outermost call is one that was read."""
        outer = False
        for call in reversed(list(calls_in(value))):
            self.patches_of(call)
            found = helper_of(call, scope, self._side)
            if found is not None:
                read = self._enter(call, found, scope, bare=bare and call is value)
                outer = outer or (read and call is value)
            kept = scope.flaw
            for later in calls_later(call):
                scope.flaw = kept or ("swallowed" if last_name(call.func) in OTHER_THREADS else "")
                self.calls(later, scope)
            scope.flaw = kept
        for part in ast.walk(value):
            if isinstance(part, ast.NamedExpr) and isinstance(part.target, ast.Name):
                scope.bind(part.target.id, scope.inline(part.value))
        return outer

    def _enter(self, call: ast.Call, helper: Helper, scope: Scope, *, bare: bool = False) -> bool:
        node, family = helper.node, helper.family
        if self._depth >= DEEP or node in self._active or self._left < 0:
            return False
        local = node in scope.functions.values()
        home = scope.homes.get(last_name(call.func), scope)
        inner = Scope(helper.module, dict(home.names) if local else {}, dict(home.functions) if local else {}, family)
        inner.keys, inner.opaque = (dict(home.keys), set(home.opaque)) if local else ({}, set())
        give_fields(helper, inner, scope)
        if family and helper.made is None:
            for name, value in scope.names.items():
                if name.startswith("self."):
                    inner.bind(name, value)
        inner.guards, inner.flaw = scope.guards, scope.flaw
        if bare and not node.decorator_list and any(isinstance(part, ast.Yield) for part in own_parts(node)):
            inner.flaw = inner.flaw or "unreachable"  # the generator is never started
        if not pass_arguments(call, node, inner, scope, bool(family) and not local):
            return False
        before, self._depth = len(self.claims), self._depth + 1
        self._active.append(node)
        self.body(without_docstring(node.body), inner)
        self._active.pop()
        self._depth -= 1
        given = node.body[-1] if node.body else None
        returns = sum(isinstance(part, ast.Return | ast.Yield | ast.YieldFrom) for part in ast.walk(node))
        told = helper.made is None or any(claim.counts for claim in self.claims[before:])
        if isinstance(given, ast.Return) and given.value is not None and returns == 1 and told:
            scope.results[id(call)] = inner.inline(given.value)
        for name, value in inner.names.items() if helper.made is None else ():
            if name.startswith("self."):
                scope.bind(name, value)
        # A helper without a claim is like any other call: something happened.
        return len(self.claims) > before

    def nested(self, node: Function, scope: Scope) -> None:
        """Read the functions that a test defines and passes on, or defines and never uses."""
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        called = {last_name(call.func) for call in calls_in(node)}
        for part in ast.walk(node):
            if (
                part is node
                or not isinstance(part, Function)
                or not any(isinstance(one, ast.Assert) for one in ast.walk(part))
            ):
                continue
            if part.name in called and part.name in scope.functions:
                continue  # was read where it is called
            there = part.name in used or part.decorator_list or scope.functions.get(part.name) is not part
            inner = Scope(scope.module, dict(scope.names), dict(scope.functions), scope.family)
            inner.keys, inner.opaque = dict(scope.keys), set(scope.opaque)
            inner.flaw = "" if there else "unreachable"
            for argument in (*part.args.posonlyargs, *part.args.args, *part.args.kwonlyargs):
                inner.hide(argument.arg)
            self.body(without_docstring(part.body), inner)
