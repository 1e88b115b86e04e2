"""Read what a test checks: with its fixtures, parameters, set-up and what happens after it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from gates.analysis.checks.around import read_after, read_before
from gates.analysis.checks.cases import bound_to, cases_of, putting
from gates.analysis.checks.claims import CheckedTest, Mark
from gates.analysis.checks.found import Found, is_fixture
from gates.analysis.checks.helpers import settled
from gates.analysis.checks.reading import Function, Module, Side, words_in
from gates.analysis.checks.scope import Scope
from gates.analysis.checks.statements import own_parts
from gates.analysis.checks.trees import keyword, last_name, rebuilt, text_of
from gates.analysis.checks.walk import Walker

_MARKS = frozenset(
    {
        "flaky",
        "retry",
        "rerun",
        "reruns",
        "skip",
        "skipif",
        "xfail",
        "skipIf",
        "skipUnless",
        "expectedFailure",
        "importorskip",
    }
)
_PARAMETERS = frozenset({"parametrize", "parameterized", "expand"})


def read_test(side: Side, module: Module, test: Found) -> CheckedTest:
    """What a test checks."""
    walker = Walker(side)
    scope = Scope(module, family=test.family)
    decorators = [*test.node.decorator_list, *(one for owner in test.family[:1] for one in owner.decorator_list)]
    decorators += _module_marks(module, test.family)
    for decorator in decorators:
        if isinstance(decorator, ast.Call):
            walker.patches_of(decorator)
    for statement in module.tree.body if module.tree is not None else ():
        match statement:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id=place), attr=attr)], value=value):
                if place in module.imports:
                    walker.fake(attr, value)
            case _:
                pass
    _bind_parameters(walker, decorators, scope, side)
    _Fixtures(walker, side, module, test.family).provide(test.node, scope)
    read_before(walker, side, module, test, scope)
    body = test.node.body
    walker.body(body, scope)
    walker.nested(test.node, scope)
    read_after(walker, side, module, test, scope)
    marks = [*_marks(decorators, scope), *(Mark("skip()", condition, line=line, text=text) for condition, line, text in walker.skips)]  # fmt: skip
    return CheckedTest(
        id=test.id,
        path=module.path,
        claims=(*walker.claims, *walker.unpacked),
        marks=tuple(marks),
        patched=frozenset(walker.patched),
        cases=tuple(sorted({", ".join(case) for binder in walker.binders for case in binder.cases})),
        fakes=frozenset(walker.fakes),
        demands=walker.demands,
        strict=side.warnings_fail,
        assumed=tuple(walker.assumed),
        left_out_more=frozenset(walker.left_out_more),
        conditions=frozenset(walker.conditions),
        filters=tuple(walker.filters),
        written=frozenset(walker.written),
        line=test.node.lineno,
        decorators=tuple(_decorators(walker, test.node, module)),
        words=frozenset(words_in(ast.Module(body=list(body), type_ignores=[]))),
    )


def _decorators(walker: Walker, node: Function, module: Module) -> Iterator[str]:
    """The decorators as text, with what the test code gives to Hypothesis put in place."""
    for one in node.decorator_list:
        if isinstance(one, ast.Call) and last_name(one.func) == "given":
            scope = Scope(module)
            walker.calls(one, scope)
            yield text_of(walker.settled(scope.inline(one), scope))
        else:
            yield text_of(one)


def _module_marks(module: Module, family: Sequence[ast.ClassDef]) -> list[ast.expr]:
    found = [module.constants["pytestmark"]] if "pytestmark" in module.constants else []
    for owner in family[:1]:
        found += [
            node.value for node in owner.body
            if isinstance(node, ast.Assign) and last_name(node.targets[0]) == "pytestmark"
        ]  # fmt: skip
    return [one for each in found for one in (each.elts if isinstance(each, ast.List | ast.Tuple) else [each])]


def _marks(decorators: Iterable[ast.expr], scope: Scope) -> Iterator[Mark]:
    for decorator in decorators:
        call = decorator if isinstance(decorator, ast.Call) else None
        name = last_name(call.func if call else decorator)
        if name not in _MARKS:
            continue
        condition = keyword(call, "condition") if call else None
        if condition is None and call and call.args and name in {"skipif", "xfail", "skipIf", "skipUnless"}:
            condition = call.args[0]
        strict = keyword(call, "strict") if call else None
        raises = keyword(call, "raises") if call else None
        names = raises.elts if isinstance(raises, ast.Tuple) else [raises] if raises is not None else []
        text = "" if condition is None else text_of(scope.inline(condition))
        yield Mark(
            name={"skipIf": "skipif", "skipUnless": "skipif", "expectedFailure": "xfail"}.get(name, name),
            condition=f"not ({text})" if name == "skipUnless" else text,
            strict=strict.value is True if isinstance(strict, ast.Constant) else None,
            raises=tuple(sorted(map(text_of, names))),
            line=decorator.lineno,
            text=f"@{text_of(decorator)}",
        )


def _bind_parameters(walker: Walker, decorators: Iterable[ast.expr], scope: Scope, side: Side) -> None:
    for decorator in decorators:
        if (
            not isinstance(decorator, ast.Call)
            or last_name(decorator.func) not in _PARAMETERS
            or len(decorator.args) < 1
        ):
            continue
        names, values = _parameters(decorator)
        if not names or values is None:
            continue
        given = _values(values, scope.module, side)
        walker.left_out(values)
        target: ast.expr = ast.Name(names[0], ast.Store())
        if len(names) > 1:
            target = ast.Tuple([ast.Name(name, ast.Store()) for name in names], ast.Store())
        if given is None or not walker.bind_cases(target, given, scope):
            each = ast.Call(ast.Name("each", ast.Load()), [values], [])
            for at, name in enumerate(names):
                several = ast.Subscript(each, ast.Constant(at), ast.Load())
                scope.bind(name, several if len(names) > 1 else each)


def _parameters(call: ast.Call) -> tuple[list[str], ast.expr | None]:
    names = call.args[0]
    values = call.args[1] if len(call.args) > 1 else keyword(call, "argvalues")
    match names:
        case ast.Constant(value=str() as text):
            return [name.strip() for name in text.split(",") if name.strip()], values
        case ast.List(elts=elts) | ast.Tuple(elts=elts):
            return [str(one.value) for one in elts if isinstance(one, ast.Constant)], values
        case _:
            return [], None


def _values(node: ast.expr, module: Module, side: Side) -> list[ast.expr] | None:
    """The cases of a parametrisation; None if they are computed."""
    match node:
        case ast.Name(id=name) if name in module.constants:
            return _values(module.constants[name], module, side)
        case ast.Name(id=name) if name in module.imports:
            found = side.found(module.imports[name])
            return (
                _values(found[0].constants[found[1]], found[0], side)
                if found and found[1] in found[0].constants
                else None
            )
        case ast.List(elts=elts) | ast.Tuple(elts=elts) | ast.Set(elts=elts):
            made: list[ast.expr] = []
            for one in elts:
                if isinstance(one, ast.Starred):
                    more = _values(one.value, module, side)
                    if more is None:
                        return None
                    made += more
                elif not _is_skipped(one):
                    made.append(_unwrapped(one))
            return made
        case ast.ListComp(elt=elt, generators=[loop]):
            several = _values(loop.iter, module, side)
            bound = [bound_to(loop.target, one) for one in several or ()]
            if not bound or None in bound:
                return None
            return [_unwrapped(rebuilt(elt, putting(one))) for one in bound if one is not None]
        case ast.Subscript(value=inner, slice=ast.Slice()):
            whole = _values(inner, module, side)
            return (
                None if whole is None else cases_of(ast.Subscript(ast.List(whole, ast.Load()), node.slice, ast.Load()))
            )
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            first, second = _values(left, module, side), _values(right, module, side)
            return None if first is None or second is None else first + second
        case ast.Call():
            return cases_of(settled(side, node, Scope(module)))
        case _:
            return None


def _is_skipped(node: ast.expr) -> bool:
    """Whether a case is marked so that it does not count."""
    marks = keyword(node, "marks") if isinstance(node, ast.Call) and last_name(node.func) == "param" else None
    text = text_of(marks) if marks is not None else ""
    return (".skip" in text and "skipif" not in text) or ".xfail" in text


def _unwrapped(node: ast.expr) -> ast.expr:
    """The values of `pytest.param(…)`."""
    if isinstance(node, ast.Call) and last_name(node.func) == "param":
        args = [
            each
            for one in node.args
            for each in (one.value.elts if isinstance(one, ast.Starred) and isinstance(one.value, ast.Tuple) else [one])
        ]
        return args[0] if len(args) == 1 else ast.Tuple(args, ast.Load())
    return node


class _Fixtures:
    """Gives a test's arguments the values of the fixtures with these names."""

    def __init__(self, walker: Walker, side: Side, module: Module, family: tuple[ast.ClassDef, ...]) -> None:
        self._walker, self._side, self._module, self._family = walker, side, module, family
        self._values: dict[str, ast.expr | None] = {}
        self._functions: dict[str, tuple[Function, Scope]] = {}
        self._modules = [module, *side.conftests(module.path)]

    def provide(self, node: Function, scope: Scope) -> None:
        of_files = [one for module in reversed(self._modules) for one in module.functions.values()]
        of_classes = [one for owner in reversed(self._family) for one in owner.body if isinstance(one, Function)]
        for fixture in (*of_files, *of_classes):
            if _is_autouse(fixture) and any(isinstance(part, ast.Assert) for part in ast.walk(fixture)):
                self._value(fixture.name, scope)
        for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
            name = argument.arg
            if name in {"self", "cls"} or name in scope.names or name in scope.opaque:
                continue
            value = self._value(name, scope)
            if value is None:
                scope.hide(name)
            else:
                scope.bind(name, value)
                if name in self._functions:
                    scope.functions[name], scope.homes[name] = self._functions[name]
                if name in self._functions:
                    scope.functions[name], scope.homes[name] = self._functions[name]

    def _value(self, name: str, scope: Scope) -> ast.expr | None:
        if name in self._values:
            return self._values[name]
        self._values[name] = None
        found = self._fixture(name)
        if found is None:
            return None
        node, module = found
        inner = Scope(module, family=self._family)
        parameters = _fixture_parameters(node)
        if parameters is not None:
            values = _values(parameters, module, self._side)
            if values:
                self._walker.bind_cases(ast.Name("request.param", ast.Store()), values, inner)
        self.provide(node, inner)
        self._walker.body(node.body, inner)
        scope.names |= {name: value for name, value in inner.names.items() if name.startswith("self.")}
        scope.keys |= {name: key for name, key in inner.keys.items() if name.startswith("self.")}
        given = [part for part in own_parts(node) if isinstance(part, ast.Return | ast.Yield)]
        if len(given) == 1 and given[0].value is not None and not inner.guards:
            self._values[name] = inner.inline(given[0].value)
            local = inner.functions.get(last_name(given[0].value))
            if local is not None:
                self._functions[name] = local, inner
            local = inner.functions.get(last_name(given[0].value))
            if local is not None:
                self._functions[name] = local, inner
        return self._values[name]

    def _fixture(self, name: str) -> tuple[Function, Module] | None:
        for owner in self._family:
            for node in owner.body:
                if isinstance(node, Function) and node.name == name and is_fixture(node):
                    return node, self._module
        for module in self._modules:
            known = module.functions.get(name)
            if known is None or not is_fixture(known):
                known = next((node for node in module.functions.values() if _is_fixture_called(node, name)), None)
            if known is not None:
                return known, module
            if name in module.imports:
                there = self._side.found(module.imports[name])
                if there is not None and there[1] in there[0].functions:
                    return there[0].functions[there[1]], there[0]
        return None


def _fixture_parameters(node: Function) -> ast.expr | None:
    for one in node.decorator_list:
        if isinstance(one, ast.Call) and last_name(one.func) == "fixture":
            return keyword(one, "params")
    return None


def _is_fixture_called(node: Function, name: str) -> bool:
    """Whether a fixture has another name than its function."""
    for one in node.decorator_list:
        if isinstance(one, ast.Call) and last_name(one.func) == "fixture":
            called = keyword(one, "name")
            return isinstance(called, ast.Constant) and called.value == name
    return False


def _is_autouse(node: Function) -> bool:
    return any(isinstance(one, ast.Call) and keyword(one, "autouse") is not None for one in node.decorator_list)


def helper_files(module: Module, side: Side) -> Iterator[str]:
    """The files of test code that a test file uses, directly."""
    yield from (one.path for one in side.conftests(module.path))
    for name in module.imports.values():
        found = side.found(name)
        if found is not None:
            yield found[0].path
