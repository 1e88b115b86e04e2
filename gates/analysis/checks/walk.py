"""Read one test as Python would run it, as far as its source shows, and note what it checks."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import replace

from gates.analysis.checks.blocks import Blocks
from gates.analysis.checks.calls import EXPECTING, checked_by_call, is_mock_assertion
from gates.analysis.checks.cases import cases_of, unrolled
from gates.analysis.checks.claims import NOTHING
from gates.analysis.checks.helpers import helper_of, settled
from gates.analysis.checks.parts import chained, parts_of
from gates.analysis.checks.passed import calls_later, keeps_failures
from gates.analysis.checks.reading import Module
from gates.analysis.checks.record import grows
from gates.analysis.checks.scope import Scope
from gates.analysis.checks.searching import looked_for
from gates.analysis.checks.statements import (
    gives_up,
    nothing_of,
    only_first,
)
from gates.analysis.checks.trees import dotted, last_name, run, text_of, truth

_FAILING = frozenset({"fail", "xfail"})
_SKIPPING = frozenset({"skip", "skipTest", "importorskip", "exit"})


class Walker(Blocks):
    """Reads the statements of one test."""

    # What runs one after the other.

    def body(self, body: Iterable[ast.stmt], scope: Scope) -> bool:
        """Read statements; whether the function ends in them."""
        ended, before = False, None
        for node in body:
            self._left -= 1
            if self._left < 0:
                return ended
            if ended and not scope.flaw:
                scope.flaw = "unreachable"
            if before is not None:
                self._search(before, node, scope)
            ended, before = self.statement(node, scope) or ended, node
        if before is not None:
            self._search(before, None, scope)
        return ended

    def _search(self, loop: ast.stmt, after: ast.stmt | None, scope: Scope) -> None:
        """A loop that must find something checks that there is such a thing."""
        for condition in looked_for(loop, after):
            self.note(parts_of(condition, lambda node: run(scope.inline(node))), loop, scope, text_of(condition))

    def statement(self, node: ast.stmt, scope: Scope) -> bool:
        """Read a statement; whether the function ends in it."""
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
                self.apart(body, scope, with_guard, "unreachable" if known is False else "")
            case ast.With() | ast.AsyncWith():
                return self.with_block(node, scope)
            case ast.Try() | ast.TryStar():
                return self.try_block(node, scope)
            case ast.Match(cases=cases):
                for case in cases:
                    self.apart(case.body, scope, (text_of(case.pattern),))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self.local_function(node, scope)
            case ast.ClassDef():
                self.local_class(node, scope)
            case ast.Return(value=value):
                if value is not None:
                    self.calls(value, scope)
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
                inner = Module(scope.module.path, None)
                inner.look_at([node])
                for name, where in inner.imports.items():
                    scope.module.imports.setdefault(name, where)
            case _:
                pass
        return False

    # Assertions.

    def _asserted(self, node: ast.stmt, test: ast.expr, scope: Scope, negated: bool = False) -> None:
        self.calls(test, scope)
        if isinstance(test, ast.Call):
            loop = test.args[0] if last_name(test.func) == "all" and test.args else None
            if isinstance(loop, ast.GeneratorExp) and len(loop.generators) == 1 and not negated:
                self._each(node, loop, scope)
                return
        if any(isinstance(part, ast.ListComp | ast.DictComp | ast.In | ast.NotIn) for part in ast.walk(test)):
            # What a constant holds decides which values are compared, or accepted.
            self.note(parts_of(test, lambda one: settled(self._side, scope.inline(one), scope), negated), node, scope)
            return
        if isinstance(test, ast.Compare) and not negated and grows(test, scope):
            self.note(chained(test, scope.inline), node, scope)
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
        kept, scope.flaw = scope.flaw, scope.flaw or ("swallowed" if keeps_failures(inner) else "")
        resolved = self.calls(inner, scope, bare=value is inner)
        for later in calls_later(inner):
            if isinstance(later, ast.Call) and helper_of(later, scope, self._side) is None:
                self.note(checked_by_call(later, scope.inline) or (), node, scope)
        scope.flaw = kept
        if name in EXPECTING:
            self.expecting_call(node, inner, scope)
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
        self.calls(value, scope)
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

    # Statements that give names a value.

    def _assigned(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, scope: Scope) -> None:
        value = node.value
        if value is None:
            return
        self.calls(value, scope)
        if isinstance(value, ast.Call) and last_name(value.func) in EXPECTING:
            self.expecting_call(node, value, scope)
        self.exits(node, value, scope)
        inlined = scope.inline(value)
        if isinstance(inlined, ast.ListComp):
            inlined = unrolled(inlined)
        if isinstance(node, ast.AugAssign):
            current = scope.inline(node.target)
            self.give(node.target, ast.BinOp(current, node.op, inlined), scope, node)
            return
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            self.give(target, inlined, scope, node)
            if isinstance(target, ast.Tuple | ast.List):
                self.unpacked_into(target, inlined, scope)

    # Statements around others.

    def _loop(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        self.calls(node.iter, scope)
        self.left_out(node.iter)
        values = cases_of(settled(self._side, scope.inline(node.iter), scope))
        if values is not None and not values:
            self.apart(node.body, scope, flaw="unreachable")
            return
        whole = scope.inline(node.iter)
        once = any(isinstance(one, ast.Break | ast.Return) for one in node.body)
        first = whole if once else only_first(whole)
        if values and once:
            values = values[:1]
        if self.bind_cases(node.target, values, scope):
            pass
        elif first is not None:
            self.give(node.target, ast.Subscript(first, ast.Constant(0), ast.Load()), scope, node)
        else:
            self.each_of(node.target, whole, scope)
        self.apart(node.body, scope)
        self.body(node.orelse, scope)

    def _branch(self, node: ast.If, scope: Scope) -> bool:
        self.calls(node.test, scope)
        self.conditions.add(text_of(node.test))
        condition = scope.inline(node.test)
        decided = settled(self._side, condition, scope)
        known = truth(decided)
        if known is not None:
            first = self.apart(node.body, scope, flaw="" if known else "unreachable")
            other = self.apart(node.orelse, scope, flaw="unreachable" if known else "")
            return first if known else other
        if gives_up(node.body):
            self._asserted(node, node.test, scope, negated=True)
            return self.apart(node.orelse, scope) and False
        if node.orelse and gives_up(node.orelse):
            self._asserted(node, node.test, scope)
            return self.apart(node.body, scope)
        text = text_of(condition)
        if "§" in text:  # whether it is true for a case is known if all else is
            text = text_of(decided)
        first = self.apart(node.body, scope, (text,))
        other = bool(node.orelse) and self.apart(node.orelse, scope, (f"not ({text})",))
        if first and other:
            return True
        if first or other:
            scope.guards = (*scope.guards, f"not ({text})" if first else text)
        return False
