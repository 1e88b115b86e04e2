"""Environments in a worktree: only they stay in it from one run to the next."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ENVIRONMENTS = (".nox", ".tox", ".venv")
"""Names of folders with environments: they cost more to make than to keep, and the tool that made them knows how to bring them up
to date. Nothing else stays: anything that a run left (a build, a database, a cache) would make the next one of the same commit
a different run."""


def set_aside(worktree: Path, aside: Path) -> None:
    """Move the environments of a worktree into a folder next to it, under the same paths.

    Raises:
        OSError: one cannot be moved.
    """
    for path in list(_environments(worktree)):
        target = aside / path.relative_to(worktree)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)


def bring_back(aside: Path, worktree: Path) -> None:
    """Move environments back into the worktree, except where the commit itself has files."""
    for path in list(_environments(aside)):
        target = worktree / path.relative_to(aside)
        for rest in path.glob("*/tmp"):  # a session's `create_tmp()`
            remove(rest)
        if not os.path.lexists(target):
            with suppress(OSError):
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
    remove(aside)


def _environments(folder: Path) -> Iterator[Path]:
    """Folders with environments, but no links to them: the target of a link is not part of the tree."""
    for place, folders, _ in os.walk(folder):
        found = [name for name in folders if name in ENVIRONMENTS]
        folders[:] = [name for name in folders if name not in ENVIRONMENTS and name != ".git"]
        for name in found:
            path = folder / place / name
            if not path.is_symlink() and (name != ".venv" or (path / "pyvenv.cfg").is_file()):
                yield path


def remove(path: Path) -> None:
    """Remove a folder or a file, even read-only folders. Links are not followed."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
        return
    shutil.rmtree(path, ignore_errors=True)
    if path.exists():
        for place, folders, _ in os.walk(path):
            for name in (".", *folders):
                with suppress(OSError):
                    if not os.path.islink(os.path.join(place, name)):  # noqa: PTH114, PTH118
                        os.chmod(os.path.join(place, name), 0o700)  # noqa: PTH101, PTH118
        shutil.rmtree(path, ignore_errors=True)
