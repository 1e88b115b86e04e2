"""Find the function of the test code that a call runs, and give it its arguments."""

from __future__ import annotations

import ast

from gates.analysis.checks.reading import Function, Module, Side
from gates.analysis.checks.scope import Scope
from gates.analysis.checks.trees import LITERALS, last_name, rebuilt


def helper_of(call: ast.Call, scope: Scope, side: Side) -> tuple[Function, Module, tuple[ast.ClassDef, ...]] | None:
    """The function of the test code that a call runs."""
    match call.func:
        case ast.Name(id=name):
            if name in scope.functions:
                home = scope.homes.get(name, scope)
                return scope.functions[name], home.module, home.family
            value = scope.names.get(name)
            if value is not None or name in scope.opaque:
                return None
            if name in scope.module.functions:
                return scope.module.functions[name], scope.module, ()
            found = side.found(scope.module.imports[name]) if name in scope.module.imports else None
            if found is not None and found[1] in found[0].functions:
                return found[0].functions[found[1]], found[0], ()
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
            for owner in scope.family:
                for one in owner.body:
                    if isinstance(one, Function) and one.name == name:
                        return one, scope.module, scope.family
        case ast.Attribute(value=ast.Name(id=owner_name), attr=name) if owner_name in scope.module.imports:
            found = side.found(f"{scope.module.imports[owner_name]}.{name}")
            if found is not None and found[1] in found[0].functions:
                return found[0].functions[found[1]], found[0], ()
        case _:
            pass
    return None


def pass_arguments(call: ast.Call, node: Function, inner: Scope, outer: Scope, method: bool) -> bool:
    """Give the arguments of a call to a helper's names; whether that is possible."""
    names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    static = any(last_name(one) == "staticmethod" for one in node.decorator_list)
    if method and names and not static:
        names = names[1:]
    if any(isinstance(one, ast.Starred) for one in call.args) or any(one.arg is None for one in call.keywords):
        for name in [*names, *(one.arg for one in node.args.kwonlyargs)]:
            inner.hide(name)
        return True
    given = dict(zip(names, call.args, strict=False)) | {one.arg: one.value for one in call.keywords if one.arg}
    defaults = dict(zip(reversed(names), reversed(node.args.defaults), strict=False))
    only = {one.arg: value for one, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if value}
    for name in [*names, *(one.arg for one in node.args.kwonlyargs)]:
        inner.functions.pop(name, None)
        if name in given:
            inner.bind(name, outer.inline(given[name]))
            passed = given[name]
            if isinstance(passed, ast.Name) and passed.id in outer.functions:
                inner.functions[name] = outer.functions[passed.id]
        elif name in defaults or name in only:
            inner.bind(name, defaults.get(name) or only[name])
        else:
            inner.hide(name)
    for extra in (node.args.vararg, node.args.kwarg):
        if extra is not None:
            inner.hide(extra.arg)
    return True


def settled(side: Side, condition: ast.expr, scope: Scope) -> ast.expr:
    """A condition with the values of flags that the test code sets."""

    def change(part: ast.AST) -> ast.expr | None:
        if not isinstance(part, ast.Name) or part.id in scope.opaque:
            return None
        module, name = scope.module, part.id
        if name in module.imports:
            found = side.found(module.imports[name])
            module, name = found if found is not None else (module, "")
        value = module.constants.get(name)
        return value if isinstance(value, LITERALS) else None

    return rebuilt(condition, change)
