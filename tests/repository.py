"""A git repository to test with, in a folder of the test's own."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from gates.vcs.git import Git

if TYPE_CHECKING:
    from pathlib import Path

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgSign=false")

ODD_NAMES = [
    "with space.py",
    "grüße.md",
    "日本語/файл.txt",
    'quo"te',
    "back\\slash",
    "tab\there",
    "line\nend",
    " front",
    "end ",
]
"""Of files."""


class Repository:
    """Writes files, commits them, and answers what git says."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main", *options)

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(
            ["git", *IDENTITY, *arguments], cwd=self.root, input=stdin, capture_output=True, check=False
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr.decode('utf-8', 'replace')}"
        return done.stdout.decode("utf-8", "surrogateescape").strip()

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def commit(self, files: dict[str, str] | None = None, message: str = "change") -> str:
        """Commit everything that there is, with `files` written before; the commit's hash."""
        self.write(files or {})
        self.git("add", "-A")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Make a branch and go there."""
        self.git("checkout", "--quiet", "-b", name, start)

    def go(self, name: str) -> None:
        self.git("checkout", "--quiet", name)

    def bytes(self) -> dict[str, bytes]:
        """Every file of the working tree, and the index: what must not change."""
        files = (path for path in sorted(self.root.rglob("*")) if ".git" not in path.parts[len(self.root.parts) :])
        found = {
            str(path.relative_to(self.root)): b"-> " + bytes(path.readlink())
            if path.is_symlink()
            else path.read_bytes()
            for path in files
            if path.is_file() or path.is_symlink()
        }
        index = self.root / ".git" / "index"
        return {**found, ".git/index": index.read_bytes() if index.exists() else b""}


def git_of(folder: Path) -> Git:
    git = Git.of(folder)
    assert git is not None
    return git


def files_in(folder: Path) -> set[str]:
    """Paths of all files below a folder, but for the one that makes it a worktree."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {".git"}
