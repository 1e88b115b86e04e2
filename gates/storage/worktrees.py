"""Give a commit its own folder: a git worktree in the store, kept for the next time, never the user's tree."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gates.files.folders import Folder
from gates.files.locking import take_lock
from gates.portable.errors import EnvironmentProblem, GatesError
from gates.portable.patterns import lazy_pattern
from gates.portable.regular import open_file, read_bytes, read_text
from gates.portable.values import ExitCode
from gates.storage.cache import CACHE_VARIABLE, Store, all_stores
from gates.vcs.branches import would_merge
from gates.vcs.environments import bring_back, remove, set_aside
from gates.vcs.git import Git, git_environment

_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}", "-c", "core.fsmonitor=false")
"""The user's hooks (post-checkout) are meant for the user's worktrees; a daemon watching one of gates would outlive the run."""

_POINTER = b"version https://git-lfs.github.com/spec/"
"""The beginning of a file whose content is in LFS."""

_DIGITS = 20
"""Of its tree's hash, in the name of a worktree."""

_NAME = lazy_pattern(rf"[0-9a-f]{{{_DIGITS}}}")

KEPT = 20
"""How many worktrees stay for the next run, within the disk budget: their environments cost more to make than to keep."""

DISK = 10 * 10**9
"""Bytes that they and their environments may take."""

_SIZE_HOLDS = 24 * 3600.0
"""How long a measured size is trusted, in seconds: measuring must visit every file."""


@contextmanager
def checked_out(git: Git, commit: str, store: Store, disk: int = DISK, *, beside: str = "") -> Iterator[Path]:
    """A folder with a fresh checkout of a commit, for exclusive use.

    Its place depends on the tree, so a rebase that changes nothing finds the environments of the previous run. Afterwards the
    folders that were used last stay, as far as they fit into the budget.

    Args:
        git: the repository.
        commit: the commit.
        store: the folder of worktrees.
        disk: bytes that all of them may take.
        beside: a commit whose folder is used instead, with the environments that were made there: those of nearly the same tree.

    Raises:
        EnvironmentProblem: git cannot make it, or another run uses it.
        UsageError: the commit has a link where the project's folder is.
    """
    store.make()
    folder = worktrees_of(store) / git.tree(beside or commit)[:_DIGITS]
    _forget_gone(git, folder.parent)
    for abandoned in abandoned_worktrees(store.folder.parent):
        with suppress(EnvironmentProblem):  # in use
            forget(None, abandoned)
    with _alone(folder.with_suffix(".lock")):
        _make_anew(git, folder, commit)
        with suppress(FileNotFoundError), Folder.of(folder) as top:
            top.below(git.prefix).close()  # else gates would run behind a link in the commit
        yield folder / git.prefix if git.prefix else folder
        _measured(folder)
    _forget_old(git, folder.parent, folder, disk)


def _make_anew(git: Git, folder: Path, commit: str) -> None:
    """Check a commit out into a folder that contains only environments of the previous run.

    Cleaning the old content would trust what a run may have changed: the index and its flags, permissions, folders that cannot
    be written to, files that git ignores.
    """
    aside = folder.with_suffix(".kept")
    try:
        set_aside(folder, aside)
    except OSError as error:
        raise EnvironmentProblem(f"an environment cannot be kept: {error.strerror}", place=str(folder)) from error
    _remove(git, folder)
    _add(git, folder, commit)
    bring_back(aside, folder)


def _add(git: Git, folder: Path, commit: str) -> None:
    words = (*_NO_HOOKS, "worktree", "add", "--quiet", "--force", "--detach", str(folder), commit)
    try:
        git.need(*words)
    except EnvironmentProblem as error:
        if "lfs" not in error.got:
            raise
        # Missing content would be fetched. Without it there is a pointer, which `pointers` reports.
        _remove(git, folder)
        git.need(*words, env=git_environment(GIT_LFS_SKIP_SMUDGE="1"))


def pointers(worktree: Git) -> tuple[str, ...]:
    """LFS files without content: the filter is not installed, or the content was never fetched."""
    names = worktree.answer("ls-files", "-z", "--", ":(attr:filter=lfs)").split("\0")
    return tuple(name for name in names if name and _is_pointer(worktree.folder / name))


def _is_pointer(path: Path) -> bool:
    try:
        with open_file(path) as file:
            return file.read(len(_POINTER)) == _POINTER
    except OSError:
        return False


def worktrees_of(store: Store) -> Path:
    """The folder of a project's worktrees."""
    return store.folder / "worktrees"


def fill_submodules(worktree: Git, *modules: Path) -> tuple[str, ...]:
    """Fill the submodules of a worktree from the user's own clones of them: nothing is fetched, no config is written.

    Args:
        worktree: the working tree, at its root.
        modules: folders that may contain the user's clones, the likeliest first.

    Returns:
        Notes: which submodules are empty, and why.
    """
    pattern = r"^submodule\..*\.path$"
    said = worktree.answer("config", "--file", str(worktree.folder / ".gitmodules"), "-z", "--get-regexp", pattern)
    notes: list[str] = []
    for line in said.split("\0"):
        key, _, path = line.partition("\n")
        name = key.removeprefix("submodule.").removesuffix(".path")
        if not path or not worktree.answer("ls-files", "--stage", "--", f":(literal){path}").startswith("160000"):
            continue
        source = next((folder / name for folder in modules if (folder / name).is_dir()), None)
        if source is None:
            notes.append(
                f"the submodule {path} is empty: it is not initialised in the working tree (git submodule update)"
            )
            continue
        here = ("-c", f"submodule.{name}.url={source}", "-c", "protocol.file.allow=always")
        done = worktree.run(*_NO_HOOKS, *here, "submodule", "--quiet", "update", "--force", "--", path)
        if done.returncode != 0:
            why = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            notes.append(f"the submodule {path} is empty: {why}")
            continue
        notes += fill_submodules(Git(worktree.folder / path), source / "modules")
    return tuple(notes)


def merge_commit(git: Git, base: str, head: str) -> str:
    """A commit of the tree that merging `head` into `base` would give, without changing any branch, index or file.

    Raises:
        GatesError: it does not merge (exit code 1), with the files in conflict.
    """
    merged = would_merge(git, base, head)
    if merged.conflicts:
        error = GatesError(
            "does not merge",
            place=f"{head[:12]} into {base[:12]}",
            got="conflicts in " + ", ".join(merged.conflicts),
        )
        error.exit_code = ExitCode.GATE_FAILED
        raise error
    author = ("-c", "user.name=gates", "-c", "user.email=gates@localhost")
    message = f"Would-be merge of {head} into {base}"
    return git.need(*author, "commit-tree", merged.tree, "-p", base, "-p", head, "-m", message)


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


def _remove(git: Git, folder: Path) -> None:
    # No `worktree prune`: it would also forget the user's own worktrees if their disk is not mounted now.
    git.run("worktree", "remove", "--force", "--force", str(folder))
    remove(folder)


def _forget_old(git: Git, parent: Path, current: Path, disk: int) -> None:
    """Remove worktrees that do not fit into the budget, the oldest first, and those that a killed run left behind."""
    folders = [path for path in worktrees_in(Store(parent.parent)) if path != current]
    folders.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    taken, kept = _size(current), 1
    for folder in folders:
        ended = _size_file(folder).exists()
        taken += _size(folder)
        if ended and taken <= disk and kept < KEPT:
            kept += 1
            continue
        with suppress(EnvironmentProblem):  # in use
            forget(git, folder)


def forget(git: Git | None, folder: Path) -> None:
    """Remove a worktree.

    Args:
        git: its repository; None if that is gone.
        folder: the worktree.

    Raises:
        EnvironmentProblem: it is in use.
    """
    lock = folder.with_suffix(".lock")
    with _alone(lock):
        if git is not None:
            _remove(git, folder)
        else:
            remove(folder)
        remove(folder.with_suffix(".kept"))
        for path in (_size_file(folder), lock):
            path.unlink(missing_ok=True)


def repository_of(folder: Path) -> Path | None:
    """The git folder that a worktree names, existing or not; None for a folder that is not a worktree."""
    try:
        named = read_bytes(folder / ".git").removeprefix(b"gitdir:").strip()
    except OSError:
        return None
    return Path(os.fsdecode(named)).parent.parent


def abandoned_worktrees(cache: Path) -> tuple[Path, ...]:
    """Worktrees, of any project, whose repository has gone."""
    found = [path for store in all_stores(cache) for path in worktrees_in(store)]
    return tuple(path for path in found if (home := repository_of(path)) is not None and not home.exists())


def worktrees_in(store: Store) -> tuple[Path, ...]:
    """The worktrees of a project: folders with such a name that gates made, completely or not."""
    try:
        there = sorted(worktrees_of(store).iterdir())
    except OSError:
        return ()
    return tuple(path for path in there if _NAME.fullmatch(path.name) and path.with_suffix(".lock").exists())


def _forget_gone(git: Git, parent: Path) -> None:
    """Remove only those worktrees from git's list that gates made and whose folders are gone (the cache was emptied)."""
    parent = parent.resolve()  # as git records it
    for entry in (git.common_folder / "worktrees").glob("*/gitdir"):
        try:
            place = Path(os.fsdecode(read_bytes(entry)).strip()).parent
        except OSError:
            continue
        if place.parent == parent and not place.exists():
            shutil.rmtree(entry.parent, ignore_errors=True)


def _size_file(folder: Path) -> Path:
    return folder.with_suffix(".size")


def _measured(folder: Path) -> None:
    """Record the size of a worktree; the record shows that its run ended."""
    file = _size_file(folder)
    with suppress(OSError):
        if not file.exists() or time.time() - file.stat().st_mtime > _SIZE_HOLDS:
            file.write_text(f"{size_of(folder)}\n")


def _size(folder: Path) -> int:
    """Bytes that a worktree takes, as last measured."""
    try:
        return int(read_text(_size_file(folder)))
    except (OSError, ValueError):
        return size_of(folder)


def size_of(folder: Path) -> int:
    """Bytes on the disk that removing a folder would free: a file with several names counts in part."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                found = os.lstat(os.path.join(place, name))  # noqa: PTH118 - this is most of the time
                total += found.st_blocks * 512 // found.st_nlink
    return total
