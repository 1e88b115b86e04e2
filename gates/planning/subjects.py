"""Find the subject to validate, and prepare its folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Literal

import msgspec

from gates.config import Config, load_config
from gates.files.folders import Folder
from gates.planning.discover import NOXFILE, Gate, discover
from gates.planning.plan import Request
from gates.planning.prepare import CheckedOut, Prepared, discover_subject, plan_run, worktree
from gates.portable.errors import UsageError
from gates.portable.regular import read_bytes
from gates.portable.settings.declare import replace
from gates.portable.values import plural
from gates.results import Subject
from gates.storage.cache import Store
from gates.storage.worktrees import DISK, checked_out, fill_submodules, merge_commit, pointers
from gates.vcs.git import Git, subject_of_commit
from gates.vcs.ignored import carry

Kind = Literal["commit", "merge"]

WORKTREE = "worktree"
MERGE = "merge:"

BORROWED_CHECKLIST = "has no gates: run with the head's checklist"
"""The note for a subject that was run with the gates of another."""


@contextmanager
def prepare_subject(
    root: Path,
    request: Request,
    name: str,
    *,
    reports: Path | None = None,
    checklist_of: Path | None = None,
    gates: tuple[Gate, ...] | None = None,
) -> Iterator[Prepared]:
    """Prepare a run on the working tree, a commit, or `merge:BASE`.

    Args:
        root: the project's folder.
        request: what the user asked for.
        name: the subject.
        reports: where reports go; by default, where those of the working tree go.
        checklist_of: a folder whose checklist is used when the subject has none.
        gates: those of the subject, if they are already known.

    Raises:
        GatesError: no such subject, no git, or it does not merge.
    """
    with check_out(root, name, checklist_of=checklist_of, gates=gates) as place:
        yield plan_run(discover_subject(place), request, reports=reports)


@contextmanager
def check_out(
    root: Path, name: str, *, checklist_of: Path | None = None, gates: tuple[Gate, ...] | None = None
) -> Iterator[CheckedOut]:
    """Give a subject a folder; arguments and errors as of `prepare_subject`."""
    if name == WORKTREE:
        yield msgspec.structs.replace(worktree(root), gates=gates)
        return
    git = Git.of(root)
    if git is None:
        raise UsageError(
            "there is no git repository, so there are no commits", place=str(root), remedy="--subject worktree"
        )
    commit, kind = commit_of(git, name)
    with check_out_commit(root, git, commit, name, kind, checklist_of=checklist_of, gates=gates) as place:
        yield place


@contextmanager
def check_out_commit(
    root: Path,
    git: Git,
    commit: str,
    name: str,
    kind: Kind = "commit",
    *,
    checklist_of: Path | None = None,
    gates: tuple[Gate, ...] | None = None,
    beside: str = "",
) -> Iterator[CheckedOut]:
    """Give a commit its own worktree.

    Args:
        root: the project's folder.
        git: its repository.
        commit: the commit.
        name: its name for people.
        kind: whether it is the commit of a would-be merge.
        checklist_of: a folder whose checklist is used when the commit has none.
        gates: those of the commit, if they are already known.
        beside: a commit whose folder and environments are used, for one that is nearly the same.

    Raises:
        GatesError: it cannot be checked out, or its config or its noxfile is wrong.
    """
    here = load_config(root)
    disk = DISK if here.worktree_disk is None else here.worktree_disk
    with checked_out(git, commit, Store.of(root, git), disk, beside=beside) as folder:
        lacking = _lacking(git, folder)
        carried = carry(git, Git(folder), here.worktree_copy, here.worktree_link)

        def subject(_root: Path, _git: Git | None, config: Config) -> Subject:
            return subject_of_commit(git, commit, name, config.base, kind)

        config, found, note = _checklist(folder, checklist_of)
        yield CheckedOut(
            root=folder,
            home=root,
            config=config,
            reports=root / here.reports,
            subject=subject,
            gates=gates if gates is not None else found,
            notes=(*lacking, *carried.notes, *([note] if note else [])),
            carried=carried.digest,
        )


def _lacking(git: Git, folder: Path) -> tuple[str, ...]:
    """Fill the submodules of a worktree; return notes on parts of the commit that are missing in it."""
    top = Git(folder.parents[len(PurePath(git.prefix).parts) - 1] if git.prefix else folder)
    notes: tuple[str, ...] = ()
    if (top.folder / ".gitmodules").exists():
        # Clones of the main working tree are shared; those of an additional one are next to its index.
        notes = fill_submodules(top, git.index.parent / "modules", git.common_folder / "modules")
    if top.answer("config", "--bool", "core.sparseCheckout") == "true":
        notes = (*notes, "sparse checkout: files outside of its patterns are not in the worktree and not validated")
    empty = pointers(top) if (top.folder / ".gitattributes").exists() else ()
    if empty:
        shown = ", ".join(empty[:3]) + (" …" if len(empty) > 3 else "")
        words = f"{plural(len(empty), 'file')} of LFS without contents here (git lfs pull): {shown}"
        notes = (*notes, words)
    return notes


def commit_of(git: Git, name: str) -> tuple[str, Kind]:
    """The commit of a subject; for a would-be merge, one that is made for it.

    Raises:
        GatesError: there is none, or it does not merge.
    """
    if not name.startswith(MERGE):
        return git.need_commit(name), "commit"
    return merge_commit(git, git.need_commit(name.removeprefix(MERGE)), git.need_commit("HEAD")), "merge"


def _checklist(folder: Path, other: Path | None) -> tuple[Config, tuple[Gate, ...] | None, str]:
    """The subject's own checklist, or the other folder's with a note; and its gates, if they had to be asked for."""
    own = load_config(folder)
    if other is None:
        return own, None, ""
    try:
        return own, discover(folder, own), ""
    except UsageError:
        if (other / NOXFILE).exists():
            with Folder.of(folder) as place:  # where a branch may have put a link
                place.put(NOXFILE, read_bytes(other / NOXFILE))
        return borrowed_config(folder, other), None, BORROWED_CHECKLIST


def borrowed_config(folder: Path, other: Path) -> Config:
    """The other folder's config, for this one."""
    return replace(load_config(other), root=folder)
