"""Production code that asks whether it is being tested: what its tests see then says nothing about what users get."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from gates.analysis.checks.reading import Module, Side, is_test_code
from gates.results.weakening import Strength, Weakening

_RUNNERS = frozenset({"pytest", "_pytest", "py.test", "unittest", "nose"})
_THEIRS = re.compile(r"PYTEST_(CURRENT_TEST|VERSION|XDIST_\w+)")
_TELLING = re.compile(r"(\w+_)?(UNIT_?)?TEST(S|ING|_?MODE|_?RUN)?(_RUN(NING)?)?", re.IGNORECASE)
_STACKS = frozenset({"stack", "_getframe", "currentframe", "extract_stack", "walk_stack"})
_READS = frozenset({"get", "getenv", "getenvb", "endswith", "startswith", "hasattr", "getattr", "find", "count"})

Question = tuple[str, int, Strength]


def code_that_asks(changed: Iterable[str], base: Side, head: Side) -> Iterator[Weakening]:
    """A finding for each question that changed production code asks on the head, and did not ask on the base.

    Args:
        changed: paths of files that differ.
        base: the files of the base.
        head: the files of the head.
    """
    for path in changed:
        module = head.module(path) if not is_test_code(path) else None
        if module is None or _helps_tests(base.module(path) or module):
            continue
        known = Counter(text for text, _, _ in _questions(base.module(path)))
        for text, line, strength in _questions(module):
            if known[text] > 0:
                known[text] -= 1
                continue
            yield Weakening(
                rule="code-asks-for-tests", what="the code asks whether it is being tested, so tests may see another behaviour than users",
                path=path, line=line, after=text, strength=strength,
            )  # fmt: skip


def _helps_tests(module: Module) -> bool:
    """Whether a file is made for tests: it imports a runner."""
    return any(dotted.split(".")[0] in _RUNNERS for dotted in module.imports.values())


def _questions(module: Module | None) -> Iterator[Question]:
    """Each question with its line; what is certain is asked of a runner, what is not of a variable with a telling name."""
    if module is None or module.tree is None:
        return
    for node in ast.walk(module.tree):
        strength = _asks(node)
        if strength is not None and isinstance(node, ast.expr):
            yield ast.unparse(node), node.lineno, strength


def _asks(node: ast.AST) -> Strength | None:
    match node:
        case ast.Compare(left=ast.Constant(value=str() as text), ops=[ast.In() | ast.NotIn()], comparators=[where]):
            return _about(text, where)
        case ast.Subscript(value=where, slice=ast.Constant(value=str() as text), ctx=ast.Load()):
            return _about(text, where)
        case ast.Call(func=ast.Attribute(value=where, attr=name), args=[ast.Constant(value=str() as text), *_]):
            return _about(text, where) if name in _READS else None
        case ast.Call(func=ast.Name(id="hasattr" | "getattr"), args=[where, ast.Constant(value=str() as text), *_]):
            return "certain" if _name(where) == "sys" and "test" in text.lower() else None
        case ast.Call(func=ast.Name(id="getenv"), args=[ast.Constant(value=str() as text), *_]):
            return _variable(text)
    return None


def _about(text: str, where: ast.expr) -> Strength | None:
    """What asking for a text in this place is."""
    place = _name(where)
    if place == "modules":
        return "certain" if text.split(".", maxsplit=1)[0] in _RUNNERS else None
    if place in {"environ", "os"}:
        return _variable(text)
    names = {_name(node) for node in ast.walk(where)}
    if "argv" in names:
        return "certain" if "test" in text.lower() else None
    of_a_frame = names & _STACKS or place in {"filename", "co_filename", "function", "co_name"}
    return "certain" if of_a_frame and "test" in text.lower() else None


def _variable(name: str) -> Strength | None:
    if _THEIRS.fullmatch(name):
        return "certain"
    return "hint" if _TELLING.fullmatch(name) else None


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
