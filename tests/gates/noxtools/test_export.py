from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from gates.noxtools.export import export

if TYPE_CHECKING:
    from pathlib import Path


def put(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "init.defaultBranch=main", *words], cwd=root, check=True, capture_output=True)


def files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "Ordner mit ß"
    put(folder, "a.py", "pkg/b c.py", "pkg/ü.py", "deleted.py", "ignored.log", "build/left.txt", "__pycache__/x.pyc")
    return folder


def test_holds_what_git_tracks_or_would_track(root: Path, tmp_path: Path) -> None:
    put(root, ".gitignore")
    (root / ".gitignore").write_text("*.log\n/build/\n__pycache__/\n")
    (root / "link").symlink_to("a.py")
    git(root, "init")
    git(root, "add", ".")
    put(root, "untracked.py")
    (root / "deleted.py").unlink()
    assert export(root, tmp_path / "out") == 6
    assert files(tmp_path / "out") == {".gitignore", "a.py", "pkg/b c.py", "pkg/ü.py", "link", "untracked.py"}
    assert (tmp_path / "out" / "link").is_symlink()


def test_without_git_everything_but_leftovers(root: Path, tmp_path: Path) -> None:
    export(root, tmp_path / "out")
    assert files(tmp_path / "out") == {"a.py", "pkg/b c.py", "pkg/ü.py", "deleted.py", "ignored.log"}


def test_a_folder_inside_another_repository_is_not_that_repository(root: Path, tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / ".gitignore").write_text("*\n")
    export(root, tmp_path / "out")
    assert "a.py" in files(tmp_path / "out")
