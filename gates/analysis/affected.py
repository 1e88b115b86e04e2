"""Tell which test files can break when some paths of the project changed.

A path that cannot be mapped selects everything: one test file too many costs time, one too few hides a failure.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from gates.analysis.project import Layout, above, below
from gates.analysis.reach import Reach
from gates.analysis.reading import NOTEWORTHY, parse, prefixes, read_imports
from gates.portable.filters.matchers import compile_path_matcher
from gates.portable.filters.nodes import Matcher

if TYPE_CHECKING:
    from gates.analysis.imports import Imports

# Many texts contain their names, but they are not read as data.
_UNREAD = frozenset({"__init__.py", "conftest.py"})
_WORD = re.compile(rb"[^\W\d]\w*")


def affected(imports: Imports, changed: Sequence[str], unrelated: Sequence[str] = ()) -> Reach:
    """The test files that can break when these paths changed.

    Args:
        imports: the import graph of the project after the change.
        changed: paths that were added, modified or deleted, and both names of renamed ones; relative to the root.
        unrelated: globs of paths that affect no test, as the project declares: `*` within a folder, `**` across.
    """
    without = [compile_path_matcher(Matcher("#", pattern.removeprefix("/"))) for pattern in unrelated]
    paths = tuple(path for path in changed if not any(matches(path) for matches in without))
    if not paths:
        return Reach()
    return _Change(imports, paths).reach()


@dataclass(frozen=True)
class _Change:
    """The changed paths of a project."""

    imports: Imports
    paths: tuple[str, ...]

    def reach(self) -> Reach:
        unmapped = [(path, why) for path in self.paths if (why := self._why_everything(path))]
        if not unmapped:
            needing = self.imports.needing(file for path in self.paths for file in self._touched(path))
            plugin = min(needing & self._plugins, default="")
            if not plugin:
                return Reach(needing & self._layout.tests, notes=self.imports.notes())
            unmapped = [(plugin, "is a pytest plugin that every test loads, and the change affects it")]
        path, why = unmapped[0]
        more = f" (and {len(unmapped) - 1} more like it)" if len(unmapped) > 1 else ""
        return Reach(self._layout.tests, everything=f"{path} {why}{more}")

    @property
    def _layout(self) -> Layout:
        return self.imports.layout

    @cached_property
    def _plugins(self) -> frozenset[str]:
        names = self._layout.plugins
        return frozenset(path for name in names for path in self.imports.modules.meant(name, ""))

    def _why_everything(self, path: str) -> str:
        """Why a change of this path may break any test, as the end of a sentence; empty when the affected tests are known."""
        if path.startswith("../"):
            return "is outside the project"
        if self._around(path):
            return ""
        if not path.endswith(".py"):
            return "is neither Python nor in a package or test folder"
        known = self._layout.is_test(path) or posixpath.basename(path) in _UNREAD or self._importers(path)
        return "" if known else "is in no package and nothing imports it, so it is unknown what runs it"

    def _around(self, path: str) -> frozenset[str]:
        """The folders that a path is mapped by: the nearest package and the nearest test folder."""
        package = next((folder for folder in above(path) if folder in self._layout.packages), "")
        return frozenset({package, self._layout.governed(path)} - {""})

    def _touched(self, path: str) -> Iterator[str]:
        """The Python files whose content or behaviour changes when a path changes."""
        yield from self._reading_by_name(path)
        name = posixpath.basename(path)
        if not path.endswith(".py"):
            yield from self._having_as_data(path)
            return
        yield path
        yield from self._naming(path)
        folder = posixpath.dirname(path)
        if name == "conftest.py":
            yield from (test for test in self._layout.tests if below(test, folder))
        elif name == "__init__.py":  # it changes the module names of everything in its folder
            yield from (file for file in self._layout.python if below(file, folder))
        elif not self._layout.is_test(path) and not self._importers(path) and self._layout.governed(path):
            yield from self._having_as_data(path)

    def _having_as_data(self, path: str) -> Iterator[str]:
        """The files that may read a path because they are in the same package or test folder."""
        folder = self._layout.governed(path)
        if folder:
            yield from (file for file in self._layout.python if below(file, folder))
        package = next((folder for folder in above(path) if folder in self._layout.packages), "")
        if package:
            yield posixpath.join(package, "__init__.py")

    def _importers(self, path: str) -> frozenset[str]:
        """The files that import a file, present or deleted, by name."""
        return self._naming(path).union(self.imports.needed_by.get(path, ())) - {path}

    def _naming(self, path: str) -> frozenset[str]:
        """The files that import a module that does not exist (any more)."""
        return self._by_deleted.get(path, frozenset())

    @cached_property
    def _by_deleted(self) -> dict[str, frozenset[str]]:
        deleted = [path for path in self.paths if path.endswith(".py") and path not in self._layout.python]
        # A package that was removed entirely still gave its modules their names.
        before = replace(self._layout, files=self._layout.files.union(deleted))
        names = {path: before.names_of(path) for path in deleted}
        found: dict[str, set[str]] = {path: set() for path in deleted}
        last = {name.rpartition(".")[2] for several in names.values() for name in several}
        for file, text in self._texts.items() if deleted else ():
            words = {word.decode() for word in _WORD.findall(text)}
            if not last & words and not NOTEWORTHY.search(text):
                continue  # to import a module, a file must contain its name
            said, texts, packages = _said(text, file)
            for path in deleted:
                own = {name.rpartition(".")[2] for name in names[path]}
                starred = any(name.startswith(f"{package}.") for package in packages for name in names[path])
                if starred or said.intersection(names[path]) or own & texts:
                    found[path].add(file)
        return {path: frozenset(files) for path, files in found.items()}

    def _reading_by_name(self, path: str) -> frozenset[str]:
        """The files that mention a file's name and so may read it. Any file may read data; only tests may read Python."""
        name = posixpath.basename(path)
        if name in _UNREAD or self._layout.is_test(name):
            return frozenset()
        pattern = re.compile(rb"(?<![\w.-])" + re.escape(name.encode("utf-8", "surrogateescape")) + rb"(?![\w.-])")
        data = not path.endswith(".py")
        return frozenset(
            file
            for file, text in self._texts.items()
            if (data or self._layout.test_side(file)) and pattern.search(text)
        )

    @cached_property
    def _texts(self) -> dict[str, bytes]:
        return {file: self._layout.text(file) for file in self._layout.python}


def _said(text: bytes, file: str) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """The names that a file imports, its strings (`__all__` names modules), and packages of which it imports anything."""
    tree = parse(text)
    if tree is None:
        return frozenset(), frozenset(), frozenset()  # already counts as importing everything
    reading = read_imports(tree, file)
    texts = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return prefixes(reading.names), frozenset(texts), reading.below
