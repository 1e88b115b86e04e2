"""Hooks and patches in test code that change how tests end, or what an assertion does."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from gates.analysis.checks.reading import Module, Side, is_test_code
from gates.results.weakening import Strength, Weakening

_HOOK = re.compile(r"pytest_\w+")
_AROUND_TESTS = re.compile(r"pytest_(pyfunc_call|runtest_\w+)")
_ENDINGS = frozenset({"outcome", "exitstatus", "excinfo", "wasxfail", "testsfailed"})
_WHAT_RUNS = frozenset({"obj", "runtest"})
_CHECKS = re.compile(
    r"assert_\w+|assert[A-Z]\w*|fail([A-Z]\w*)?|raises|warns|deprecated_call|approx|AssertionError|failureException"
)

Finding = tuple[str, str, int, Strength]


def hooks_that_hide(changed: Iterable[str], base: Side, head: Side) -> Iterator[Weakening]:
    """A finding for each place in changed test code that hides failures on the head, and was not there on the base.

    Args:
        changed: paths of files that differ.
        base: the files of the base.
        head: the files of the head.
    """
    for path in changed:
        module = head.module(path) if is_test_code(path) else None
        if module is None:
            continue
        known = Counter(text for _, text, _, _ in _hiding(base.module(path), base))
        for what, text, line, strength in _hiding(module, head):
            if known[text] > 0:
                known[text] -= 1
                continue
            yield Weakening(rule="hidden-failures", what=what, path=path, line=line, after=text, strength=strength)


def _hiding(module: Module | None, side: Side) -> Iterator[Finding]:
    if module is None or module.tree is None:
        return
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _HOOK.fullmatch(node.name):
            yield from _in_hook(node)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _replaced(node)
            yield from _replaced_code(node, module, side)


def _in_hook(hook: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[Finding]:
    """What a hook of pytest does to the ends of tests."""
    for node in ast.walk(hook):
        match node:
            case ast.Assign(targets=[ast.Attribute(attr=name)]) if name in _ENDINGS:
                harmless = isinstance(node.value, ast.Constant) and node.value.value == "failed"
                if not harmless:
                    yield f"the hook {hook.name} changes how tests end", ast.unparse(node), node.lineno, "certain"
            case ast.Assign(targets=[ast.Attribute(attr=name)]) if name in _WHAT_RUNS:
                yield f"the hook {hook.name} replaces what a test runs", ast.unparse(node), node.lineno, "certain"
            case ast.Call(func=ast.Attribute(attr="force_result" | "force_exception")):
                yield f"the hook {hook.name} changes the result of another hook", ast.unparse(node), node.lineno, "hint"
            case ast.Try() if _AROUND_TESTS.fullmatch(hook.name) and _swallows(node):
                text = ast.unparse(node.handlers[0]).partition("\n")[0]
                yield f"the hook {hook.name} catches the failures of tests", text, node.lineno, "certain"
            case _:
                yield from _replaced(node)
    if hook.name == "pytest_pyfunc_call" and not any(isinstance(node, ast.Yield | ast.Call) for node in ast.walk(hook)):
        yield "the hook pytest_pyfunc_call calls no test", f"def {hook.name}", hook.lineno, "certain"


def _swallows(node: ast.Try) -> bool:
    """Whether failures of what is yielded to do not leave the statement as failures."""
    yields = any(isinstance(part, ast.Yield) for each in node.body for part in ast.walk(each))
    wide = [handler for handler in node.handlers if _is_wide(handler)]
    return yields and any(not _fails(handler) for handler in wide)


def _is_wide(handler: ast.ExceptHandler) -> bool:
    names = {_name(part) for part in ast.walk(handler.type)} if handler.type is not None else {"BaseException"}
    return not names.isdisjoint({"BaseException", "Exception", "AssertionError"})


def _fails(handler: ast.ExceptHandler) -> bool:
    """Whether the handler raises again, or says by itself that the test failed."""
    parts = [part for each in handler.body for part in ast.walk(each)]
    return any(isinstance(part, ast.Raise) for part in parts) or any(_name(part) == "fail" for part in parts)


def _replaced(node: ast.AST) -> Iterator[Finding]:
    """An assertion function of a library that is replaced."""
    match node:
        case ast.Assign(targets=[ast.Attribute(attr=name) as target]) if _CHECKS.fullmatch(name):
            replaced = ast.unparse(target)
        case ast.Expr(value=ast.Call(func=called, args=[owner, ast.Constant(value=str() as name), *_])) if _name(
            called
        ) == "setattr" and _CHECKS.fullmatch(name):
            replaced = f"{ast.unparse(owner)}.{name}"
        case _:
            return
    yield f"{replaced} is replaced for every test", ast.unparse(node), getattr(node, "lineno", 0), "certain"


def _replaced_code(node: ast.stmt, module: Module, side: Side) -> Iterator[Finding]:
    """A function or class of the code under test that is replaced when the file is imported, for good."""
    match node:
        case ast.Assign(targets=[ast.Attribute(attr=name) as target]):
            first, _, rest = ast.unparse(target).partition(".")
            found = side.production(f"{module.imports.get(first, first)}.{rest}")
            if found is not None and (name in found[0].functions or name in found[0].classes):
                yield f"{ast.unparse(target)} is replaced for every test", ast.unparse(node), node.lineno, "certain"


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
