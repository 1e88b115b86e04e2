"""Give a commit a folder of its own: a git worktree in the store, kept for the next time, never the user's tree."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gates.errors import EnvironmentProblem, GatesError
from gates.git import Git
from gates.locking import take_lock
from gates.store import CACHE_VARIABLE
from gates.values import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gates.store import Store

_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
"""The user's hooks (post-checkout) are made for the user's worktrees."""

KEPT = 4
"""Worktrees that stay for the next run: their environments cost more to make than to keep."""


@contextmanager
def checked_out(git: Git, commit: str, store: Store) -> Iterator[Path]:
    """The folder in which a commit is checked out, clean; nobody else uses it meanwhile.

    It is found again by its tree, so a rebase that changes nothing finds it too, with its environments.

    Raises:
        EnvironmentProblem: git cannot make it, or another run uses it.
    """
    tree = git.tree(commit)
    folder = store.folder / "worktrees" / tree[:20]
    with _alone(folder.with_suffix(".lock")):
        if _is_clean(folder, tree):
            # Same tree, perhaps another commit: versions that are read from git must be this one's.
            Git(folder).need(*_NO_HOOKS, "checkout", "--quiet", "--detach", commit)
        else:
            _remove(git, folder)
            git.need(*_NO_HOOKS, "worktree", "add", "--quiet", "--force", "--detach", str(folder), commit)
        os.utime(folder)
        yield folder / git.prefix if git.prefix else folder
    _forget_old(git, folder.parent, folder)


def merge_commit(git: Git, base: str, head: str) -> str:
    """A commit of the tree that merging `head` into `base` would give; no branch, index or file is touched.

    Raises:
        GatesError: it does not merge (exit code 1), with the files in conflict.
    """
    done = git.run("merge-tree", "-z", "--write-tree", "--name-only", "--no-messages", base, head)
    lines = [line for line in done.stdout.decode("utf-8", "surrogateescape").split("\0") if line]
    if done.returncode == 1 and lines:
        error = GatesError(
            "does not merge",
            place=f"{head[:12]} into {base[:12]}",
            got="conflicts in " + ", ".join(sorted(set(lines[1:]))),
        )
        error.exit_code = ExitCode.GATE_FAILED
        raise error
    if done.returncode != 0 or not lines:
        said = done.stderr.decode("utf-8", "replace").strip()
        remedy = "git 2.38 or newer" if "usage:" in said else ""
        raise EnvironmentProblem("git cannot merge these two", got=said.partition("\n")[0], remedy=remedy)
    author = ("-c", "user.name=gates", "-c", "user.email=gates@localhost")
    message = f"Would-be merge of {head} into {base}"
    return git.need(*author, "commit-tree", lines[0], "-p", base, "-p", head, "-m", message)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        descriptor = take_lock(lock, "another run of gates uses the worktree of this commit")
    except OSError as error:
        raise EnvironmentProblem(
            f"cannot write to the cache: {error.strerror}",
            place=str(lock.parent),
            remedy=f"make it writable, or name another folder in {CACHE_VARIABLE}",
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)


def _is_clean(folder: Path, tree: str) -> bool:
    if not (folder / ".git").exists():
        return False
    there = Git(folder)
    if there.answer("rev-parse", "HEAD^{tree}") != tree:
        return False
    there.run("reset", "--quiet", "--hard")
    there.run("clean", "--quiet", "-ffd", "-e", ".nox")  # ignored files (environments) stay
    status = there.run("status", "--porcelain", "--", ".", ":(exclude,glob)**/.nox/**")
    return status.returncode == 0 and not status.stdout


def _remove(git: Git, folder: Path) -> None:
    # No `worktree prune`: it would forget the user's own worktrees, too, where their disk is away just now.
    git.run("worktree", "remove", "--force", "--force", str(folder))
    shutil.rmtree(folder, ignore_errors=True)


def _forget_old(git: Git, parent: Path, current: Path) -> None:
    folders = [path for path in parent.iterdir() if path.is_dir() and path != current]
    folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in folders[KEPT - 1 :]:
        try:
            with _alone(folder.with_suffix(".lock")):
                _remove(git, folder)
        except EnvironmentProblem:  # in use
            continue
        folder.with_suffix(".lock").unlink(missing_ok=True)
