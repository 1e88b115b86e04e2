"""Decide which changes of a tree matter: files that tools keep for themselves may change, the subject may not. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from gates.portable.filters.globs import path_pattern
from gates.portable.patterns import lazy_pattern

Effect = Literal["none", "left", "fault"]
"""`left`: reported, and the tree is no longer clean. `fault`: the subject changed."""

NEW = " (new)"
"""Suffix of the name of a new file in a list of faults."""

CACHES = (
    *("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache", ".cache"),
    *(
        ".nox",
        ".tox",
        ".venv",
        "venv",
        ".eggs",
        "*.egg-info",
        "node_modules",
        "htmlcov",
        ".benchmarks",
        ".ipynb_checkpoints",
    ),
    *(".pytype", ".pyre", ".gradle"),
)
"""Folders that tools keep for themselves, wherever they are."""

CACHE_FILES = (
    *("*.pyc", "*.pyo", ".coverage", ".coverage.*", "coverage.xml", ".testmondata*", ".dmypy.json", ".DS_Store"),
)

BUILDS = ("build", "dist", "target", "_build", "site", "cmake-build-*")
"""Build folders, unless the project has its own files in them."""

READ_UNASKED = (
    *(
        "conftest.py",
        "noxfile.py",
        "gates.toml",
        "pytest.ini",
        ".pytest.ini",
        "pytest.toml",
        ".pytest.toml",
        "tox.ini",
        "*.pth",
    ),
    *("setup.cfg", "pyproject.toml", ".coveragerc", "mypy.ini", ".mypy.ini", "ruff.toml", ".ruff.toml", ".flake8"),
    *("pylintrc", ".pylintrc", ".gitignore", ".gitattributes", ".gitmodules"),
)
"""Files that tools read automatically."""

_MODULE = lazy_pattern(r"[^\W\d]\w*\.pyi?")


def _matches(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


class NewFileRule(msgspec.Struct, frozen=True, kw_only=True):
    """The meaning of a change of a file. Paths are relative to the root of the tree.

    Attributes:
        tracked: files that git tracks.
        folders: folders with files of the subject, and all above them; the root is empty.
        made: files that gates of earlier runs made, and that were reported then.
        declared: whether a gate declares that it writes this file.
        reports: whether this file is one of the run's own reports.
    """

    tracked: frozenset[str]
    folders: frozenset[str]
    made: frozenset[str] = frozenset()
    declared: Callable[[str], bool] = lambda _: False
    reports: Callable[[str], bool] = lambda _: False

    def of_known(self, path: str) -> Effect:
        """The meaning of a changed or removed file of the subject."""
        if self.reports(path):
            return "none"
        if path in self.tracked:
            return "left" if self.declared(path) else "fault"
        if self.declared(path) or self._of_a_tool(path):
            return "none"
        return "left" if path in self.made or self._built(path) else "fault"

    def of_new(self, path: str) -> Effect:
        """The meaning of a new file that git does not ignore.

        A module that can be imported from a folder of the project, and a file that tools read automatically, count as a
        change of the subject: later gates would validate something else.
        """
        if self.reports(path) or self.declared(path) or self._of_a_tool(path):
            return "none"
        if path in self.folders:  # a link, where a folder was
            return "fault"
        if path in self.made or self._built(path):
            return "left"
        folder, name = posixpath.split(path)
        module = _MODULE.fullmatch(name) is not None
        if folder in self.folders and (module or _matches(name, READ_UNASKED)):
            return "fault"
        package = module and name.startswith("__init__.") and posixpath.dirname(folder) in self.folders
        return "fault" if package else "left"

    def _of_a_tool(self, path: str) -> bool:
        *folders, name = path.split("/")
        return _matches(name, CACHE_FILES) or any(_matches(folder, CACHES) for folder in folders)

    def _built(self, path: str) -> bool:
        """Whether it is in a build folder."""
        folder = posixpath.dirname(path)
        while folder:
            if folder in self.folders:
                return False
            if _matches(posixpath.basename(folder), BUILDS):
                return True
            folder = posixpath.dirname(folder)
        return False


def folders_of(paths: Iterable[str]) -> frozenset[str]:
    """The folders that contain these files, and all above them."""
    found = {""}
    for path in paths:
        folder = posixpath.dirname(path)
        while folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return frozenset(found)


def declared_by(globs: Iterable[str], prefix: str) -> Callable[[str], bool]:
    """Whether a path is one that gates declare to write.

    Args:
        globs: paths and path globs, from the project's folder.
        prefix: the project's folder in the tree, with `/` at its end.
    """
    names, patterns = set(), []
    for glob in globs:
        names.add(posixpath.normpath(f"{prefix}{glob}"))
        try:
            patterns.append(path_pattern(glob))
        except re.error:  # then it is the name of a file
            continue

    def declared(path: str) -> bool:
        if path in names:
            return True
        own = path.removeprefix(prefix)
        return path.startswith(prefix) and any(pattern.match(own) for pattern in patterns)

    return declared
