"""Which imported names a test needs: those in its own code, and in what that uses of the same file."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def imported_names(text: str, is_missing: Callable[[str, str], bool]) -> frozenset[str] | None:
    """The names that a file binds by imports at its top which cannot be had; None if that cannot be told.

    Args:
        text: of the file.
        is_missing: whether `import MODULE` (the name is empty) or `from MODULE import NAME` fails.
    """
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = set()
    for node in body:
        if isinstance(node, ast.Import):
            found |= {
                alias.asname or alias.name.partition(".")[0] for alias in node.names if is_missing(alias.name, "")
            }
        elif isinstance(node, ast.ImportFrom):
            if node.level or any(alias.name == "*" for alias in node.names):
                return None
            found |= {alias.asname or alias.name for alias in node.names if is_missing(node.module or "", alias.name)}
    return frozenset(found)


def needs_any(text: str, test: str, names: Collection[str]) -> bool:
    """Whether a test needs one of these names; if in doubt, it does.

    Args:
        text: of its file.
        test: its function, `Class::name`.
        names: that its file imports.
    """
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return True
    wanted = frozenset(names)
    parts = test.split("::")
    defined: dict[str, set[str]] = {}
    reached: set[str] = set()
    for node in _frame(body, parts, defined):
        reached |= _words(node)
    waiting = list(reached)
    while waiting:
        for word in defined.get(waiting.pop(), ()):
            if word not in reached:
                reached.add(word)
                waiting.append(word)
    return not wanted.isdisjoint(reached)


def _frame(body: list[ast.stmt], parts: list[str], defined: dict[str, set[str]]) -> Iterator[ast.AST]:
    """The test, and what runs with every test; other definitions are noted by name.

    Args:
        body: of a module or a class.
        parts: names of the classes around the test, and its own.
        defined: filled with name → the words of its definition.
    """
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        if not isinstance(node, _Definition):
            for name in _bound(node):
                defined.setdefault(name, set()).update(_words(node))
            if not _bound(node):
                yield node
        elif node.name != parts[0]:
            defined.setdefault(node.name, set()).update(_words(node))
            if _is_around(node):
                yield node
        elif isinstance(node, ast.ClassDef) and len(parts) > 1:
            yield from (*node.decorator_list, *node.bases, *node.keywords)
            yield from _frame(node.body, parts[1:], defined)
        else:
            yield node


def _bound(node: ast.stmt) -> list[str]:
    """The names that an assignment gives a value; none for any other statement."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    # What pytest or the import system looks for is used even if no test names it.
    return [] if len(names) != len(targets) or any(name.startswith(("pytest", "__")) for name in names) else names


def _is_around(node: _Definition) -> bool:
    """Whether pytest or unittest calls a function around each test: it sets up or tears down."""
    name = node.name.lower()
    automatic = any("autouse" in ast.dump(decorator) for decorator in node.decorator_list)
    return automatic or name.startswith(("setup", "teardown", "asyncsetup", "asyncteardown", "pytest_"))


def _words(node: ast.AST) -> set[str]:
    """Every name in a piece of code, those in texts included: a fixture or a patched object may be named there."""
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            found.add(part.id)
        elif isinstance(part, ast.Attribute):
            found.add(part.attr)
        elif isinstance(part, ast.arg):
            found.add(part.arg)
        elif isinstance(part, ast.Constant) and isinstance(part.value, str):
            found.update(part.value.replace(".", " ").split())
    return found
