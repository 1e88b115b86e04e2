"""Find the assertions in the functions of a module: where each is, what it says, and whose it is."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gates.analysis.recorded.swallowing import swallowed_by

Function = ast.FunctionDef | ast.AsyncFunctionDef

RAISING = frozenset({"raises", "warns", "deprecated_call", "does_not_warn"})
_ASSERTING = re.compile(r"assert(_|[A-Z]|$).*|expect")
_WIDE = re.compile(
    r"(setUp|tearDown)(Class|Module)|(setup|teardown)_(class|module)"  # the rest of pytest's and unittest's own names run for each test
)
LONGEST = 160
"""Maximum characters of a text that a reader sees."""


@dataclass(frozen=True)
class Site:
    """One assertion.

    Attributes:
        path: its file.
        line: of its first character.
        column: of its first character, in bytes, as Python counts.
        text: its source, in one line.
        key: the same for the same statement, regardless of its layout, its message and the names of local variables.
        owner: the outermost function that it is in, with its classes: `TestPool::test_grows`.
        kind: of the owner. The assertions of a `wide` fixture run with any one of the tests that use it.
        swallowed: what catches its failure; empty if nothing does.
        arms: the branches that it is in, the outermost first: the place of the branching statement, and which branch.
    """

    path: str
    line: int
    column: int
    text: str
    key: str
    owner: str
    kind: str = "helper"
    swallowed: str = ""
    arms: tuple[tuple[int, str], ...] = ()


def sites_in(tree: ast.Module, path: str, tests: Collection[str]) -> tuple[Site, ...]:
    """The assertions of a module in the order of the source; those outside of functions run on import, and are left out.

    Args:
        tree: of the module.
        path: its file.
        tests: names of the test functions that count; helpers and fixtures all do.
    """
    found: list[Site] = []
    for owner, node in functions_in(tree):
        kind = _kind(owner, node)
        if kind == "test" and owner not in tests:
            continue
        local = _local_names(node)
        for statement, above in _statements(node.body, (node,)):
            if is_assertion(statement):
                found.append(
                    Site(
                        path=path,
                        line=statement.lineno,
                        column=statement.col_offset,
                        text=shortened(statement),
                        key=_key(statement, local),
                        owner=owner,
                        kind=kind,
                        swallowed=swallowed_by(statement, above),
                        arms=tuple(_arms(statement, above)),
                    )
                )
    return tuple(sorted(found, key=lambda site: (site.line, site.column)))


def functions_in(tree: ast.Module | ast.ClassDef, front: str = "") -> Iterator[tuple[str, Function]]:
    """The outermost functions, with the classes that they are in: also those under `if`, `try` and `with`."""
    for node in flat(tree.body):
        if isinstance(node, Function):
            yield f"{front}{node.name}", node
        elif isinstance(node, ast.ClassDef):
            yield from functions_in(node, f"{front}{node.name}::")


def flat(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body, including those under `if`, `try` and `with`."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            for part in blocks(node):
                yield from flat(part)


def blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements directly inside a statement."""
    for name in ("body", "orelse", "finalbody"):
        part = getattr(node, name, None)
        if isinstance(part, list):
            yield part
    for inner in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield inner.body


def _statements(body: list[ast.stmt], above: tuple[ast.AST, ...]) -> Iterator[tuple[ast.stmt, tuple[ast.AST, ...]]]:
    """All statements at any depth, with what they are in."""
    for node in body:
        yield node, above
        for part in blocks(node):
            yield from _statements(part, (*above, node))


def is_assertion(node: ast.stmt) -> bool:
    """Whether a statement checks something: `assert`, or a call of a function that asserts or expects an exception."""
    if isinstance(node, ast.Assert):
        return True
    if isinstance(node, ast.With | ast.AsyncWith):
        return any(_asserts(item.context_expr) for item in node.items)
    if isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign | ast.Return):
        return node.value is not None and _asserts(node.value)
    return False


def _asserts(value: ast.expr) -> bool:
    while isinstance(value, ast.Await):
        value = value.value
    while isinstance(value, ast.Call):
        name = called(value)
        if name in RAISING or _ASSERTING.fullmatch(name):
            return True
        # `expect(page).to_have_title(...)`: what the chain begins with counts.
        value = value.func.value if isinstance(value.func, ast.Attribute) else ast.Constant(None)
    return False


def called(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def shortened(node: ast.AST) -> str:
    """The source of an assertion in one line; of a `with` statement, without its body."""
    text = ast.unparse(node).partition("\n")[0] if isinstance(node, ast.With | ast.AsyncWith) else ast.unparse(node)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def is_fixture(node: Function) -> bool:
    """Whether a function is a fixture of pytest."""
    return any(_decorator(one).endswith("fixture") for one in node.decorator_list)


def is_wide(name: str, node: Function) -> bool:
    """Whether a function runs once for several tests: a fixture of a wider scope, or a set-up of a class or a module."""
    scopes = (
        word.value
        for one in node.decorator_list
        if isinstance(one, ast.Call)
        for word in one.keywords
        if word.arg == "scope"
    )
    wide = any(not (isinstance(scope, ast.Constant) and scope.value == "function") for scope in scopes)
    return (is_fixture(node) and wide) or bool(_WIDE.fullmatch(name))


def _decorator(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _kind(owner: str, node: Function) -> str:
    name = owner.rpartition("::")[2]
    if is_wide(name, node):
        return "wide"
    if is_fixture(node):
        return "fixture"
    return "test" if name.lower().startswith("test") else "helper"


def _local_names(node: Function) -> frozenset[str]:
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    return frozenset(names)


def _key(node: ast.stmt, local: frozenset[str]) -> str:
    said: list[ast.AST] = [node]
    if isinstance(node, ast.Assert):
        said = [node.test]
    elif isinstance(node, ast.With | ast.AsyncWith):
        said = [item.context_expr for item in node.items]
    order: dict[str, str] = {}

    def name_of(match: re.Match[str]) -> str:
        return f"id='{order.setdefault(match[1], f'_{len(order)}')}'" if match[1] in local else match[0]

    text = "|".join(ast.dump(part) for part in said)
    return f"{type(node).__name__}:{re.sub(_NAME, name_of, text)}"


_NAME = re.compile(r"id='(\w+)'")


def _arms(statement: ast.stmt, above: tuple[ast.AST, ...]) -> Iterator[tuple[int, str]]:
    """The branches on the way to a statement."""
    for node, inner in zip(above, (*above[1:], statement), strict=True):
        if isinstance(node, ast.If | ast.While):
            yield node.lineno, "orelse" if inner in node.orelse else "body"
        elif isinstance(node, ast.Match):
            yield node.lineno, str(next((at for at, case in enumerate(node.cases) if inner in case.body), -1))
        elif isinstance(node, ast.Try):
            yield node.lineno, "body" if inner in (*node.body, *node.orelse, *node.finalbody) else "handler"
