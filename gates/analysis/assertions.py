"""What the source of a test shows: how much it asserts, and what its body looks like. Reads text; imports nothing.

Assertions are counted in the test, and in functions of the same file that it calls. A rewrite that asserts as
much counts as much: `assert a and b` is two, `self.assertEqual(a, b)` is the comparison that `assert a == b` is.
"""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from gates.portable.regular import read_bytes

Function = ast.FunctionDef | ast.AsyncFunctionDef

_RAISING = frozenset({"raises", "warns", "deprecated_call", "assertRaises", "assertRaisesRegex", "assertWarns"})
_WEAK_CALLS = ("assertTrue", "assertFalse", "assertIsNotNone", "assertIsNone", "assert_called", "assert_not_called")
_ASSERTING = ("assert", "expect")


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One test function.

    Attributes:
        fingerprint: of its body, whatever its formatting, comments and local names.
        words: names and constants of the body, with how often each occurs.
        assertions: how many there are.
        comparisons: how many of these compare with something, rather than check that a value is true or exists.
    """

    fingerprint: str
    words: dict[str, int]
    assertions: int
    comparisons: int


def shapes_of(root: Path, files: Iterable[str]) -> dict[str, Shape]:
    """The tests of some files, by id without parameters; a missing or unparsable file has none.

    Args:
        root: folder that the paths begin at.
        files: paths with `/`, as in results.
    """
    found: dict[str, Shape] = {}
    for file in sorted({file for file in files if file.endswith(".py")}):
        try:
            tree = ast.parse(read_bytes(root / file))
        except (OSError, ValueError, SyntaxError, RecursionError):
            continue
        found |= {f"{file}::{name}": shape for name, shape in shapes_in(tree).items()}
    return found


def shapes_in(tree: ast.Module) -> dict[str, Shape]:
    """The tests of a module, by the part of the id after the file."""
    functions = dict(_functions(tree))
    helpers = {name.rpartition("::")[2]: node for name, node in functions.items()}
    return {
        name: _shape(node, helpers) for name, node in functions.items() if node.name.startswith("test") or "::" in name
    }


def _functions(tree: ast.Module | ast.ClassDef, front: str = "") -> Iterator[tuple[str, Function]]:
    for node in tree.body:
        if isinstance(node, Function):
            yield f"{front}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{front}{node.name}::")


def _shape(node: Function, helpers: Mapping[str, Function]) -> Shape:
    assertions, comparisons = _counted(node, helpers, {node.name})
    body = ast.Module(body=_without_docstring(node.body), type_ignores=[])
    normal = ast.dump(_Normal(node, helpers).visit(_copy(body)), annotate_fields=False)
    return Shape(
        fingerprint=hashlib.sha256(normal.encode("utf-8", "backslashreplace")).hexdigest()[:24],
        words=dict(Counter(_words(body))),
        assertions=assertions,
        comparisons=comparisons,
    )


def _copy(body: ast.Module) -> ast.Module:
    # A copy by text is quicker than `deepcopy`, and cannot meet its recursion limit.
    return ast.parse(ast.unparse(body))


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return body[1:] if told else body


def _counted(node: Function, helpers: Mapping[str, Function], seen: set[str]) -> tuple[int, int]:
    """Assertions and, of these, comparisons; those of helpers once for each call of one."""
    assertions = comparisons = 0
    for part in ast.walk(node):
        if isinstance(part, ast.Assert):
            for claim in _claims(part.test):
                assertions += 1
                comparisons += _compares(claim)
        elif isinstance(part, ast.Call):
            name = _called(part)
            helper = helpers.get(name)
            if helper is not None and name not in seen and not name.startswith("test"):
                more = _counted(helper, helpers, {*seen, name})
                assertions, comparisons = assertions + more[0], comparisons + more[1]
            elif helper is None and (name in _RAISING or name.startswith(_ASSERTING)):
                assertions += 1
                comparisons += name not in _WEAK_CALLS
    return assertions, comparisons


def _claims(test: ast.expr) -> list[ast.expr]:
    """The parts of a claim that must all be true."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return [claim for value in test.values for claim in _claims(value)]
    if isinstance(test, ast.Compare) and len(test.ops) > 1:  # a < b < c
        return [test, *[ast.Compare(test.comparators[at - 1], [test.ops[at]], [test.comparators[at]])
                        for at in range(1, len(test.ops))]]  # fmt: skip
    return [test]


def _compares(claim: ast.expr) -> bool:
    if not isinstance(claim, ast.Compare):
        return False
    # `is None` and `is not None` only check whether there is something.
    return not any(
        isinstance(side, ast.Constant) and side.value is None and isinstance(op, ast.Is | ast.IsNot)
        for op, side in zip(claim.ops, claim.comparators, strict=True)
    )


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _words(body: ast.Module) -> Iterator[str]:
    for part in ast.walk(body):
        if isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute):
            yield part.attr
        elif isinstance(part, ast.Constant):
            yield repr(part.value)[:80]
        elif isinstance(part, ast.keyword) and part.arg:
            yield part.arg


class _Normal(ast.NodeTransformer):
    """Renames local names and helpers by position, so that a renaming changes nothing."""

    def __init__(self, node: Function, helpers: Mapping[str, Function]) -> None:
        self._names: dict[str, str] = {}
        self._helpers = helpers
        self._local = {
            part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
        }

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A local name or a helper's."""
        if node.id in self._local or node.id in self._helpers:
            node.id = self._names.setdefault(node.id, f"_{len(self._names)}")
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """A helper that is a method."""
        self.generic_visit(node)
        if node.attr in self._helpers:
            node.attr = self._names.setdefault(node.attr, f"_{len(self._names)}")
        return node
