"""What belongs to a project's tests, and so comes with them onto other code: test files, and the settings of their tools."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

import msgspec

from gates.analysis.dependencies import LOCKS
from gates.analysis.project import Layout, above
from gates.analysis.settings_of_tests import merged_settings
from gates.portable.patterns import lazy_pattern
from gates.results import FileChange
from gates.vcs.git import kind_of_file

_FOLDER = lazy_pattern(
    r"__snapshots__|test[_-]?data|cassettes|e2e|(unit|integration|functional|system|acceptance|regression|e2e)[_-]?tests?"
)
"""Names of folders of tests, and of what tests read, besides those of `kind_of_file`."""

NAMED = frozenset({"tests.py", "test.py", "conftest.py"})
"""Names of test files besides pytest's patterns, as Django and unittest know them."""

_HELPER = lazy_pattern(r"_?test[_-]?(utils?|helpers?|lib|cases?|support|data)(\.\w+)?")
"""Names of files that only help tests, wherever they are."""

WHOLE = (
    *("noxfile.py", "tox.ini", "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "gates.toml", ".coveragerc"),
    *("requirements*test*.txt", "requirements*dev*.txt", "*test*requirements*.txt", "*dev*requirements*.txt"),
    *("requirements/*test*.txt", "requirements/*dev*.txt"),
)
"""Files in the project's folder that decide only how it is tested."""

PARTLY = ("pyproject.toml", "setup.cfg")
"""Files with settings of tests beside others."""


class SideOfTests(msgspec.Struct, frozen=True, kw_only=True):
    """What of a change belongs to its tests.

    Attributes:
        paths: of files, from the root of the repository.
        texts: path → the code's own file with the head's settings of tests.
        settings: paths of settings among both.
        apart: changed files with settings that stay as they are: no setting of tests differs, or none can be told from others.
    """

    paths: frozenset[str] = frozenset()
    texts: Mapping[str, str] = {}
    settings: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()

    def brings(self, path: str) -> bool:
        """Whether a file comes with the tests as it is."""
        return path in self.paths


def divide(
    changes: Iterable[FileChange], prefix: str, layout: Layout, texts: Mapping[str, tuple[str, str]]
) -> SideOfTests:
    """Divide a change.

    Args:
        changes: all of its files.
        prefix: the project's folder in the repository, with its slash.
        layout: of the project, with the change.
        texts: those of `PARTLY` that exist without and with the change, by their names in the project's folder → both texts.
    """
    paths, settings, apart = set[str](), list[str](), list[str]()
    found = {name: merged_settings(name, *both) for name, both in texts.items()}
    whole = {*WHOLE, *(LOCKS if _is_taken_whole(texts, found) else ())}
    merged = {f"{prefix}{name}": text for name, text in found.items() if text is not None and text != texts[name][0]}
    for change in changes:
        name = change.path.removeprefix(prefix) if change.path.startswith(prefix) else ""
        if name in texts:
            (settings if change.path in merged else apart).append(change.path)
        elif name and any(fnmatchcase(name, pattern) and name.count("/") == pattern.count("/") for pattern in whole):
            paths.add(change.path)
            settings.append(change.path)
        elif is_of_tests(change.path, name, layout):
            paths.add(change.path)
    return SideOfTests(paths=frozenset(paths), texts=merged, settings=tuple(settings), apart=tuple(apart))


def _is_taken_whole(texts: Mapping[str, tuple[str, str]], found: Mapping[str, str | None]) -> bool:
    """Whether only tests depend on more or less than before: then what is locked belongs to them."""
    code, head = texts.get("pyproject.toml", ("", ""))
    return code != head and found["pyproject.toml"] == head


def is_of_tests(path: str, name: str, layout: Layout) -> bool:
    """Whether a file is a test file or belongs to some.

    Code beside test files does not: `Layout.test_side` is generous, because there one file too many only runs a test.

    Args:
        path: of the file in the repository.
        name: its path in the project; empty outside.
        layout: of the project.
    """
    kind, path = kind_of_file(path), name or path
    if (
        posixpath.basename(path) in NAMED
        or _HELPER.fullmatch(posixpath.basename(path))
        or any(map(_FOLDER.fullmatch, path.split("/")[:-1]))
    ):
        return True
    if name and _is_public_testing(name, layout):
        return False
    return kind == "test" or (name.endswith(".py") and layout.is_test(name))


def _is_public_testing(name: str, layout: Layout) -> bool:
    """Whether a file is in a package `testing` of production code, which helps other projects to test: `numpy.testing`."""
    named = (folder for folder in above(name) if posixpath.basename(folder) in ("test", "tests", "testing"))
    folder = next(named, "")
    if layout.is_test(name) or posixpath.basename(folder) != "testing":
        return False
    inside = posixpath.dirname(folder) in layout.packages and folder in layout.packages
    return inside and not any(layout.is_test(path) for path in layout.python if posixpath.dirname(path) == folder)


def changes_behaviour(change: FileChange) -> bool:
    """Whether a changed file, if it does not belong to the tests, can make them fail or pass: code, or data beside it."""
    folders = change.path.split("/")[:-1]
    apart = {"ci", "requirements", "docs", "doc", "changelog.d"}
    hidden = any(folder.startswith(".") or folder in apart for folder in folders)
    return change.kind == "production" or (bool(folders) and not hidden)
