from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gates.vcs.folder_tree import FolderTree
from gates.vcs.new_files import NewFileRule
from gates.vcs.watch import TreeChanges

if TYPE_CHECKING:
    from pathlib import Path


def watched(root: Path) -> FolderTree:
    return FolderTree(root, lambda tracked, folders: NewFileRule(tracked=tracked, folders=folders), time.time_ns())


def test_files_of_a_folder_without_git_may_not_change(tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).write_text(name)
    watch = watched(tmp_path)
    assert watch.look() == TreeChanges()
    (tmp_path / "a.py").write_text("b.py")
    (tmp_path / "b.py").unlink()
    (tmp_path / "c.py").touch()
    (tmp_path / "conftest.py").write_text("")
    (tmp_path / "out.txt").write_text("")
    assert watch.look() == TreeChanges(
        faults=("a.py", "b.py (removed)", "conftest.py (new)"), left=("out.txt",), written=("c.py",)
    )
    assert watch.look() == TreeChanges()
