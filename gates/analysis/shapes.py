"""What the body of a test looks like, so that a moved or renamed test is known again. Reads text; imports nothing."""

from __future__ import annotations

import ast
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from gates.portable.regular import read_bytes

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One test function.

    Attributes:
        fingerprint: of its body, regardless of its formatting, comments and local names.
        words: names and constants of the body, with how often each occurs.
    """

    fingerprint: str
    words: dict[str, int]


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
    body = ast.Module(body=_without_docstring(node.body), type_ignores=[])
    normal = ast.dump(_Normal(node, helpers).visit(_copy(body)), annotate_fields=False)
    return Shape(
        fingerprint=hashlib.sha256(normal.encode("utf-8", "backslashreplace")).hexdigest()[:24],
        words=dict(Counter(_words(body))),
    )


def _copy(body: ast.Module) -> ast.Module:
    # A copy by text is quicker than `deepcopy`, and cannot meet its recursion limit.
    return ast.parse(ast.unparse(body))


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    return body[1:] if told else body


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
