"""Read the statements around others: what a block expects to be raised, and what it catches."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from gates.analysis.checks.calls import EXPECTING, expectation
from gates.analysis.checks.claims import NOTHING
from gates.analysis.checks.entering import Entering
from gates.analysis.checks.helpers import helper_of
from gates.analysis.checks.parts import Part
from gates.analysis.checks.reading import Side
from gates.analysis.checks.scope import Scope
from gates.analysis.checks.statements import caught_by, fails, raising
from gates.analysis.checks.trees import calls_in, last_name, text_of

_EVERYTHING = frozenset({"AssertionError", "Exception", "BaseException"})


class Blocks(Entering):
    """Reads `with` and `try`; other statements are left to the class that builds on this one."""

    def __init__(self, side: Side) -> None:
        super().__init__(side)
        self._raising = 0

    def statement(self, node: ast.stmt, scope: Scope) -> bool:
        """Read a statement; whether the function ends in it."""
        raise NotImplementedError

    def apart(self, body: Sequence[ast.stmt], scope: Scope, guards: tuple[str, ...] = (), flaw: str = "") -> bool:
        """Read statements that run under more conditions than those around them."""
        kept = scope.guards, scope.flaw
        scope.guards, scope.flaw = (*scope.guards, *guards), scope.flaw or flaw
        ended = self.body(body, scope)
        scope.guards, scope.flaw = kept
        return ended

    def expecting_call(self, node: ast.stmt, call: ast.Call, scope: Scope) -> None:
        """`assertRaises(ValueError, f, 1)`."""
        kind, names, match, rest = expectation(call, scope.inline)
        if rest:
            made = ast.Call(rest[0], rest[1:], [one for one in call.keywords if one.arg not in {"match", "msg"}])
            part = raising(kind, names, match, scope.inline(made), made)
            self.note([self._own_error(part, made, scope)], node, scope)

    def _own_error(self, part: Part, call: ast.expr, scope: Scope) -> Part:
        """A claim that something raises checks nothing if the test code always raises there itself."""
        helper = helper_of(call, scope, self._side) if isinstance(call, ast.Call) else None
        always = helper is not None and any(isinstance(one, ast.Raise) for one in helper.node.body)
        return replace(part, level=NOTHING, flaw="constant") if always else part

    def with_block(self, node: ast.With | ast.AsyncWith, scope: Scope) -> bool:
        """Read a `with` statement; whether the function ends in it."""
        expecting: dict[ast.Call, ast.expr | None] = {}
        guards: list[str] = []
        flaw = ""
        for item in node.items:
            call = item.context_expr
            self.calls(call, scope)
            given = scope.results.get(id(call))
            if isinstance(given, ast.Call) and last_name(given.func) in EXPECTING:
                call = given  # a helper that gives `assertRaises(…)`
            name = last_name(call.func) if isinstance(call, ast.Call) else ""
            if isinstance(call, ast.Call) and name in EXPECTING and not expectation(call, scope.inline)[3]:
                expecting[call] = item.optional_vars
            elif isinstance(call, ast.Name) and "§" in text_of(scope.inline(call)):
                self._expectation_of_cases(node, call, scope)
                guards.append(f"quiet({text_of(scope.inline(call))})")
            elif isinstance(call, ast.Call) and name == "suppress":
                names = {last_name(one) for one in call.args}
                flaw = flaw or ("swallowed" if names & _EVERYTHING else "")
                guards.append(f"no {', '.join(sorted(names))}")
            elif isinstance(call, ast.Call) and name != "subTest":
                self.happened(ast.Expr(call), scope)
            if item.optional_vars is not None and not (isinstance(call, ast.Call) and call in expecting):
                self.give(item.optional_vars, scope.inline(call), scope, node)
        if expecting:
            self._expecting(node, expecting, scope)
            return False
        self._managed(node, "__enter__", scope)
        ended = self.apart(node.body, scope, tuple(guards), flaw) and not flaw
        self._managed(node, "__exit__", scope)
        return ended

    def _managed(self, node: ast.With | ast.AsyncWith, method: str, scope: Scope) -> None:
        """Read what an object of the test code does before or after a block."""
        for item in node.items:
            if isinstance(item.context_expr, ast.Call):
                made = ast.Call(ast.Attribute(item.context_expr, method, ast.Load()), [], [])
                if helper_of(made, scope, self._side) is not None:
                    self.calls(made, scope)

    def _expecting(
        self, node: ast.With | ast.AsyncWith, calls: Mapping[ast.Call, ast.expr | None], scope: Scope
    ) -> None:
        """`with pytest.raises(…):`, whose body is the subject."""
        last = node.body[-1]
        subject = last.value if isinstance(last, ast.Expr | ast.Assign | ast.Return) and last.value else None
        if isinstance(last, ast.Assert):
            subject = last.test
        if subject is None:
            subject = ast.Name(f"<{text_of(last)}>", ast.Load())
        for call in calls:
            kind, names, match, _ = expectation(call, scope.inline)
            part = raising(kind, names, match, scope.inline(subject), subject)
            if names == ("None",):  # `warns(None)` only records
                part = replace(part, level=NOTHING, flaw="anything")
            part = self._own_error(part, subject, scope)
            if isinstance(last, ast.Raise) and len(node.items) == len(calls):
                part = replace(part, level=NOTHING, flaw="constant")
            whole = f"with {text_of(call)}: " + "; ".join(text_of(one) for one in node.body)
            crowd = [
                one.value for one in node.body if isinstance(one, ast.Expr | ast.Assign) and any(calls_in(one.value))
            ]
            self.note([replace(part, sign="" if len(crowd) < 2 else f"one of {len(crowd)} calls")], node, scope, whole)
            if kind == "raises":
                for value in crowd[:-1]:
                    other = raising(kind, names, match, scope.inline(value), value)
                    self.note([replace(other, level=NOTHING, flaw="crowded")], node, scope, whole)
        for target in calls.values():
            if target is not None:
                raised = ast.Call(ast.Name("raised", ast.Load()), [scope.inline(subject)], [])
                self.give(target, raised, scope, node)
        failing = any(
            last_name(call.func) not in {"warns", "deprecated_call", "assertLogs", "assertWarns"} for call in calls
        )
        kept = scope.flaw
        self._raising += 1
        for at, statement in enumerate(node.body):
            if failing and at:
                scope.flaw = scope.flaw or "unreachable"
            before = len(self.claims)
            self.statement(statement, scope)
            if isinstance(statement, ast.Expr):  # a comparison that raises needs no assertion
                self.claims[before:] = [one for one in self.claims[before:] if one.flaw != "not-asserted"]
        scope.flaw = kept
        self._raising -= 1

    def _expectation_of_cases(self, node: ast.With | ast.AsyncWith, name: ast.Name, scope: Scope) -> None:
        """`with expectation:`, where each case says whether the body raises."""
        for one in node.body[-1:]:
            for call in list(calls_in(one))[:1]:
                part = raising("raises", (text_of(scope.inline(name)),), None, scope.inline(call), call)
                self.note([part], node, scope)

    def try_block(self, node: ast.Try | ast.TryStar, scope: Scope) -> bool:
        """Read a `try` statement; whether the function ends in it."""
        caught = [(caught_by(handler), handler) for handler in node.handlers]
        hides = any(isinstance(one, ast.Return) for one in node.finalbody) or any(
            (not names or names & _EVERYTHING) and not fails(one.body, scope) for names, one in caught
        )
        quiet = [name for names, one in caught if not fails(one.body, scope) for name in (names or {"any"})]
        failing = fails(node.body[-1:]) or fails(node.orelse)
        if failing and caught and not hides:
            tried = node.body[:-1] if fails(node.body[-1:]) else node.body
            raised = self._tried(node, tried, sorted(set().union(*(names for names, _ in caught))), scope)
            for _, handler in caught:
                if handler.name and raised is not None:
                    self.give(ast.Name(handler.name, ast.Store()), raised, scope, node)
                elif handler.name:
                    scope.hide(handler.name)
                self.apart(handler.body, scope)
            return False
        guards = (f"no {', '.join(sorted(quiet))}",) if quiet else ()
        ended = self.apart(node.body, scope, guards, "swallowed" if hides else "")
        self.apart(node.orelse, scope, guards)
        for names, handler in caught:
            if handler.name:
                scope.hide(handler.name)
            self.apart(handler.body, scope, (f"except {', '.join(sorted(names)) or 'any'}",))
        self.body(node.finalbody, scope)
        return (ended and not caught) or any(isinstance(one, ast.Return) for one in node.finalbody)

    def _tried(self, node: ast.stmt, body: Sequence[ast.stmt], names: Sequence[str], scope: Scope) -> ast.Call | None:
        """`try: f()` … `else: fail()` says that `f` raises; what it raises, if that is known."""
        last = body[-1] if body else None
        subject = last.value if isinstance(last, ast.Expr | ast.Assign) else None
        if subject is None:
            return None
        self.note([raising("raises", tuple(names), None, scope.inline(subject), subject)], node, scope)
        return ast.Call(ast.Name("raised", ast.Load()), [scope.inline(subject)], [])
