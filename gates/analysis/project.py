"""List a project's files, and tell which of them hold tests."""

from __future__ import annotations

import configparser
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from gates.portable.patterns import lazy_pattern
from gates.portable.regular import read_bytes, read_text
from gates.readers.toml import read_toml, table_at
from gates.vcs.git import Git

_DEFAULT_PATTERNS = ("test_*.py", "*_test.py")
_TEST_FOLDER = lazy_pattern(r"(.*_)?tests?(_.*)?|testing|specs?|e2e")
_NEVER = frozenset({"__pycache__", "node_modules"})

# In the order in which pytest looks, each with the tables that it reads there.
_CONFIGS = (
    ("pytest.toml", ("pytest",)),
    (".pytest.toml", ("pytest",)),
    ("pytest.ini", ("pytest",)),
    (".pytest.ini", ("pytest",)),
    ("pyproject.toml", ("tool.pytest", "tool.pytest.ini_options")),
    ("tox.ini", ("pytest",)),
    ("setup.cfg", ("tool:pytest",)),
)


def project_files(root: Path, git: Git | None) -> tuple[str, ...]:
    """The files below `root` that are tracked, or neither tracked nor ignored; relative to it, with `/`, sorted.

    Args:
        root: the project's folder, which may be inside the repository's.
        git: the repository at `root`; without one, all files but hidden folders, caches and environments are listed.
    """
    if git is None:
        return tuple(sorted(_walk(root)))
    # Relative to the folder that git runs in, and nothing above it: what a subfolder of a repository needs.
    command = ("-C", str(root.absolute()), "ls-files", "-co", "--exclude-standard", "-z")
    listed = set(git.need(*command).split("\0")) - {""}
    # Deleted files are still in the index, and a submodule is one entry that is a folder.
    return tuple(sorted(name for name in listed if (root / name).is_file() or (root / name).is_symlink()))


def _walk(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and name not in _NEVER and not (here / name / "pyvenv.cfg").exists()
        ]
        for name in files:
            yield (here / name).relative_to(root).as_posix()


def above(path: str) -> Iterator[str]:
    """The folders that contain a path, the nearest first, the root (as an empty string) last."""
    while path:
        path = posixpath.dirname(path)
        yield path


def below(path: str, folder: str) -> bool:
    """Whether a path is in a folder or below it; everything is in the root."""
    return not folder or path.startswith(f"{folder}/")


@dataclass(frozen=True)
class Layout:
    """Where a project keeps its files.

    Attributes:
        root: the project's folder.
        files: all its files, relative to `root`.
        patterns: of the names of test files.
        paths: folders that are searched for imports, the first ones first.
        doctests: whether pytest looks for tests in every file with Python.
        plugins: dotted names of modules that pytest loads for every test: registered by the project, or named in `addopts`.
    """

    root: Path
    files: frozenset[str]
    patterns: tuple[str, ...] = _DEFAULT_PATTERNS
    paths: tuple[str, ...] = ("src", "")
    doctests: bool = False
    plugins: tuple[str, ...] = ()
    _folders: dict[str, bool] = field(default_factory=dict, init=False, compare=False, repr=False)

    @classmethod
    def of(cls, root: Path, files: Sequence[str]) -> Layout:
        """The layout of a project with these files."""
        options = _pytest_options(root)
        more = [posixpath.normpath(path).removeprefix("./") for path in _words(options.get("pythonpath"))]
        addopts = _words(options.get("addopts"))
        paths = dict.fromkeys("" if path == "." else path for path in [*more, "src", ""])
        return cls(
            root=root,
            files=frozenset(files),
            # In addition to pytest's own, not instead of them: one test file too many only runs a test.
            patterns=(
                *_DEFAULT_PATTERNS,
                *(f"*/{pattern}" if "/" in pattern else pattern for pattern in _words(options.get("python_files"))),
            ),
            paths=tuple(paths),
            doctests="--doctest-modules" in addopts,
            plugins=(*_registered_plugins(root), *_named_plugins(addopts)),
        )

    def text(self, path: str) -> bytes:
        """The content of a file. An unreadable file counts as not Python: its imports are unknown, too."""
        try:
            return read_bytes(self.root / path)
        except OSError:
            return b"\0"

    @cached_property
    def python(self) -> frozenset[str]:
        """The Python files."""
        return frozenset(path for path in self.files if path.endswith(".py"))

    @cached_property
    def tests(self) -> frozenset[str]:
        """The test files."""
        return self.python if self.doctests else self._named_as_tests

    @cached_property
    def _named_as_tests(self) -> frozenset[str]:
        return frozenset(path for path in self.python if self.is_test(path))

    @cached_property
    def packages(self) -> frozenset[str]:
        """The folders that are packages."""
        return frozenset(posixpath.dirname(path) for path in self.python if posixpath.basename(path) == "__init__.py")

    @cached_property
    def _direct(self) -> frozenset[str]:
        """Folders that directly contain a test file, or a conftest.py and no production code."""
        kinds: dict[str, set[str]] = {}
        for path in self.python:
            kinds.setdefault(posixpath.dirname(path), set()).add(posixpath.basename(path))
        tests = {posixpath.dirname(path) for path in self._named_as_tests}
        # A package may have a conftest.py for the tests in its folders, and is still production code.
        mixed = {folder for folder in self.packages if kinds[folder] - {"__init__.py", "conftest.py"}}
        return frozenset(tests | {folder for folder, names in kinds.items() if "conftest.py" in names} - mixed)

    @cached_property
    def _over_tests(self) -> frozenset[str]:
        """Folders with a test file in them or below."""
        return frozenset(folder for path in self._named_as_tests for folder in above(path))

    def is_test(self, path: str) -> bool:
        """Whether pytest would look for tests in this file."""
        name = posixpath.basename(path)
        return any(fnmatchcase(f"/{path}" if "/" in pattern else name, pattern) for pattern in self.patterns)

    def of_tests(self, folder: str) -> bool:
        """Whether a folder, or one above it, is a test folder. The root never is: it contains everything."""
        if not folder:
            return False
        if folder not in self._folders:
            own = folder in self._direct or _TEST_FOLDER.fullmatch(posixpath.basename(folder)) is not None
            self._folders[folder] = own or self.of_tests(posixpath.dirname(folder))
        return self._folders[folder]

    def test_side(self, path: str) -> bool:
        """Whether a file belongs to the tests: a test file, a conftest.py, or anything in a test folder."""
        name = posixpath.basename(path)
        return self.is_test(path) or name == "conftest.py" or self.of_tests(posixpath.dirname(path))

    def governed(self, path: str) -> str:
        """The nearest test folder containing a path that has test files at or below it; empty if there is none."""
        return next((folder for folder in above(path) if self.of_tests(folder) and folder in self._over_tests), "")

    def names_of(self, path: str) -> tuple[str, ...]:
        """The dotted names by which a Python file, present or deleted, can be imported; the usual one first.

        Folders on the search path give names, and so does the first folder above that is not a package: pytest puts it on
        the search path. Every file has a name from the root, too: a folder without `__init__.py` is a package as well.
        """
        stem = path.removesuffix(".py")
        folder = posixpath.dirname(path)
        if posixpath.basename(stem) == "__init__":
            stem, folder = folder, posixpath.dirname(folder)
        while folder and folder in self.packages:
            folder = posixpath.dirname(folder)
        bases = [base for base in (*self.paths, folder) if below(stem, base)]
        own = max(bases, key=len, default="")
        names = [stem.removeprefix(f"{base}/").replace("/", ".") for base in (own, *bases)]
        if "" in self.packages:  # then the root is a package, and imports start above it
            names.append(".".join(filter(None, (self.root.name, stem.replace("/", ".")))))
        return tuple(dict.fromkeys(filter(None, names)))


def _words(value: object) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [str(item) for item in value] if isinstance(value, list) else []


def _named_plugins(words: Sequence[str]) -> Iterator[str]:
    """The plugins of `-p name` and `-pname` in pytest's options."""
    for word, following in zip(words, (*words[1:], ""), strict=False):
        if word.startswith("-p") and not word.startswith("-pno:"):
            yield word[2:] or following


def _registered_plugins(root: Path) -> list[str]:
    """The modules that the project registers as pytest plugins: once it is installed, every run of pytest loads them."""
    project = read_toml(root / "pyproject.toml")
    found = table_at(project, "project", "entry-points", "pytest11")
    found = found | table_at(project, "tool", "poetry", "plugins", "pytest11")
    return [str(value).partition(":")[0].strip() for value in found.values()]


def _pytest_options(root: Path) -> Mapping[str, Any]:
    """The options of pytest's config file; empty if there is none that can be read."""
    for name, tables in _CONFIGS:
        path = root / name
        found: dict[str, Any] = {}
        for table in tables:
            found |= table_at(read_toml(path), *table.split(".")) if name.endswith(".toml") else _from_ini(path, table)
        if found:
            return found
    return {}


def _from_ini(path: Path, table: str) -> dict[str, Any]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(read_text(path))
    except (OSError, ValueError, configparser.Error):
        return {}
    return dict(parser.items(table)) if parser.has_section(table) else {}
