"""Read out of git what of a change belongs to its tests."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from gates.analysis.project import Layout
from gates.analysis.side_of_tests import PARTLY, SideOfTests, divide
from gates.files.temporary import scratch
from gates.results import FileChange
from gates.vcs.git import Git
from gates.vcs.texts import texts_of

_PYTEST = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg")
"""Files that say which files hold tests."""


def read_test_side(
    git: Git, code: str, head: str, files: Sequence[FileChange], with_tests: Collection[str]
) -> SideOfTests:
    """Divide what a head changed.

    Args:
        git: the repository.
        code: the tree without the change.
        head: the tree with it.
        files: that differ.
        with_tests: files in which tests were found; documentation with examples is one of them.

    Raises:
        EnvironmentProblem: git failed.
    """
    changed = {change.path.removeprefix(git.prefix) for change in files if change.path.startswith(git.prefix)}
    parts = [name for name in PARTLY if name in changed]
    before, after = texts_of(git, ((code, parts), (head, parts)))
    listed = git.listed("ls-tree", "-r", "-z", "--full-tree", "--name-only", head)
    names = [path.removeprefix(git.prefix) for path in listed if path.startswith(git.prefix)]
    with scratch("tests-of-") as work:
        folder = work / "head"
        there = [f":(literal){name}" for name in _PYTEST if name in names]
        if there:
            git.export(head, folder, *there)
        layout = Layout.of(folder / git.prefix if git.prefix else folder, names)
        texts = {name: (before[name], after[name]) for name in parts if name in before and name in after}
        found = divide(files, git.prefix, layout, texts)
    docs = {one.path for one in files if one.kind == "docs" and one.path.removeprefix(git.prefix) in with_tests}
    return msgspec.structs.replace(found, paths=found.paths | docs)
