"""Note what a test checks, gives names to and replaces, while it is read."""

from __future__ import annotations

import ast
import functools
import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gates.analysis.checks.cases import bound_to
from gates.analysis.checks.claims import EQUAL, NOTHING, PART, Claim
from gates.analysis.checks.demands import Demand, demands_of
from gates.analysis.checks.expand import expanded, is_in_everything
from gates.analysis.checks.parts import Part, peeled
from gates.analysis.checks.reading import Function, Side, words_in
from gates.analysis.checks.scope import Binder, History, Scope
from gates.analysis.checks.statements import nothing_of
from gates.analysis.checks.trees import (
    BUILTINS,
    calls_in,
    constant,
    dotted,
    is_literal,
    keyword,
    last_name,
    rebuilt,
    root_of,
    size_of,
    text_of,
    truth,
)

_MOCKS = frozenset({"Mock", "MagicMock", "AsyncMock", "NonCallableMock", "create_autospec", "SimpleNamespace"})
_CASTS = frozenset(
    ["len", "bool", "int", "float", "str", "list", "tuple", "dict", "set", "frozenset", "type", "isinstance", "object"]
)
"""What makes a constant of constants."""

_LEFT_OUT = re.compile(r"\bnot in (\w+)")
_PRINTING = frozenset({"print", "pprint", "debug", "info", "warning", "log"})
_WHOLE = frozenset({"order", "true", "false", "type", "exists"})


class Record:
    """What was noted about one test.

    Attributes:
        claims: in order.
        binders: names that stand for cases.
        history: what happened to which value.
        patched: last names of what the test replaces.
        fakes: last name of what is replaced, and what the replacement gives.
        written: files that the test writes.
        unpacked: how many values something has where a target takes it apart: claims that count only as support.
        conditions: texts of the conditions that were read.
        filters: texts of the conditions by which cases are left out where they are listed.
        assumed: conditions that Hypothesis is told to assume.
        left_out_more: constants that say what is left out of a comparison, with what they hold on the head alone.
        demands: how often each demand is made beyond what must be.
        skips: condition, line and text of each place where the test skips itself.
    """

    def __init__(self, side: Side) -> None:
        self._side = side
        self.claims: list[Claim] = []
        self.unpacked: list[Claim] = []
        self.binders: list[Binder] = []
        self.history = History()
        self.patched: set[str] = set()
        self.fakes: set[tuple[str, str]] = set()
        self.written: set[str] = set()
        self.conditions: set[str] = set()
        self.filters: list[str] = []
        self.assumed: list[str] = []
        self.left_out_more: set[tuple[str, str]] = set()
        self.demands: Counter[Demand] = Counter()
        self.skips: list[tuple[str, int, str]] = []
        self._numbers = itertools.count(1)

    def happened(self, node: ast.stmt, scope: Scope, text: str = "") -> None:
        """Note that a statement changed something."""
        scope.used.clear()
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                text += text_of(scope.inline(part))
        self.history.add(set(scope.used), text)

    def note(self, parts: Iterable[Part], node: ast.AST, scope: Scope, text: str = "") -> None:
        """Note the claims of a statement."""
        text = text or text_of(node)
        for part in parts:
            self.claims.extend(self._claims(part, node, scope, text))

    def _claims(self, part: Part, node: ast.AST, scope: Scope, text: str) -> Iterator[Claim]:
        subject, loss, shape = peeled(part.subject)
        kind, level, expected = part.kind, part.level, part.expected
        written = text_of(part.expected) if part.expected is not None and self._side.varying else ""
        if self._side.varying:
            part = self._varied(part, scope)
            expected = part.expected
        if shape and kind == "equal":
            kind, level = ("length", PART) if shape == "length" else ("type", 1)
        elif (shape, kind) != ("length", "order") and (shape or kind in _WHOLE):
            subject, loss = part.subject, frozenset[str]()
        scope.used.clear()
        scope.inline(part.written)
        root = root_of(subject)
        words = {*words_in(subject), *(words_in(expected) if expected is not None else ())}
        told = text_of(expected) if expected is not None else ""
        made = self.settled(expected, scope) if expected is not None else None
        if part.flaw == "itself" and grows(part.written, scope):
            part, level = replace(part, flaw=""), EQUAL
        if kind == "contains" and is_in_everything(f"{part.sign} {told}"):
            part = replace(part, flaw="constant")
        flaw = part.flaw or scope.flaw or self._hollow(subject, part.written, kind, scope)
        plain = functools.partial(self._side.plain, scope.module)
        claim = Claim(
            kind=kind,
            subject=plain(text_of(subject)),
            expected=plain(f"{part.sign} {told}".strip()),
            level=NOTHING if flaw else level,
            told=plain(scope.anonymous(peeled(part.written)[0])),
            root="" if isinstance(root, ast.Constant) else plain(text_of(root)),
            words=frozenset(words),
            loss=part.loss | loss,
            state=self.history.of(set(scope.used)),
            guards=scope.guards,
            flaw=flaw,
            exceptions=part.exceptions,
            match=part.match,
            tolerance=part.tolerance,
            awaited=any(isinstance(one, ast.Await) for one in ast.walk(part.written)),
            literal=made is not None and is_literal(made),
            size=size_of(expected) if expected is not None else 1,
            calls=frozenset(last_name(call.func) for call in calls_in(made)) if made is not None else frozenset(),
            line=getattr(node, "lineno", 0),
            path=scope.module.path,
            text=text,
        )
        # Of both sides of a comparison; where only one has it, it says which things are looked at.
        on_both = set(_LEFT_OUT.findall(claim.subject)) & set(_LEFT_OUT.findall(written))
        for name in on_both if self._side.varying else ():
            both = self._side.both_of(name, scope.module)
            if both is not None:
                more = _items(both[1]) - _items(both[0])
                self.left_out_more |= {(name, each) for each in more if not self._side.came(each.strip("'\""))}
        yield from expanded(claim, self.binders)

    def _varied(self, part: Part, scope: Scope) -> Part:
        """A claim with the values of constants that differ between the sides."""

        def value(name: str) -> ast.expr | None:
            return None if name in scope.opaque else self._side.value_of(name, scope.module)

        def change(node: ast.AST) -> ast.expr | None:
            return value(node.id) if isinstance(node, ast.Name) else None

        def told(text: str) -> str:
            found = value(text.strip("<>"))
            return text if found is None else text_of(found)

        if part.expected is not None:
            part = replace(part, expected=rebuilt(part.expected, change))
        match = None if part.match is None else part.match
        if match is not None and match.startswith("<"):
            match = constant(value(match.strip("<>"))) or match
        exceptions = tuple(
            sorted(
                {one for name in part.exceptions for one in told(name).strip("()").replace(" ", "").split(",") if one}
            )
        )
        tolerance = tuple((name, told(text)) for name, text in part.tolerance)
        return replace(part, match=match, exceptions=exceptions, tolerance=tolerance)

    def settled(self, node: ast.expr, scope: Scope) -> ast.expr:
        """An expectation with the constants of the test code put in place."""

        def change(part: ast.AST) -> ast.expr | None:
            if not isinstance(part, ast.Name) or part.id in scope.opaque:
                return None
            if part.id in scope.module.constants:
                return scope.module.constants[part.id]
            there = self._side.found(scope.module.imports[part.id]) if part.id in scope.module.imports else None
            return there[0].constants.get(there[1]) if there is not None else None

        return rebuilt(node, change)

    def _hollow(self, subject: ast.expr, written: ast.expr, kind: str, scope: Scope) -> str:
        """Why a subject is none: nothing but constants, or a mock that the test made to give this answer."""
        if kind in {"raises", "warns", "exits", "mock"}:
            return ""
        names = [part.id for part in ast.walk(subject) if isinstance(part, ast.Name)]
        if all(name in _CASTS and name not in scope.opaque for name in names) and not any(
            isinstance(part, ast.Attribute | ast.Subscript) for part in ast.walk(subject)
        ):
            return "" if grows(written, scope) else "constant"
        known = {name for name in names if name not in BUILTINS}
        root = root_of(subject)
        if isinstance(root, ast.Call) and (
            (known and known <= _MOCKS | {"mock", "unittest"}) or last_name(root.func) in _MOCKS
        ):
            return "mocked"
        if (
            kind in {"true", "exists", "unequal"}
            and isinstance(subject, ast.Call)
            and not isinstance(written, ast.Await)
        ):
            return "not-awaited" if self._is_coroutine(subject, scope) else ""
        return ""

    def fake(self, name: str, value: ast.expr) -> None:
        """Note that something is replaced, and by what."""
        self.patched.add(name)
        if isinstance(value, ast.Call) and last_name(value.func) in _MOCKS:
            value = keyword(value, "return_value") or value
        if isinstance(value, ast.Lambda):
            value = value.body
        if is_literal(value):
            self.fakes.add((name, text_of(value)))

    def _is_coroutine(self, call: ast.Call, scope: Scope) -> bool:
        """Whether a call of production code gives a coroutine, which nothing awaits."""
        front, _, name = dotted(call.func).rpartition(".")
        where = scope.module.imports.get(front or name, "")
        found = self._side.production(f"{where}.{name}" if front else where) if where else None
        return found is not None and isinstance(found[0].functions.get(found[1]), ast.AsyncFunctionDef)

    def patches_of(self, call: ast.Call) -> None:
        """Note what a call of `patch` replaces, and what any call demands."""
        self.demands.update(demands_of(call))
        name = last_name(call.func)
        whole = dotted(call.func)
        if keyword(call, "wraps") is not None:
            return  # what is there is called as before
        if name == "patch" or (name in {"object", "setattr", "multiple"} and "patch" in whole.lower()):
            for one in call.args[:2]:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    self.patched.add(one.value.rpartition(".")[2])
                    given = keyword(call, "return_value")
                    self.fake(one.value.rpartition(".")[2], given if given is not None else call.args[-1])

    def give(self, target: ast.expr, value: ast.expr, scope: Scope, node: ast.stmt) -> None:
        """Give the names of a target a value."""
        match target:
            case ast.Name(id=name):
                scope.functions.pop(name, None)
                scope.bind(name, value)
                if isinstance(value, ast.Call) and last_name(value.func) in _MOCKS:
                    self.patched.add(name)
            case ast.Attribute(value=ast.Name(id=("self" | "cls") as owner), attr=attr):
                scope.bind(f"{owner}.{attr}", value)
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                written = value if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(elts) else None
                for at, one in enumerate(elts):
                    part = written.elts[at] if written else ast.Subscript(value, ast.Constant(at), ast.Load())
                    self.give(one.value if isinstance(one, ast.Starred) else one, part, scope, node)
            case _:
                if isinstance(target, ast.Attribute) and (
                    (isinstance(value, ast.Call) and last_name(value.func) in _MOCKS) or isinstance(value, ast.Lambda)
                ):
                    self.patched.add(target.attr)
                scope.used.clear()
                place = text_of(scope.inline(target))
                self.history.add(set(scope.used), f"{place} = {text_of(value)}")

    def unpacked_into(self, target: ast.Tuple | ast.List, value: ast.expr, scope: Scope) -> None:
        """Note how many values an assignment takes from something that is not written out: with others it would fail."""
        if not isinstance(value, ast.Tuple | ast.List) and not any(isinstance(one, ast.Starred) for one in target.elts):
            claim = Claim(
                "unpacked",
                self._side.plain(scope.module, text_of(value)),
                str(len(target.elts)),
                NOTHING,
                path=scope.module.path,
                text=text_of(value),
            )
            self.unpacked += expanded(claim, self.binders)

    def bind_cases(self, target: ast.expr, values: Sequence[ast.expr] | None, scope: Scope) -> bool:
        """Let the names of a target stand for each of some values; whether that was possible."""
        if not values:
            return False
        bound = [bound_to(target, value) for value in values]
        names = list(bound[0]) if bound[0] else []
        if not names or any(one is None or list(one) != names for one in bound):
            return False
        number = next(self._numbers)
        stands = tuple(f"{name}§{number}" for name in names)
        cases = dict.fromkeys(tuple(text_of(one[name]) for name in names) for one in bound if one is not None)
        self.binders.append(Binder(stands, tuple(cases)))
        for name, stand in zip(names, stands, strict=True):
            scope.bind(name, ast.Name(stand, ast.Load()))
        return True

    def left_out(self, values: ast.expr) -> None:
        """Note the conditions of a comprehension that gives the cases."""
        for part in ast.walk(values):
            if isinstance(part, ast.comprehension):
                self.filters.extend(map(text_of, part.ifs))

    def each_of(self, target: ast.expr, values: ast.expr, scope: Scope) -> None:
        """Let the names of a target stand for each of some values that are not known."""
        each = ast.Call(ast.Name("each", ast.Load()), [values], [])
        self.give(target, each, scope, ast.Pass())

    def local_function(self, node: Function, scope: Scope) -> None:
        """Give a local function its name, which tells its code."""
        scope.functions[node.name] = node
        digest = _digest(node)
        scope.bind(node.name, ast.Name(f"{node.name}~{digest}", ast.Load()))

    def local_class(self, node: ast.ClassDef, scope: Scope) -> None:
        """The same for a class."""
        digest = _digest(node)
        scope.bind(node.name, ast.Name(f"{node.name}~{digest}", ast.Load()))

    def exits(self, node: ast.stmt, value: ast.expr, scope: Scope) -> None:
        """`subprocess.run(…, check=True)` checks the exit code."""
        for call in calls_in(value):
            check = next((one for one in call.keywords if one.arg == "check"), None)
            always = last_name(call.func) in {"check_call", "check_output"}
            if always or (check is not None and last_name(call.func) == "run"):
                plain = ast.Call(call.func, call.args, [one for one in call.keywords if one is not check])
                part = Part("exits", PART, scope.inline(plain), plain)
                off = check is not None and truth(check.value) is False
                self.note([replace(part, level=NOTHING, flaw="unchecked-exit") if off else part], node, scope)

    def other_call(self, node: ast.Expr, call: ast.Call, name: str, scope: Scope) -> None:
        """Note what a call does that checks nothing: it prints, writes or replaces something."""
        if name == "assume" and call.args:
            self.assumed.append(text_of(scope.inline(call.args[0])))
        elif name in _PRINTING:
            for one in call.args:
                self.note([nothing_of(one, scope, "printed")], node, scope)
        elif name in {"write_text", "write_bytes"} and isinstance(call.func, ast.Attribute):
            self.written.add(text_of(scope.inline(call.func.value)))
        elif name == "setattr" and dotted(call.func).partition(".")[0] in {"monkeypatch", "mocker"} and call.args:
            target = call.args[1] if len(call.args) > 2 else call.args[0]
            if isinstance(target, ast.Constant):
                self.fake(str(target.value).rpartition(".")[2], call.args[-1])


_PLAIN_BASE = re.compile(r", bases=\[(Name\(id='object', ctx=Load\(\)\))?\]")
"""`class C(object)` is `class C`."""


def _digest(node: ast.AST) -> str:
    text = _PLAIN_BASE.sub("", ast.dump(node))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:6]


def grows(written: ast.expr, scope: Scope) -> bool:
    """Whether an expression is about a list, or the like, that the code under test may have changed since it was made."""
    names = (dotted(part) for part in ast.walk(written) if isinstance(part, ast.Name | ast.Attribute))
    return not scope.growing.isdisjoint(names)


def _items(node: ast.expr) -> set[str]:
    return {text_of(one) for one in node.elts} if isinstance(node, ast.Set | ast.List | ast.Tuple) else set()
