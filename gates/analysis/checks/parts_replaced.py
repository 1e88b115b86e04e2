"""Parts of the tested code that a test began to replace, although they need nothing that a test cannot have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gates.analysis.checks.claims import CheckedTest, Claim
from gates.analysis.checks.reading import Function, Module, Side, holds_tests
from gates.analysis.checks.trees import calls_in, last_name
from gates.results.weakening import Weakening

_PURE = frozenset(
    ["math", "cmath", "re", "itertools", "functools", "collections", "json", "decimal", "fractions", "typing", "dataclasses",
     "string", "textwrap", "operator", "enum", "statistics", "numbers", "bisect", "heapq", "abc", "copy", "__future__"]
)  # fmt: skip
"""Modules whose functions give the same each time, and touch nothing."""

_TOUCHING = frozenset({"open", "input", "print", "exec", "eval", "__import__", "breakpoint", "id"})
_DEEP = 6


def parts_replaced(before: CheckedTest, after: CheckedTest, module: Module, side: Side) -> Iterator[Weakening]:
    """A finding for each function that the tested function calls, and that the test replaces on the head alone.

    Only of functions that compute: what reads a clock, a file or the network is replaced for good reasons. It is a hint
    if another test calls the function.

    Args:
        before: the test on the base.
        after: the same test on the head.
        module: its file on the head.
        side: the files of the head.
    """
    new = sorted(after.patched - before.patched)
    if not new:
        return
    was = {_key(claim) for claim in before.claims if claim.counts}
    kept = [claim for claim in after.claims if claim.counts and _key(claim) in was]
    called = {name for claim in kept for name in re.findall(r"(\w+)\(", claim.subject)}
    for name in new:
        home = next((one for one in _tested_modules(module, side) if name in one.functions), None)
        if home is None or name in called or not kept or not computes(name, home, side):
            continue
        if any(_calls(one, name, home, side) for one in called):
            alone = _is_called_by_tests(name, side)
            yield Weakening(
                rule="part-replaced", what=f"`{name}`, which the tested code calls, is replaced, and so it is not tested any more",
                path=after.path, line=after.line, test=after.id, after=f"{name} is patched", strength="hint" if alone else "certain",
            )  # fmt: skip


def _key(claim: Claim) -> tuple[str, str, str]:
    """What a claim says, without the names of modules in front of functions."""
    return claim.kind, re.sub(r"\b(\w+\.)+(?=\w+\()", "", claim.subject), claim.expected


def _tested_modules(module: Module, side: Side) -> Iterator[Module]:
    """The files of production code that a test file imports from."""
    for where in module.imports.values():
        for text in (where, f"{where}._"):
            found = side.production(text)
            if found is not None:
                yield found[0]


def computes(name: str, home: Module, side: Side, depth: int = 0) -> bool:
    """Whether a function only computes: it needs no clock, no file, no network and no state."""
    node = home.functions.get(name)
    if not isinstance(node, ast.FunctionDef) or node.decorator_list or depth > _DEEP:
        return False
    for part in ast.walk(node):
        if isinstance(part, ast.Global | ast.Nonlocal | ast.Yield | ast.YieldFrom | ast.With | ast.Await):
            return False
        if not isinstance(part, ast.Name) or part.id == name:
            continue
        if part.id in _TOUCHING:
            return False
        if part.id in home.functions and not computes(part.id, home, side, depth + 1):
            return False
        if part.id in home.imports and not _import_computes(home.imports[part.id], side, depth):
            return False
    return True


def _import_computes(where: str, side: Side, depth: int) -> bool:
    if where.partition(".")[0] in _PURE:
        return True
    found = side.production(where)
    if found is None:
        return False
    there, name = found
    return name in there.classes or name in there.constants or computes(name, there, side, depth + 1)


def _calls(name: str, other: str, home: Module, side: Side, depth: int = 0) -> bool:
    """Whether a function of the tested code calls another, directly or through others."""
    node = _function(name, home)
    if node is None or depth > _DEEP:
        return False
    names = {last_name(call.func) for call in calls_in(node)} - {name}
    return other in names or any(_calls(one, other, home, side, depth + 1) for one in names)


def _function(name: str, home: Module) -> Function | None:
    if name in home.functions:
        return home.functions[name]
    for owner in home.classes.values():
        for one in owner.body:
            if isinstance(one, Function) and one.name == name:
                return one
    return None


def _is_called_by_tests(name: str, side: Side) -> bool:
    """Whether a test calls a function itself."""
    for one in side.texts:
        text = (side.texts.get(one) or "") if one.endswith(".py") and holds_tests(one) else ""
        if f"{name}(" not in text:
            continue
        module = side.module(one)
        tree = module.tree if module is not None else None
        if tree is not None and any(last_name(call.func) == name for call in calls_in(tree)):
            return True
    return False
