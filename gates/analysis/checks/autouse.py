"""Fixtures that replace the tested code for every test, without a test that says so."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from gates.analysis.checks.closure import is_autouse
from gates.analysis.checks.reading import Function, Module, Side
from gates.analysis.checks.trees import calls_in, dotted, last_name
from gates.results.weakening import Weakening


def replaced_for_all(paths: Iterable[str], base: Side, head: Side) -> Iterator[Weakening]:
    """One finding for each production function that a fixture for all tests replaces only on the head, and tests name.

    Args:
        paths: files of test code that changed.
        base: the files of the base.
        head: the files of the head.
    """
    for path in paths:
        module, before = head.module(path), base.module(path)
        if module is None:
            continue
        was = {name for name, _ in _replaced(before, base)} if before is not None else set()
        for name, call in _replaced(module, head):
            if name not in was and _is_tested(name, path, head):
                yield Weakening(
                    rule="tested-function-replaced", what=f"`{name}` is replaced for every test", path=path, line=call.lineno,
                    after=ast.unparse(call),
                )  # fmt: skip


def _replaced(module: Module, side: Side) -> Iterator[tuple[str, ast.Call]]:
    """The last names of production functions that fixtures for all tests replace."""
    for node in module.functions.values():
        if is_autouse(node):
            for call in calls_in(node):
                name = _target(call, module, side)
                if name:
                    yield name, call


def _target(call: ast.Call, module: Module, side: Side) -> str:
    whole, args = dotted(call.func), call.args
    if not (last_name(call.func) in {"setattr", "patch", "object"} and args):
        return ""
    if last_name(call.func) == "object" and "patch" not in whole:
        return ""
    first, second = args[0], args[1] if len(args) > 1 else None
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        found = side.production(first.value)
        return found[1] if found is not None and found[1] in found[0].functions else ""
    if isinstance(second, ast.Constant) and isinstance(second.value, str):
        where = module.imports.get(last_name(first), dotted(first))
        found = side.production(f"{where}.{second.value}")
        return found[1] if found is not None and found[1] in found[0].functions else ""
    return ""


def _is_tested(name: str, path: str, side: Side) -> bool:
    """Whether a test below the file calls the function in an assertion."""
    folder = path.rpartition("/")[0]
    for other in side.texts:
        if other.startswith(folder) and f"{name}(" in side.texts.get(other, ""):
            module = side.module(other)
            for node in module.functions.values() if module is not None else ():
                if node.name.startswith("test") and _asserts(node, name):
                    return True
    return False


def _asserts(node: Function, name: str) -> bool:
    return any(
        last_name(call.func) == name
        for part in ast.walk(node)
        if isinstance(part, ast.Assert)
        for call in calls_in(part.test)
    )
