"""Counts tests that pytest never sees: a later function with the same name replaces them, or pytest does not recognise their file name.

Both are usually typing mistakes that nothing else reports. Files are read as text, and only if a name occurs
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
    """Whether a function, or a class, with this name contains tests."""

Definition = Union[ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef]

_DEFINED = re.compile(r"^([ \t]*)(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", re.MULTILINE)
_ALMOST = re.compile(r"(?:^|[_.-])tests?(?:[_.-]|$)|^tests?", re.IGNORECASE)
"""File names, without ending, that are meant for tests."""

_HOLDS_TESTS = re.compile(r"^(?:async def |def )test_\w+\(|^class Test\w*[(:]", re.MULTILINE)


class UnseenWatch:
    """Registered where tests are collected."""

    def __init__(self, config: pytest.Config, found: Counter[tuple[str, str]]) -> None:
        """Start watching.

        Args:
            config: of the session.
            found: filled with (who, tests or files) → how many.
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
        # An imported file is part of other tests, and a file named on the command line is one of the modules.
        imported = {str(getattr(module, "__file__", "") or "") for module in list(sys.modules.values())}
        for path, short in self._almost.items():
            if path not in modules and path not in imported and _HOLDS_TESTS.search(_text(path)):
                self._found[f"the name of {short} (python_files = {' '.join(self._patterns)})", FILES] += 1

    def _short(self, path: str) -> str:
        root = f"{self._config.rootpath}{os.sep}"
        return path[len(root) :].replace(os.sep, "/") if path.startswith(root) else path


class _NoUnittest:
    """Counts tests of `unittest.TestCase` if the plugin that collects them is switched off."""

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
    """Test functions and classes that a later definition in the same block replaces before anything uses them.

    Args:
        text: a module.
        is_test: whether a function with this name is a test.
        is_class: whether a class with this name contains tests.

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
    if not is_class(lost.name) and not lost.bases:  # a base class may make it a TestCase
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
