from __future__ import annotations

import os
import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from gates.files.fingerprint import folder_identity
from gates.vcs.git import Git, subject_of_worktree

if TYPE_CHECKING:
    from pathlib import Path

    from tests.repository import Repository


def fill(folder: Path) -> None:
    for name, text in {
        "a.py": "1",
        "sub/b.py": "2",
        ".hidden/c": "3",
        "__pycache__/d": "4",
        "reports/run.json": "5",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("name", "text", "seen"),
    [
        ("a.py", "other", True),
        ("sub/b.py", "other", True),
        ("new.py", "", True),
        ("sub/reports/x.py", "", True),
        (".hidden/c", "other", False),
        ("__pycache__/d", "other", False),
        ("sub/__pycache__/d", "other", False),
        ("reports/run.json", "other", False),
    ],
)
def test_a_folder_is_identified_by_its_files(tmp_path: Path, name: str, text: str, seen: bool) -> None:
    fill(tmp_path)
    before = folder_identity(tmp_path)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert (folder_identity(tmp_path) != before) is seen


def test_a_folder_is_the_same_wherever_it_lies(tmp_path: Path) -> None:
    fill(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert folder_identity(tmp_path / "one") == folder_identity(tmp_path / "two")


def test_links_count_with_where_they_lead(tmp_path: Path) -> None:
    fill(tmp_path)
    found = {folder_identity(tmp_path)}
    for target in ("sub", ".", "nowhere", "elsewhere"):
        (tmp_path / "link").symlink_to(target)
        found.add(folder_identity(tmp_path))
        (tmp_path / "link").unlink()
    assert len(found) == 5


def test_what_cannot_be_read_neither_fails_nor_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        assert folder_identity(tmp_path).startswith("files:sha256:")


def test_a_folder_without_git_is_a_subject(tmp_path: Path) -> None:
    fill(tmp_path)
    subject = subject_of_worktree(tmp_path, None)
    assert (subject.kind, subject.name, subject.identity) == ("folder", tmp_path.name, folder_identity(tmp_path))
    assert (subject.commit, subject.branch, subject.base, subject.dirty) == ("", "", "", False)


@pytest.mark.parametrize("folder", ["", "sub/deep"])
def test_files_of_a_tree_are_exported_from_wherever_the_project_lies(
    repository: Repository, tmp_path: Path, folder: str
) -> None:
    repository.commit({"sub/deep/a.py": "1", "sub/deep/b.txt": "1", "c.py": "1"})
    git = Git(repository.root / folder)
    git.export("HEAD", tmp_path / "out", ":(glob)**/*.py")
    found = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert found == {"sub/deep/a.py"} | ({"c.py"} if not folder else set())
