"""Copies what a commit of the working tree would contain to another folder: a build must not depend on leftovers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

_LEFTOVERS = shutil.ignore_patterns(
    ".git",
    ".nox",
    ".venv",
    ".cache",
    "__pycache__",
    "*.egg-info",
    ".*_cache",
    ".hypothesis",
    "build",
    "dist",
    "reports",
)


def export(root: Path, destination: Path) -> int:
    """Copy the files of `root` that git tracks, or would track, to `destination`; returns how many.

    Without git, or if `root` is not the top of a repository, everything but the usual leftovers is copied.
    """
    names = _known_to_git(root)
    if names is None:
        shutil.copytree(root, destination, symlinks=True, ignore=_LEFTOVERS, dirs_exist_ok=True)
        return sum(path.is_file() for path in destination.rglob("*"))
    count = 0
    for name in names:
        source, target = root / name, destination / name
        # A tracked file may be deleted in the working tree; a submodule is listed as a folder.
        if source.is_symlink() or source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
            count += 1
    return count


def _known_to_git(root: Path) -> list[str] | None:
    def git(*arguments: str) -> str | None:
        try:
            answer = subprocess.run(["git", "-C", root, *arguments], capture_output=True, check=False)
        except OSError:
            return None
        return answer.stdout.decode("utf-8", "surrogateescape") if answer.returncode == 0 else None

    top = git("rev-parse", "--show-toplevel")
    # A folder inside a larger repository, such as an unpacked sdist, is not that repository.
    if top is None or Path(top.rstrip("\n")).resolve() != root.resolve():
        return None
    listing = git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return None if listing is None else sorted({name for name in listing.split("\0") if name})
