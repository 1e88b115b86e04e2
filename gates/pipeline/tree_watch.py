"""Watch the tree that a run validates, and remember which files its gates make in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from gates.planning.plan import Plan
from gates.planning.prepare import Prepared
from gates.storage.claims import is_report
from gates.vcs.folder_tree import FolderTree
from gates.vcs.git import Git
from gates.vcs.git_tree import GitTree
from gates.vcs.new_files import NewFileRule, declared_by
from gates.vcs.streams import written_by_this_job
from gates.vcs.watch import TreeWatch


def checkout_of(prepared: Prepared) -> Path:
    """The root of the working tree that contains the project."""
    depth = len(Path(prepared.git.prefix).parts) if prepared.git is not None else 0
    return prepared.root.parents[depth - 1] if depth else prepared.root


def watch(prepared: Prepared) -> TreeWatch:
    """Examines the tree of a run that is about to start."""
    top, made = checkout_of(prepared), prepared.store.made()
    prefix = prepared.git.prefix if prepared.git is not None else ""
    named = declared_by(_declared(prepared.plan), prefix)
    streams = cache(written_by_this_job)  # called only if a file appeared or changed

    def declared(path: str) -> bool:
        return named(path) or path in streams(top)

    reports = _reports(top, prepared.reports)

    def rule(tracked: frozenset[str], folders: frozenset[str]) -> NewFileRule:
        return NewFileRule(tracked=tracked, folders=folders, made=made, declared=declared, reports=reports)

    if prepared.git is None:
        return FolderTree(prepared.root, rule, prepared.began)
    # The worktree of a commit contains the commit, and perhaps a borrowed checklist.
    tree = prepared.subject.identity.removeprefix("git-tree:") if prepared.subject.kind == "worktree" else ""
    git = prepared.git if prepared.git.folder == top else Git(top)
    return GitTree(git, tree, rule, prepared.began)


def _declared(plan: Plan) -> list[str]:
    found: list[str] = []
    for item in plan.gates:
        gate = item.gate
        found += (*gate.config.junit, *gate.config.reports, *gate.config.coverage)
        found += gate.findings if isinstance(gate.findings, tuple) else ()
    return found


def _reports(top: Path, folder: Path) -> Callable[[str], bool]:
    """Whether a path of the tree is one of the run's own reports."""
    place = os.path.relpath(folder.resolve(), top.resolve())
    inside = "" if place == "." else f"{Path(place).as_posix()}/"
    return lambda path: path.startswith(inside) and is_report(path.removeprefix(inside))
