"""Puts other code in the place of a module's functions, in this process only: no file is written.

A function keeps its identity, so decorators, closures, methods and names that other modules imported all see the fault.
A module that is not imported yet is compiled from the changed text when it is.
"""

from __future__ import annotations

import ast
import builtins
import copy
import gc
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dis import findlinestarts
from importlib.machinery import SourceFileLoader
from inspect import CO_NEWLOCALS
from types import CodeType, FunctionType, ModuleType
from typing import Any, Callable, Union

from _pytest.assertion.rewrite import AssertionRewritingHook, rewrite_asserts

from ...portable.originals import os, warnings
from ...portable.protocol import PACKAGE
from ...portable.regular import read_bytes

Key = tuple[tuple[str, int, int], ...]
"""Name, first line and number of each code object around one, and its own."""

Changed = Union[str, ast.Module]
Probes = Mapping[tuple[int, int], int]

REACHED = "__gates_reached__"
"""Name of the built-in function that probes call."""


class Unable(Exception):
    """A fault cannot be planted; the text says why."""


class Code:
    """The living functions of some files.

    Args:
        root: the folder that paths begin at.
        texts: path → text of the file.
    """

    def __init__(self, root: str, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._wanted = {os.path.realpath(os.path.join(root, path)): path for path in texts}
        self._by_name: dict[str, list[str]] = {}
        for path in texts:
            self._by_name.setdefault(os.path.basename(path), []).append(path)
        self._paths: dict[str, str] = {}  # name of a file, as code objects have it → path
        self._files: dict[str, str] = {}  # the other way
        self._found: dict[str, dict[CodeType, list[FunctionType]]] = {}
        self._originals: dict[str, dict[Key, CodeType]] = {}
        self._hooks: dict[str, Any] = {}  # path → pytest's hook that rewrote its assertions, or None
        self._look()

    def imported(self, path: str) -> bool:
        """Whether this process has functions of a file."""
        return path in self._found

    def _look(self) -> None:
        """Find the functions. Not by modules: nested and decorated ones are in no module."""
        for one in gc.get_objects():
            if type(one) is not FunctionType or _is_own(str(one.__module__)):
                continue
            file = one.__code__.co_filename
            if file not in self._paths:
                self._paths[file] = self._path_of(file)
            path = self._paths[file]
            if path:
                self._files[path] = file
                self._hooks[path] = _rewriting_hook(one)
                self._found.setdefault(path, {}).setdefault(one.__code__, []).append(one)

    def _path_of(self, file: str) -> str:
        """The path of a file that code came from; an installed copy with the same content counts. Empty for any other."""
        found = self._wanted.get(os.path.realpath(file), "")
        for path in () if found else self._by_name.get(os.path.basename(file), ()):
            with suppress(OSError):
                if read_bytes(file) == self._texts[path].encode("utf-8"):
                    return path
        return found

    def replace(self, path: str, changed: Changed) -> int:
        """Put the code of a changed text in place; return how many functions have other code now.

        Raises:
            Unable: it does not fit.
        """
        new, living = self._compiled(path, changed), self._found.get(path, {})
        places = [(key, old) for key, old in self._originals_of(path).items() if key in new and old in living]
        lost = {key: set(old.co_freevars) - set(new[key].co_freevars) for key, old in places}
        if any(lost.values()):
            new = self._compiled(path, _keeping(changed, lost))
        number = 0
        for key, old in places:
            for function in living[old] if new.get(key, old) != old else ():
                try:
                    function.__code__ = new[key]
                except ValueError as error:
                    raise Unable(f"the function's code cannot be replaced: {error}") from None
                number += 1
        return number

    def differs(self, path: str, line: int) -> bool:
        """Whether the function around a line lives with other code than its file says: an import hook has changed it."""
        living = self._found.get(path, {})
        known = set(self._originals_of(path).values())
        around = [code for code in known if code.co_firstlineno <= line <= _last_line(code)]
        if any(code in living for code in around):
            return False
        names = {(code.co_name, code.co_firstlineno) for code in around}
        return any((code.co_name, code.co_firstlineno) in names for code in living.keys() - known)

    def is_outside(self, path: str, line: int) -> bool:
        """Whether a line of an imported file is outside of functions."""
        codes = (code for code in self._originals_of(path).values() if not _is_class(code))
        inside = any(code.co_firstlineno <= line <= _last_line(code) for code in codes)
        return self.imported(path) and not inside

    def _originals_of(self, path: str) -> dict[Key, CodeType]:
        if path not in self._originals:
            self._originals[path] = self._compiled(path, self._texts[path])
        return self._originals[path]

    def _compiled(self, path: str, text: Changed) -> dict[Key, CodeType]:
        try:
            return dict(_codes(_compile(text, self._files.get(path, path), self._hooks.get(path))))
        except (SyntaxError, ValueError, RecursionError) as error:
            raise Unable(f"it is not valid in this version of Python: {error}") from None

    def import_as(self, changed: Mapping[str, Changed]) -> None:
        """From now on, compile these files from changed texts when they are imported; what Python has cached is not used."""
        before = SourceFileLoader.get_code

        def get_code(loader: SourceFileLoader, name: str) -> CodeType | None:
            file = loader.get_filename(name)
            path = "" if _is_own(name) else self._path_of(file)
            return before(loader, name) if path not in changed else _compile(changed[path], file)

        SourceFileLoader.get_code = get_code  # type: ignore[method-assign, assignment]
        run = AssertionRewritingHook.exec_module

        def exec_module(hook: AssertionRewritingHook, module: ModuleType) -> None:
            file = str(getattr(module.__spec__, "origin", ""))
            path = "" if _is_own(module.__name__) else self._path_of(file)
            if path in changed:
                exec(_compile(changed[path], file, hook), vars(module))  # noqa: S102 (as the hook does)
            else:
                run(hook, module)

        AssertionRewritingHook.exec_module = exec_module  # type: ignore[method-assign, assignment]


def _rewriting_hook(function: FunctionType) -> Any:
    """The hook of pytest that imported a function's module; None for any other. A project that is a plugin is rewritten."""
    hook = getattr(function.__globals__.get("__spec__"), "loader", None)
    return hook if isinstance(hook, AssertionRewritingHook) else None


def _compile(text: Changed, file: str, hook: Any = None) -> CodeType:
    """Compile a module without its warnings: one about a fault may be an error here.

    Args:
        text: the module.
        file: its name in tracebacks.
        hook: of pytest, which rewrites assertions.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if hook is not None:
            source = text if isinstance(text, str) else ast.unparse(text)
            text = ast.parse(text) if isinstance(text, str) else copy.deepcopy(text)
            rewrite_asserts(text, source.encode("utf-8"), file, hook.config)
        found: CodeType = compile(text, file, "exec", dont_inherit=True)
        return found


def _is_own(module: str) -> bool:
    """Whether a module is a part of this tool, which may be the project under test, too."""
    return module.partition(".")[0] == PACKAGE


def _codes(code: CodeType, front: Key = ()) -> Iterator[tuple[Key, CodeType]]:
    """All code objects inside one, by their keys."""
    seen: dict[tuple[str, int], int] = {}
    for one in code.co_consts:
        if isinstance(one, CodeType):
            own = (one.co_name, one.co_firstlineno)
            seen[own] = seen.get(own, 0) + 1
            key = (*front, (*own, seen[own]))
            yield key, one
            yield from _codes(one, key)


def _is_class(code: CodeType) -> bool:
    """Whether a code object is the body of a class."""
    return not code.co_flags & CO_NEWLOCALS


def _last_line(code: CodeType) -> int:
    """The last line of a code object and of those inside it."""
    inside = (_last_line(one) for one in code.co_consts if isinstance(one, CodeType))
    return max([code.co_firstlineno, *(line for _, line in findlinestarts(code) if line), *inside])


def _keeping(changed: Changed, lost: Mapping[Key, set[str]]) -> ast.Module:
    """The module, with a mention of variables from around a function that the fault removed: a function keeps its closure."""
    tree = ast.parse(changed) if isinstance(changed, str) else changed
    wanted = {key[-1][:2]: names for key, names in lost.items() if names}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            for name in sorted(wanted.get((node.name, first), ())):
                mention = ast.If(ast.Constant(False), [ast.Expr(ast.Name(name, ast.Load()))], [])
                node.body.append(ast.fix_missing_locations(ast.copy_location(mention, node.body[-1])))
    return tree


def edited(text: str, start: int, end: int, new: str) -> str:
    """A text with some of its bytes replaced."""
    data = text.encode("utf-8")
    return (data[:start] + new.encode("utf-8") + data[end:]).decode("utf-8")


def with_probes(text: str, probes: Probes) -> ast.Module:
    """A module that tells `REACHED` the number of each statement that runs.

    Args:
        text: of the module.
        probes: line and column of a statement → its number.
    """
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
                setattr(node, name, [one for statement in block for one in _probed(statement, probes)])
    return tree


def _probed(statement: ast.stmt, probes: Probes) -> list[ast.stmt]:
    number = probes.get((statement.lineno, statement.col_offset))
    if number is None:
        return [statement]
    call = ast.Call(ast.Name(REACHED, ast.Load()), [ast.Constant(number)], [])
    probe = ast.copy_location(ast.Expr(call), statement)
    return [ast.fix_missing_locations(probe), statement]


def listen_to_probes(reached: Callable[[int], None]) -> None:
    """Make a function the receiver of all probes."""
    setattr(builtins, REACHED, reached)
