"""Find the tests of a file."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gates.analysis.checks.helpers import family_of
from gates.analysis.checks.reading import Function, Module, Side
from gates.analysis.checks.trees import last_name


@dataclass(frozen=True)
class Found:
    """A test function in its file.

    Attributes:
        id: `path::Class::name`.
        node: the function.
        family: its class and the bases of that, also those in other files of test code; empty without one.
    """

    id: str
    node: Function
    family: tuple[ast.ClassDef, ...] = ()

    @property
    def nodes(self) -> Iterator[ast.AST]:
        """Itself, and what its class says about every test in it."""
        yield self.node
        for owner in self.family:
            yield from (*owner.decorator_list, *owner.bases)
            # Methods are found by name; values and nested classes are used in ways that cannot be followed.
            for node in owner.body:
                if not (isinstance(node, Function) and node.name.startswith("test")):
                    yield node


def tests_in(module: Module, side: Side) -> dict[str, Found]:
    """The tests that pytest and unittest would find in a file, by id; `side` has the base classes of other files."""
    found: dict[str, Found] = {}
    if module.tree is None:
        return found
    loose = not module.path.endswith(("/tests.py", "/test.py"))  # as Django has them, with classes
    for name, node in module.functions.items():
        if loose and name.startswith("test") and not is_fixture(node):
            found[f"{module.path}::{name}"] = Found(f"{module.path}::{name}", node)
    for statement in module.tree.body:
        match statement:
            case ast.Assign(
                targets=[ast.Attribute(value=ast.Name(id=name), attr="__test__")], value=ast.Constant(value=False)
            ):
                found.pop(f"{module.path}::{name}", None)
            case _:
                pass
    for owner in module.classes.values():
        for each in _of_class(owner, module, side, module.path, module.classes):
            found[each.id] = each
    return found


def _of_class(
    owner: ast.ClassDef, module: Module, side: Side, front: str, classes: dict[str, ast.ClassDef]
) -> Iterator[Found]:
    family = family_of(owner, classes, module, side)
    if not _is_collected(owner, family):
        return
    seen: dict[str, Function] = {}
    for one in family:
        own = {node.name: node for node in one.body if isinstance(node, Function)}
        for name, node in own.items():
            if name.startswith("test") and not is_fixture(node):
                seen.setdefault(name, node)
    for name, node in seen.items():
        yield Found(f"{front}::{owner.name}::{name}", node, family)
    inner = {node.name: node for node in owner.body if isinstance(node, ast.ClassDef)}
    for node_ in inner.values():
        yield from _of_class(node_, module, side, f"{front}::{owner.name}", {**classes, **inner})


def _is_collected(owner: ast.ClassDef, family: Sequence[ast.ClassDef]) -> bool:
    for node in owner.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__test__")], value=ast.Constant(value=False)):
                return False
            case ast.FunctionDef(name="__init__") if owner.name.startswith("Test"):
                return False
            case _:
                pass
    bases = [last_name(base) for one in family for base in one.bases]
    return owner.name.startswith("Test") or any(base.endswith(("TestCase", "Test", "Tests", "Case")) for base in bases)


def is_fixture(node: Function) -> bool:
    """Whether pytest gives what a function returns to tests that name it."""
    return any(last_name(one.func if isinstance(one, ast.Call) else one) == "fixture" for one in node.decorator_list)
