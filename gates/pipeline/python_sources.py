"""Read the Python files of both sides, without running them: shapes of tests, what they check, and the public API."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from gates.analysis.api import api_changes
from gates.analysis.checks.data_rows import READ as DATA
from gates.analysis.checks.reading import SETTINGS, is_test_code
from gates.analysis.checks.weaker import WeakerChecks, weaker_checks
from gates.analysis.shapes import Shape, shapes_of
from gates.files.temporary import scratch
from gates.portable.regular import read_text
from gates.results import FileChange
from gates.vcs.git import Git

MANY = 1000
"""Changed data files that are read at most: git takes their names as arguments."""


class PythonSources(msgspec.Struct, frozen=True, kw_only=True):
    """What was read.

    Attributes:
        shapes: of tests, on base and head.
        api: what `api_changes` gives.
        checks: what tests check less.
    """

    shapes: tuple[Mapping[str, Shape], Mapping[str, Shape]] = ({}, {})
    api: tuple[Sequence[Mapping[str, str]], str] = ((), "")
    checks: WeakerChecks = WeakerChecks()


def read_python(
    git: Git, trees: tuple[str, str], fork: str, differing: Sequence[FileChange], tests: Sequence[str]
) -> PythonSources:
    """What the sources of both trees show; unchanged files are skipped.

    Args:
        git: the repository.
        trees: of base and head.
        fork: tree that the branch began at: what it checks less is counted from there.
        differing: files that differ between the two trees.
        tests: files that have results.
    """
    changed = {change.path for change in differing}
    files = [file for file in tests if f"{git.prefix}{file}" in changed]
    api = any(path.endswith((".py", ".pyi")) for path in changed)
    data = sorted(path for path in changed if path.endswith(DATA) and is_test_code(path))[:MANY]
    if not files and not api and not data:
        return PythonSources()
    with scratch("sources-") as work:
        exported = {tree: work / str(at) for at, tree in enumerate(dict.fromkeys((*trees, fork)))}
        for tree, folder in exported.items():
            wanted = (":(glob)**/*.py", ":(glob)**/*.pyi", *(f":(top,literal){path}" for path in data))
            git.export(tree, folder, *wanted, *(f":(literal){name}" for name in SETTINGS))
        base, head, began = (exported[tree] / git.prefix for tree in (*trees, fork))
        # With both names of a moved file.
        paths = git.need("diff-tree", "-r", "-z", "--no-renames", "--name-only", fork, trees[1]).split("\0")
        return PythonSources(
            shapes=(shapes_of(base, files), shapes_of(head, files)),
            api=api_changes(base, head) if api else ((), ""),
            checks=weaker_checks(
                FolderTexts(began),
                FolderTexts(head),
                {path.removeprefix(git.prefix) for path in paths if path.startswith(git.prefix)},
            ),
        )


class FolderTexts(Mapping[str, str]):
    """The files below a folder that tests are made of: path with `/` → text, read when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: list[str] | None = None

    def __getitem__(self, path: str) -> str:
        """The text of a file; one that is not UTF-8 is not there."""
        try:
            return read_text(self._folder / path)
        except (OSError, ValueError):
            raise KeyError(path) from None

    def __iter__(self) -> Iterator[str]:
        """The paths of all files."""
        if self._names is None:
            self._names = [
                (Path(folder) / name).relative_to(self._folder).as_posix()
                for folder, _, files in os.walk(self._folder)
                for name in files
            ]
        return iter(self._names)

    def __len__(self) -> int:
        """How many there are."""
        return sum(1 for _ in self)
