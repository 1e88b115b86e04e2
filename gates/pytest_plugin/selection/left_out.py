"""Counts the tests that the project itself leaves out of a session, and finds out what leaves them out.

`-k`, `-m` and similar options report to pytest which tests they deselect; a conftest may silently drop tests from the list, or
prevent the collection of files. What gates itself leaves out is counted elsewhere. Tests in places that pytest never visits, because the
arguments or `testpaths` name other folders, cannot be counted.
"""

from __future__ import annotations

import fnmatch
import sys
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ...portable.originals import os
from ...portable.protocol import PACKAGE

TESTS, FILES = "tests", "files"
MOST = 20_000
"""Maximum number of files to examine in ignored folders."""

_OF_PYTEST = {
    "_pytest.main": ("--deselect", "deselect"),
    "_pytest.cacheprovider": ("--last-failed", ""),
    "_pytest.stepwise": ("--stepwise", ""),
}
"""Deselecting module → option, and its name in pytest's config."""


class LeftOutWatch:
    """Registered where tests are collected."""

    def __init__(self, config: pytest.Config, found: Counter[tuple[str, str]]) -> None:
        """Start counting.

        Args:
            config: of the session.
            found: filled with (who, tests or files) → how many.
        """
        self._config, self._found = config, found
        self._told: set[int] = set()  # items whose deselection was reported
        self._looked_at = 0

    # Tests

    @pytest.hookimpl(tryfirst=True)
    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """A plugin reports what it leaves out."""
        who = self._teller()
        self._told.update(map(id, items))
        if who and items:
            self._found[who, TESTS] += len(items)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None, None, None]:
        """Compare the list before and after each plugin that may change it."""
        before = list(items)
        put_back = self._listen(items)
        try:
            yield
        finally:
            put_back()
        if items:  # gates leaves none if it has an error itself
            self._count(before, items, "a plugin, silently")

    def _listen(self, items: list[pytest.Item]) -> Callable[[], None]:
        """Check the list after each hook call; returns a function that ends this."""
        heard: list[tuple[Any, Any]] = []
        implementations: list[Any] = self._config.hook.pytest_collection_modifyitems.get_hookimpls()
        for one in implementations:
            if one.hookwrapper or getattr(one, "wrapper", False) or _module(one.plugin).startswith(PACKAGE):
                continue
            heard.append((one, one.function))
            with suppress(AttributeError):  # for a version of pluggy without this interface
                one.function = self._counted(one.function, self._name(one.plugin), items)

        def put_back() -> None:
            for one, function in heard:
                with suppress(AttributeError):
                    one.function = function

        return put_back

    def _counted(self, function: Callable[..., Any], who: str, items: list[pytest.Item]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            before = list(items)
            try:
                return function(*args)
            finally:
                self._count(before, items, f"{who}, silently")

        return call

    def _count(self, before: list[pytest.Item], after: list[pytest.Item], who: str) -> None:
        if before == after:
            return
        kept = set(map(id, after))
        gone = [item for item in before if id(item) not in kept and id(item) not in self._told]
        self._told.update(map(id, gone))
        if gone:
            self._found[who, TESTS] += len(gone)

    def _teller(self) -> str:
        """The caller of the hook; empty for gates itself."""
        frame = sys._getframe(2)  # noqa: SLF001 (the stack alone tells)
        while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "pluggy":
            frame = frame.f_back
        module = str(frame.f_globals.get("__name__", ""))
        if module.partition(".")[0] == PACKAGE:
            return ""
        if module.startswith("_pytest.mark"):
            keyword = frame.f_code.co_name == "deselect_by_keyword"
            option, value = ("-k", "keyword") if keyword else ("-m", "markexpr")
            text = str(getattr(self._config.option, value, ""))
            return f"{option} {text!r}{self._origin(option, text)}"
        if module in _OF_PYTEST:
            option, _ = _OF_PYTEST[module]
            return f"{option}{self._origin(option)}"
        return self._of_file(module, str(frame.f_globals.get("__file__") or frame.f_code.co_filename))

    def _origin(self, option: str, text: str = "") -> str:
        """Where an option is set, if not in the gate's command."""
        words = [str(word) for word in self._config.getini("addopts")]
        if any(word.startswith(option) for word in words) and (not text or any(text in word for word in words)):
            path = getattr(self._config, "inipath", None)
            return f" (addopts in {path.name if path is not None else 'the config'})"
        return " (PYTEST_ADDOPTS)" if f"{option} " in f"{os.environ.get('PYTEST_ADDOPTS', '')} " else ""

    def _name(self, plugin: object) -> str:
        return self._of_file(_module(plugin), str(getattr(plugin, "__file__", "") or ""))

    def _of_file(self, module: str, file: str) -> str:
        """A conftest by its path, another plugin by its package."""
        if os.path.basename(file) == "conftest.py":
            root = str(self._config.rootpath)
            return os.path.relpath(file, root).replace(os.sep, "/") if file.startswith(root) else file
        return f"the plugin {module.partition('.')[0] or file or 'without a name'}"

    # Files

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> Generator[None, Any, None]:
        """A file or a folder is not collected."""
        outcome = yield
        if outcome.excinfo is None and outcome.get_result():
            who = "" if self._is_ours(collection_path) else self._ignorer(collection_path)
            number = self._test_files(collection_path) if who else 0
            if number:
                self._found[who, FILES] += number

    def _is_ours(self, path: Path) -> bool:
        """Whether gates itself leaves a file out."""
        selection = self._config.pluginmanager.get_plugin("gates-selection")
        return selection is not None and bool(selection.pytest_ignore_collect(path, self._config))

    def _ignorer(self, path: Path) -> str:
        """What ignores it; empty for pytest's defaults (folders such as `.git`, environments)."""
        option, text = self._config.option, str(path)
        here = str(self._config.invocation_params.dir)
        if any(os.path.abspath(os.path.join(here, str(one))) == text for one in option.ignore or ()):
            return f"--ignore{self._origin('--ignore')}"
        if any(fnmatch.fnmatch(text, os.path.join(here, str(one))) for one in option.ignore_glob or ()):
            return f"--ignore-glob{self._origin('--ignore-glob')}"
        if os.path.isdir(path) and any(fnmatch.fnmatch(path.name, one) for one in self._config.getini("norecursedirs")):
            return ""
        for plugin in self._config.pluginmanager.get_plugins():
            file = str(getattr(plugin, "__file__", "") or "")
            names = ("collect_ignore", "collect_ignore_glob", "pytest_ignore_collect")
            said = next((name for name in names if hasattr(plugin, name)), "")
            if said and os.path.basename(file) == "conftest.py" and text.startswith(os.path.dirname(file)):
                return f"{said} of {self._of_file('', file)}"
        if os.path.isdir(path):  # an environment
            return ""
        return "a plugin's pytest_ignore_collect"

    def _test_files(self, path: Path) -> int:
        """How many files pytest would treat as tests."""
        patterns = [str(one) for one in self._config.getini("python_files")]
        if not os.path.isdir(path):
            return int(_fits(path.name, patterns))
        found = 0
        for folder, folders, names in os.walk(path):
            folders[:] = [name for name in folders if not name.startswith((".", "__"))]
            self._looked_at += len(names)
            if self._looked_at > MOST:
                break
            found += sum(_fits(name, patterns) for name in names if folder)
        return found


def _fits(name: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def _module(plugin: object) -> str:
    return str(getattr(plugin, "__name__", "") or type(plugin).__module__)
