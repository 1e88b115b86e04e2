"""Find the function of the test code that a call runs, and give it its arguments."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from gates.analysis.checks.reading import Function, Module, Side
from gates.analysis.checks.scope import Scope
from gates.analysis.checks.trees import LITERALS, dotted, last_name, rebuilt


@dataclass(frozen=True)
class Helper:
    """The function of the test code that a call runs.

    Attributes:
        node: the function.
        module: the file that it is in.
        family: its class and the bases of that, for a method.
        made: the call that made the object whose method it is; None for a method of the test's own class.
    """

    node: Function
    module: Module
    family: tuple[ast.ClassDef, ...] = ()
    made: ast.Call | None = None


def helper_of(call: ast.Call, scope: Scope, side: Side) -> Helper | None:
    """The function of the test code that a call runs."""
    match call.func:
        case ast.Name(id=name):
            if name in scope.functions:
                home = scope.homes.get(name, scope)
                return Helper(scope.functions[name], home.module, home.family)
            value = scope.names.get(name)
            if value is not None or name in scope.opaque:
                return None
            if name in scope.module.functions:
                return Helper(scope.module.functions[name], scope.module)
            found = side.found(scope.module.imports[name]) if name in scope.module.imports else None
            if found is not None and found[1] in found[0].functions:
                return Helper(found[0].functions[found[1]], found[0])
        case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
            found_method = _method(scope.family, name)
            if found_method is None:
                return None
            method, owner = found_method
            return Helper(method, side.home(owner, scope.module), scope.family)
        case ast.Attribute(value=ast.Name(id=owner_name), attr=name) if owner_name in scope.module.imports:
            found = side.found(f"{scope.module.imports[owner_name]}.{name}")
            if found is not None and found[1] in found[0].functions:
                return Helper(found[0].functions[found[1]], found[0])
            return _of_object(call.func, scope, side)
        case ast.Attribute():
            return _of_object(call.func, scope, side)
        case _:
            pass
    return None


def _of_object(func: ast.Attribute, scope: Scope, side: Side) -> Helper | None:
    """The method of an object that the test code made from a class of its own."""
    made, module = scope.inline(func.value), scope.module
    if isinstance(made, ast.Name) and made.id not in scope.opaque:
        if made.id in module.imports:
            there_is = side.found(module.imports[made.id])
            made = there_is[0].constants.get(there_is[1], made) if there_is is not None else made
            module = there_is[0] if there_is is not None else module
        else:
            made = module.constants.get(made.id, made)
    if not isinstance(made, ast.Call):
        return None
    name = last_name(made.func)
    for there in (module, *side.conftests(module.path)):
        place = side.found(there.imports[name]) if name in there.imports else (there, name)
        if place is not None and place[1] in place[0].classes:
            family = family_of(place[0].classes[place[1]], place[0].classes, place[0], side)
            found = _method(family, func.attr)
            return None if found is None else Helper(found[0], side.home(found[1], place[0]), family, made)
    return None


def _method(family: tuple[ast.ClassDef, ...], name: str) -> tuple[Function, ast.ClassDef] | None:
    """A method with its class."""
    each = ((one, owner) for owner in family for one in owner.body if isinstance(one, Function) and one.name == name)
    return next(each, None)


def family_of(
    owner: ast.ClassDef, classes: dict[str, ast.ClassDef], module: Module, side: Side
) -> tuple[ast.ClassDef, ...]:
    """A class and those of its bases that the test code defines, also in other files, the nearest first.

    Args:
        owner: the class.
        classes: those that its file, and the class around it, define.
        module: its file.
        side: the files of the same side.
    """
    found, homes = [owner], [module]
    for one, home in zip(found, homes, strict=True):  # both grow while they are walked
        for base in one.bases:
            known = _class(base, classes if home is module else home.classes, home, side)
            if known is not None and known[0] not in found:
                side.settle(*known)
                found.append(known[0])
                homes.append(known[1])
    return tuple(found)


def _class(
    base: ast.expr, classes: dict[str, ast.ClassDef], home: Module, side: Side
) -> tuple[ast.ClassDef, Module] | None:
    """The class of the test code that a base is, with its file."""
    first, _, rest = dotted(base).partition(".")
    if not rest and first in classes:
        return classes[first], home
    there = side.found(".".join(filter(None, (home.imports[first], rest)))) if first in home.imports else None
    if there is not None and there[1] in there[0].classes:
        return there[0].classes[there[1]], there[0]
    return None


def give_fields(helper: Helper, inner: Scope, outer: Scope) -> None:
    """Give `self` of a method what its object was made with, as far as `__init__` or the fields of a data class say so."""
    if helper.made is None:
        return
    made = _method(helper.family, "__init__")
    init = None if made is None else made[0]
    scope = Scope(helper.module, family=helper.family)
    if init is None:
        fields = [
            part.target.id for owner in reversed(helper.family) for part in owner.body
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        ]  # fmt: skip
        given = dict(zip(fields, helper.made.args, strict=False))
        given |= {one.arg: one.value for one in helper.made.keywords if one.arg in fields and one.arg is not None}
        for name, value in given.items():
            inner.bind(f"self.{name}", outer.inline(value))
    elif pass_arguments(helper.made, init, scope, outer, True):
        for node in init.body:
            match node:
                case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=name)], value=value):
                    inner.bind(f"self.{name}", scope.inline(value))
                case _:
                    pass


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
            elif isinstance(passed, ast.Name) and passed.id in outer.module.functions and passed.id not in outer.names:
                inner.functions[name] = outer.module.functions[passed.id]
                inner.homes[name] = Scope(outer.module)
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
