"""The names that a change adds to the code: a test that cannot find one of them fails because of the change."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

import msgspec

from gates.portable.patterns import lazy_pattern
from gates.results import FileChange
from gates.vcs.hunks import FileDifference

_WORD = lazy_pattern(r"[^\W\d]\w*")

_DEFINED = lazy_pattern(
    r"^\s*(?:(?:async\s+)?def|class)\s+(\w+)|^(\w+)\s*(?::[^=]*)?=[^=]|^\s*(?:from\s.*)?import\s(.*)"
)
"""A line that gives names a meaning in its module."""

_MODULE = lazy_pattern(r"No module named '([\w.]+)'")
_IMPORT = lazy_pattern(r"cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'")
_NAMES = (
    lazy_pattern(r"has no attribute '(\w+)'"),
    lazy_pattern(r"got an unexpected keyword argument '(\w+)'"),
    lazy_pattern(r"fixture '(\w+)' not found"),
    lazy_pattern(r"'(\w+)' not found in `markers`"),
    lazy_pattern(r"Unknown (?:pytest\.mark\.|config option: )(\w+)"),
)
"""What Python and pytest say of a name that is not there."""

_ELSEWHERE = lazy_pattern(
    r"No module named|cannot import name|^(?:\w+: )?(?:Syntax|Indentation|Memory)Error|fixture '\w+' not found"
    r"|not found in `markers`|PytestUnknownMarkWarning|PytestConfigWarning|No space left on device|^usage: "
)
"""Failures that do not come from the code under test, unless they name what the change adds."""

_FILE = lazy_pattern(r"FileNotFoundError: .*?'([^']+)'")


class AddedNames(msgspec.Struct, frozen=True, kw_only=True):
    """What the code without the change does not have.

    Attributes:
        words: file → names in its added lines, for changed files with code.
        defined: file → names that its added lines define, and the removed ones do not.
        added: files that only the head has, except those that the tests brought along.
        folders: that exist without the change.
        code: files with code that the change touches.
        prefix: the project's folder in the repository, with its slash.
    """

    words: Mapping[str, frozenset[str]]
    added: frozenset[str]
    folders: frozenset[str]
    code: frozenset[str] = frozenset()
    defined: Mapping[str, frozenset[str]] = {}
    prefix: str = ""

    def cause_of(self, message: str) -> str:
        """The name that a failure misses because the change adds it, in words; empty for any other failure."""
        missing = _MODULE.search(message)
        if missing is not None:
            return f"the change adds the module {missing[1]}" if self._adds_module(missing[1]) else ""
        missing = _IMPORT.search(message)
        if missing is not None:
            name, module = missing.groups()
            return f"the change adds {name} to {module}" if self._adds(self.words, module, name) else ""
        for pattern in _NAMES:
            missing = pattern.search(message)
            if missing is not None and any(missing[1] in words for words in self.words.values()):
                return f"the change adds {missing[1]}"
        return ""

    def imported(self, text: str) -> str:
        """A module that the change adds and that this Python code cannot be without; empty if there is none."""
        try:
            body = ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError):
            return ""
        names = [alias.name for node in body if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in body if isinstance(node, ast.ImportFrom) and not node.level]
        return next((name for name in names if name and self._adds_module(name)), "")

    def lacks(self, module: str, name: str) -> bool:
        """Whether the code without the change lacks what an import asks for; `name` is empty for the module itself."""
        if self._adds_module(module):
            return True
        if not name:
            return False
        return self._adds(self.defined, module, name)

    def is_in(self, place: str) -> bool:
        """Whether a place, `path:line`, is in code that the change touches; the path is from the project's folder."""
        path = place.rpartition(":")[0]
        return bool(path) and f"{self.prefix}{path}" in self.code

    def not_the_change(self, message: str) -> bool:
        """Whether a failure has another cause, as far as its message shows."""
        file = _FILE.search(message)
        if file is not None:
            # A file that the change adds, neither code nor data of the tests: it is unknown which of them it belongs to.
            name = PurePosixPath(file[1]).name
            return any(PurePosixPath(path).name == name and path not in self.words for path in self.added)
        return _ELSEWHERE.search(message) is not None and not self.cause_of(message)

    def _adds(self, names: Mapping[str, frozenset[str]], module: str, name: str) -> bool:
        there = any(name in words for file, words in names.items() if _is_module(file, module))
        return there or self._adds_module(f"{module}.{name}")

    def _adds_module(self, module: str) -> bool:
        if any(_is_module(path, module) for path in self.added):
            return True
        # A package without `__init__.py`: its folder is new.
        parts = tuple(module.split("."))
        return any(
            folder.parts[-len(parts) :] == parts and str(folder) not in self.folders
            for path in self.added
            for folder in PurePosixPath(path).parents
        )


def added_names(
    files: Sequence[FileChange],
    brought: Collection[str],
    differences: Iterable[FileDifference],
    folders: Iterable[str],
    prefix: str = "",
) -> AddedNames:
    """What a change adds.

    Args:
        files: all that it changes.
        brought: those of them that the tests brought along.
        differences: line by line.
        folders: of the code without the change.
        prefix: the folder that `differences` start from, with its slash.
    """
    code = frozenset(change.path for change in files if change.kind == "production" and change.path not in brought)
    changed = {path: one for one in differences if (path := f"{prefix}{one.after}") in code}
    return AddedNames(
        words={path: _words(one.added()) for path, one in changed.items()},
        defined={path: _defined(one.added()) - _defined(one.removed()) for path, one in changed.items()},
        added=frozenset(change.path for change in files if change.status == "A" and change.path not in brought),
        folders=frozenset(folders),
        code=code,
        prefix=prefix,
    )


def _words(lines: Iterable[tuple[int, str]]) -> frozenset[str]:
    return frozenset(word for _, line in lines for word in _WORD.findall(line))


def _defined(lines: Iterable[tuple[int, str]]) -> frozenset[str]:
    found = (match for _, line in lines if (match := _DEFINED.match(line)) is not None)
    return frozenset(word for match in found for word in _WORD.findall(match[1] or match[2] or match[3]))


def _is_module(path: str, module: str) -> bool:
    """Whether a file is a module of this name, or its package; the folder that imports start from is not known."""
    file = PurePosixPath(path)
    parts = file.parent.parts if file.stem == "__init__" else (*file.parent.parts, file.name.partition(".")[0])
    names = tuple(module.split("."))
    return parts[-len(names) :] == names
