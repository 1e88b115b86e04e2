"""Read one test as Python would run it, as far as its source shows, and note what it checks."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gates.analysis.checks.calls import EXPECTING, checked_by_call, expectation, is_mock_assertion
from gates.analysis.checks.claims import NOTHING
from gates.analysis.checks.helpers import helper_of, pass_arguments, settled
from gates.analysis.checks.parts import parts_of, unrolled
from gates.analysis.checks.reading import Function, Module, Side
from gates.analysis.checks.record import Record
from gates.analysis.checks.scope import Scope
from gates.analysis.checks.statements import (
    cases_of,
    caught_by,
    fails,
    gives_up,
    nothing_of,
    own_parts,
    raising,
    without_docstring,
)
from gates.analysis.checks.trees import calls_in, dotted, last_name, text_of, truth

DEEP = 4
"""Maximum depth of helpers that call helpers."""

LONG = 4000
"""Maximum number of statements that are read for one test."""

_EVERYTHING = frozenset({"AssertionError", "Exception", "BaseException"})
_FAILING = frozenset({"fail", "xfail"})
_SKIPPING = frozenset({"skip", "skipTest", "importorskip", "exit"})


class Walker(Record):
    """Reads the statements of one test."""

    def __init__(self, side: Side, module: Module) -> None:
        super().__init__(side)
        self._module = module
        self._depth = 0
        self._left = LONG
        self._active: list[Function] = []
        self._raising = 0

    # What runs one after the other.

    def body(self, body: Iterable[ast.stmt], scope: Scope) -> bool:
        """Read statements; whether the function ends in them."""
        ended = False
        for node in body:
            self._left -= 1
            if self._left < 0:
                return ended
            if ended and not scope.flaw:
                scope.flaw = "unreachable"
            ended = self._statement(node, scope) or ended
        return ended

    def _statement(self, node: ast.stmt, scope: Scope) -> bool:
        match node:
            case ast.Assert(test=test):
                self._asserted(node, test, scope)
            case ast.Expr(value=value):
                return self._expression(node, value, scope)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                self._assigned(node, scope)
            case ast.For() | ast.AsyncFor():
                self._loop(node, scope)
            case ast.If():
                return self._branch(node, scope)
            case ast.While(test=test, body=body):
                known = truth(scope.inline(test))
                with_guard = () if known else (text_of(scope.inline(test)),)
                self._apart(body, scope, with_guard, "unreachable" if known is False else "")
            case ast.With() | ast.AsyncWith():
                return self._with(node, scope)
            case ast.Try() | ast.TryStar():
                return self._try(node, scope)
            case ast.Match(cases=cases):
                for case in cases:
                    self._apart(case.body, scope, (text_of(case.pattern),))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.local_function(node, scope)
            case ast.ClassDef():
                self.local_class(node, scope)
            case ast.Return(value=value):
                if value is not None:
                    self._calls(value, scope)
                return True
            case ast.Raise(exc=exc):
                if exc is not None and "SkipTest" in text_of(exc):
                    self.skips.append((" and ".join(scope.guards), node.lineno, text_of(node)))
                return True
            case ast.Continue() | ast.Break():
                return True
            case ast.Delete():
                self.happened(node, scope)
            case ast.Import() | ast.ImportFrom():
                inner = Module(self._module.path, None)
                inner.look_at([node])
                for name, where in inner.imports.items():
                    scope.module.imports.setdefault(name, where)
            case _:
                pass
        return False

    def _apart(self, body: Sequence[ast.stmt], scope: Scope, guards: tuple[str, ...] = (), flaw: str = "") -> bool:
        """Read statements that run under more conditions than those around them."""
        kept = scope.guards, scope.flaw
        scope.guards, scope.flaw = (*scope.guards, *guards), scope.flaw or flaw
        ended = self.body(body, scope)
        scope.guards, scope.flaw = kept
        return ended

    # Assertions.

    def _asserted(self, node: ast.stmt, test: ast.expr, scope: Scope, negated: bool = False) -> None:
        self._calls(test, scope)
        if isinstance(test, ast.Call):
            loop = test.args[0] if last_name(test.func) == "all" and test.args else None
            if isinstance(loop, ast.GeneratorExp) and len(loop.generators) == 1 and not negated:
                self._each(node, loop, scope)
                return
        self.note(parts_of(test, scope.inline, negated), node, scope)

    def _each(self, node: ast.stmt, loop: ast.GeneratorExp, scope: Scope) -> None:
        """`assert all(f(x) == y for x, y in …)` is a loop."""
        one = loop.generators[0]
        body: list[ast.stmt] = [ast.copy_location(ast.Assert(loop.elt, None), node)]
        if one.ifs:
            body = [ast.copy_location(ast.If(ast.BoolOp(ast.And(), list(one.ifs)), body, []), node)]
        self._loop(ast.copy_location(ast.For(one.target, one.iter, body, []), node), scope)

    # Expressions.

    def _expression(self, node: ast.Expr, value: ast.expr, scope: Scope) -> bool:
        inner = value.value if isinstance(value, ast.Await | ast.YieldFrom) else value
        if isinstance(inner, ast.Yield):
            return False
        if not isinstance(inner, ast.Call):
            self._dropped(node, inner, scope)
            return False
        name = last_name(inner.func)
        before = len(self.claims)
        resolved = self._calls(inner, scope, bare=value is inner)
        if name in EXPECTING:
            self._expecting_call(node, inner, scope)
            return False
        if name in _FAILING and dotted(inner.func) in {"pytest.fail", "self.fail", "fail", "pytest.xfail", "xfail"}:
            if name == "xfail":
                self.skips.append((" and ".join(scope.guards), inner.lineno, text_of(node)))
            return True
        if name in _SKIPPING and dotted(inner.func) in {f"pytest.{name}", f"self.{name}", name}:
            self.skips.append((" and ".join(scope.guards) or text_of(inner), inner.lineno, text_of(node)))
            return name != "importorskip"
        if not resolved:
            parts = checked_by_call(inner, scope.inline)
            if parts is not None:
                self.note(parts, node, scope)
                return False
            self.other_call(node, inner, name, scope)
        self.exits(node, inner, scope)
        if len(self.claims) == before:
            self.happened(node, scope)
        return False

    def _dropped(self, node: ast.Expr, value: ast.expr, scope: Scope) -> None:
        """An expression whose value is not used."""
        self._calls(value, scope)
        match value:
            case ast.Compare() if not self._raising:
                self.note(
                    (replace(part, level=NOTHING, flaw="not-asserted") for part in parts_of(value, scope.inline)),
                    node,
                    scope,
                )
            case ast.Attribute(value=inner, attr=name) if is_mock_assertion(name):
                self.note([nothing_of(inner, scope, "not-called")], node, scope)
            case _:
                pass

    def _expecting_call(self, node: ast.stmt, call: ast.Call, scope: Scope) -> None:
        """`assertRaises(ValueError, f, 1)`."""
        kind, names, match, rest = expectation(call, scope.inline)
        if rest:
            made = ast.Call(rest[0], rest[1:], [one for one in call.keywords if one.arg not in {"match", "msg"}])
            self.note([raising(kind, names, match, scope.inline(made), made)], node, scope)

    def _calls(self, value: ast.expr, scope: Scope, *, bare: bool = False) -> bool:
        """Read the helpers that an expression calls; whether its outermost call is one that was read."""
        outer = False
        for call in reversed(list(calls_in(value))):
            self.patches_of(call)
            found = helper_of(call, scope, self._side)
            if found is not None:
                read = self._enter(call, *found, scope, bare=bare and call is value)
                outer = outer or (read and call is value)
        for part in ast.walk(value):
            if isinstance(part, ast.NamedExpr) and isinstance(part.target, ast.Name):
                scope.bind(part.target.id, scope.inline(part.value))
        return outer

    def _enter(
        self,
        call: ast.Call,
        node: Function,
        module: Module,
        family: tuple[ast.ClassDef, ...],
        scope: Scope,
        *,
        bare: bool = False,
    ) -> bool:
        if self._depth >= DEEP or node in self._active or self._left < 0:
            return False
        local = node in scope.functions.values()
        home = scope.homes.get(last_name(call.func), scope)
        inner = Scope(module, dict(home.names) if local else {}, dict(home.functions) if local else {}, family)
        inner.keys, inner.opaque = (dict(home.keys), set(home.opaque)) if local else ({}, set())
        if family:
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
        if isinstance(given, ast.Return) and given.value is not None and returns == 1:
            scope.results[id(call)] = inner.inline(given.value)
        for name, value in inner.names.items():
            if name.startswith("self."):
                scope.bind(name, value)
        # A helper without a claim is like any other call: something happened.
        return len(self.claims) > before

    # Statements that give names a value.

    def _assigned(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, scope: Scope) -> None:
        value = node.value
        if value is None:
            return
        self._calls(value, scope)
        if isinstance(value, ast.Call) and last_name(value.func) in EXPECTING:
            self._expecting_call(node, value, scope)
        self.exits(node, value, scope)
        inlined = scope.inline(value)
        if isinstance(inlined, ast.ListComp):
            inlined = unrolled(inlined) or inlined
        if isinstance(node, ast.AugAssign):
            current = scope.inline(node.target)
            self.give(node.target, ast.BinOp(current, node.op, inlined), scope, node)
            return
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            self.give(target, inlined, scope, node)

    # Statements around others.

    def _loop(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        self._calls(node.iter, scope)
        values = cases_of(settled(self._side, scope.inline(node.iter), scope))
        if values is not None and not values:
            self._apart(node.body, scope, flaw="unreachable")
            return
        if values and any(isinstance(one, ast.Break | ast.Return) for one in node.body):
            values = values[:1]
        if not self.bind_cases(node.target, values, scope):
            self.each_of(node.target, scope.inline(node.iter), scope)
        self._apart(node.body, scope)
        self.body(node.orelse, scope)

    def _branch(self, node: ast.If, scope: Scope) -> bool:
        self._calls(node.test, scope)
        condition = scope.inline(node.test)
        known = truth(settled(self._side, condition, scope))
        if known is not None:
            first = self._apart(node.body, scope, flaw="" if known else "unreachable")
            other = self._apart(node.orelse, scope, flaw="unreachable" if known else "")
            return first if known else other
        if gives_up(node.body):
            self._asserted(node, node.test, scope, negated=True)
            return self._apart(node.orelse, scope) and False
        if node.orelse and gives_up(node.orelse):
            self._asserted(node, node.test, scope)
            return self._apart(node.body, scope)
        text = text_of(condition)
        first = self._apart(node.body, scope, (text,))
        other = bool(node.orelse) and self._apart(node.orelse, scope, (f"not ({text})",))
        if first and other:
            return True
        if first or other:
            scope.guards = (*scope.guards, f"not ({text})" if first else text)
        return False

    def _with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> bool:
        expecting: list[ast.Call] = []
        guards: list[str] = []
        flaw = ""
        for item in node.items:
            call = item.context_expr
            self._calls(call, scope)
            name = last_name(call.func) if isinstance(call, ast.Call) else ""
            if isinstance(call, ast.Call) and name in EXPECTING and not expectation(call, scope.inline)[3]:
                expecting.append(call)
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
        return self._apart(node.body, scope, tuple(guards), flaw) and not flaw

    def _expecting(self, node: ast.With | ast.AsyncWith, calls: Sequence[ast.Call], scope: Scope) -> None:
        """`with pytest.raises(…):`, whose body is the subject."""
        last = node.body[-1]
        subject = last.value if isinstance(last, ast.Expr | ast.Assign | ast.Return) and last.value else None
        if subject is None:
            subject = ast.Name(f"<{text_of(last)}>", ast.Load())
        for call in calls:
            kind, names, match, _ = expectation(call, scope.inline)
            part = raising(kind, names, match, scope.inline(subject), subject)
            if isinstance(last, ast.Raise):
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
        for item in node.items:
            if item.optional_vars is not None and item.context_expr in calls:
                raised = ast.Call(ast.Name("raised", ast.Load()), [scope.inline(subject)], [])
                self.give(item.optional_vars, raised, scope, node)
        failing = any(
            last_name(call.func) not in {"warns", "deprecated_call", "assertLogs", "assertWarns"} for call in calls
        )
        kept = scope.flaw
        self._raising += 1
        for at, statement in enumerate(node.body):
            if failing and at:
                scope.flaw = scope.flaw or "unreachable"
            before = len(self.claims)
            self._statement(statement, scope)
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

    def _try(self, node: ast.Try | ast.TryStar, scope: Scope) -> bool:
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
                self._apart(handler.body, scope)
            return False
        guards = (f"no {', '.join(sorted(quiet))}",) if quiet else ()
        ended = self._apart(node.body, scope, guards, "swallowed" if hides else "")
        self._apart(node.orelse, scope, guards)
        for names, handler in caught:
            if handler.name:
                scope.hide(handler.name)
            self._apart(handler.body, scope, (f"except {', '.join(sorted(names)) or 'any'}",))
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
