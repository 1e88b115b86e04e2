"""Counts the tests that pytest never sees: a later function of the same name replaces them, or their file has a name that no test has.

Both are typing mistakes as a rule, and nothing else tells of them. Files are read as text, and only where a name stands
there twice they are parsed.
"""

from __future__ import annotations

import ast
import fnmatch
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import pytest

from ...portable.originals import os
from ...portable.regular import read_text
from .left_out import FILES, TESTS

if TYPE_CHECKING:
    Named = Callable[[str], bool]
    """Whether a function, or a class, of this name holds tests."""

Definition = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef]

_DEFINED = re.compile(r"^([ \t]*)(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_ALMOST = re.compile(r"(?:^|[_.-])tests?(?:[_.-]|$)|^tests?", re.IGNORECASE)
"""Names of files, without their ending, that are meant to be those of tests."""

_HOLDS_TESTS = re.compile(r"^(?:async def |def )test_\w+\(|^class Test\w*[(:]", re.MULTILINE)


class UnseenWatch:
    """Registered where tests are collected."""

    def __init__(self, config: pytest.Config, found: Counter[tuple[str, str]]) -> None:
        """Begin to look.

        Args:
            config: of the session.
            found: is filled: who, and of what → how many.
        """
        self._config, self._found = config, found
        self._patterns = [str(one) for one in config.getini("python_files")]
        self._almost: dict[str, str] = {}  # file → its path from the root
        if config.pluginmanager.is_blocked("unittest"):
            config.pluginmanager.register(_NoUnittest(found), "gates-no-unittest")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collect_file(self, file_path: Path) -> None:
        """A file of a folder that is collected."""
        name = file_path.name
        if not name.endswith(".py") or name in ("conftest.py", "__init__.py") or not _ALMOST.search(name[:-3]):
            return
        if not any(fnmatch.fnmatch(name, one) or fnmatch.fnmatch(str(file_path), one) for one in self._patterns):
            self._almost[str(file_path)] = self._short(str(file_path))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """All modules are imported."""
        modules: dict[str, Any] = {}
        for item in items:
            module = item.getparent(pytest.Module)
            if module is not None:
                modules.setdefault(str(module.path), module)
        for path, module in modules.items():
            for name, line, number in replaced_tests(_text(path), _functions(module), _classes(module)):
                self._found[f"a second {name} ({self._short(path)}:{line})", TESTS] += number
        # Who is imported is a part of tests that have another name, and a file that was named is one of the modules.
        imported = {str(getattr(module, "__file__", "") or "") for module in list(sys.modules.values())}
        for path, short in self._almost.items():
            if path not in modules and path not in imported and _HOLDS_TESTS.search(_text(path)):
                self._found[f"the name of {short} (python_files = {' '.join(self._patterns)})", FILES] += 1

    def _short(self, path: str) -> str:
        root = f"{self._config.rootpath}{os.sep}"
        return path[len(root) :].replace(os.sep, "/") if path.startswith(root) else path


class _NoUnittest:
    """Counts the tests of `unittest.TestCase` where the plugin that collects them is switched off."""

    def __init__(self, found: Counter[tuple[str, str]]) -> None:
        self._found = found

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, collector: pytest.Collector, obj: object) -> None:
        """A name of a module."""
        unittest = sys.modules.get("unittest")
        if unittest is not None and isinstance(obj, type) and issubclass(obj, unittest.TestCase):
            names = unittest.TestLoader().getTestCaseNames(obj)
            if names and isinstance(collector, pytest.Module):
                self._found["-p no:unittest", TESTS] += len(names)


def replaced_tests(text: str, is_test: Named, is_class: Named) -> Iterator[tuple[str, int, int]]:
    """Functions and classes of tests that a later definition in the same block replaces, and that nothing uses before.

    Args:
        text: a module.
        is_test: whether a function of this name is a test.
        is_class: whether a class of this name holds tests.

    Yields:
        the name, the line of the later definition, and how many tests are lost.
    """
    defined = [match.groups() for match in _DEFINED.finditer(text)]
    if len(set(defined)) == len(defined):
        return
    with suppress(SyntaxError, ValueError, RecursionError):
        yield from _replaced(ast.parse(text).body, is_test, is_class)


def _replaced(body: list[ast.stmt], is_test: Named, is_class: Named) -> Iterator[tuple[str, int, int]]:
    earlier: dict[str, Definition] = {}
    for statement in body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            before = earlier.get(statement.name)
            if before is not None and statement.name not in _used(statement.decorator_list):
                number = _number(before, is_test, is_class)
                if number:
                    yield statement.name, statement.lineno, number
            earlier[statement.name] = statement
            if isinstance(statement, ast.ClassDef):
                yield from _replaced(statement.body, is_test, is_class)
        else:
            for name in _used([statement]):
                earlier.pop(name, None)


def _number(lost: Definition, is_test: Named, is_class: Named) -> int:
    if not isinstance(lost, ast.ClassDef):
        marks = {
            each.attr for node in lost.decorator_list for each in ast.walk(node) if isinstance(each, ast.Attribute)
        }
        return int(is_test(lost.name) and not {"fixture", "overload"} & (marks | _used(lost.decorator_list)))
    if not is_class(lost.name) and not lost.bases:  # a base may make a TestCase of it
        return 0
    return len(
        {
            one.name
            for one in lost.body
            if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) and is_test(one.name)
        }
    )


def _used(nodes: list[Any]) -> set[str]:
    return {each.id for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)}


def _functions(module: Any) -> Named:
    return lambda name: bool(module.funcnamefilter(name))


def _classes(module: Any) -> Named:
    return lambda name: bool(module.classnamefilter(name))


def _text(path: str) -> str:
    with suppress(OSError, ValueError):
        return read_text(path)
    return ""
