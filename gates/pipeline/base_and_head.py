"""The two sides of a comparison: each is run on its own subject, which is read while it is checked out."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gates.analysis.dependencies import FILES, Dependencies, dependencies_of
from gates.config import load_config
from gates.config.request import Request
from gates.files.temporary import scratch
from gates.pipeline.validate import Finished, validate
from gates.planning.discover import NOXFILE
from gates.planning.prepare import Prepared, shown_path
from gates.planning.subjects import BORROWED_CHECKLIST, WORKTREE, borrowed_config, commit_of, prepare_subject
from gates.portable.errors import GatesError, UsageError
from gates.portable.regular import read_bytes
from gates.portable.settings.declare import replace
from gates.portable.values import format_duration
from gates.storage.kept_runs import StoredRuns, key_of
from gates.storage.run_key import RunKey
from gates.vcs.git import Git, subject_of_commit
from gates.vcs.ignored import fingerprint

if TYPE_CHECKING:
    from gates.pipeline.confirm import Which


class SideRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run, and what was read from its subject while that was checked out.

    Attributes:
        finished: the run.
        needs: what the subject depends on.
        notes: other notes for the reader.
    """

    finished: Finished
    needs: Dependencies
    notes: tuple[str, ...] = ()


class Sides:
    """Runs either side, as often as needed.

    Args:
        root: the project's folder.
        git: its repository.
        base: a commit.
        head: a subject.
        prepared: the head as it was just now. Its checklist is used if the base has none.
        command_line: the command, to paste.
        fresh: never reuse a stored run.
    """

    def __init__(
        self, root: Path, git: Git, base: str, head: str, prepared: Prepared, command_line: str, *, fresh: bool = False
    ) -> None:
        self._stored = StoredRuns(prepared.store.folder, fresh=fresh)
        self._root, self._git, self._names = root, git, {"base": base, "head": head}
        self._seen, self._checklist_of, self._command_line = prepared, prepared.root, command_line

    def run_base(self, request: Request, reports: Path, *, again: bool = False) -> SideRun:
        """Run the base, with the head's checklist if it has none; with `again`, even if it was run before."""
        known = None if again else self._known("base", request, reports)
        if known is not None:
            return known
        with self._prepared_base(request, reports) as prepared:
            return self._run(prepared, request, again=again)

    def run_head(self, request: Request, reports: Path | None, *, again: bool = False) -> SideRun:
        """Run the head."""
        known = None if again else self._known("head", request, reports)
        if known is not None:
            return known
        with prepare_subject(self._root, request, self._names["head"], reports=reports) as prepared:
            return self._run(prepared, request, again=again)

    def run(self, side: Which, request: Request, reports: Path) -> Finished:
        """Run one of the two again, without recording the durations and outcomes of only some of its tests."""
        run = self.run_base if side == "base" else self.run_head
        return run(request, reports, again=True).finished

    def prepared(self, side: Which, request: Request, reports: Path) -> AbstractContextManager[Prepared]:
        """One of the two, checked out for its own runs."""
        if side == "base":
            return self._prepared_base(request, reports)
        return prepare_subject(self._root, request, self._names["head"], reports=reports)

    @contextmanager
    def _prepared_base(self, request: Request, reports: Path) -> Iterator[Prepared]:
        with ExitStack() as stack:
            try:
                prepared = stack.enter_context(
                    prepare_subject(
                        self._root, request, self._names["base"], reports=reports, checklist_of=self._checklist_of
                    )
                )
            except GatesError as error:
                known = UsageError(
                    "the base cannot be run",
                    place=self._names["base"],
                    got=str(error),
                    remedy="--gate with what both have",
                )
                known.exit_code = error.exit_code
                raise known from error
            yield prepared

    def _run(self, prepared: Prepared, request: Request, *, again: bool) -> SideRun:
        finished = validate(prepared, self._command_line, remember=not again)
        key = None if again else self._key_of_made(prepared, request)
        trouble = self._stored.keep(key, finished.run, finished.reports)
        needs = dependencies_of(prepared.root)
        return SideRun(finished=finished, needs=needs, notes=(trouble,) if trouble else ())

    # Earlier runs

    def _known(self, which: Which, request: Request, reports: Path | None) -> SideRun | None:
        """A kept run, with a note about it; its sources are read from git, so no worktree is needed."""
        name, git, config = self._names[which], self._git, self._seen.config
        if name == WORKTREE:
            return None
        commit, kind = commit_of(git, name)
        tree = git.tree(commit)
        here = load_config(self._root)
        carried = fingerprint(git, here.worktree_copy, here.worktree_link)
        checklists = ((), (self._checklist(),)) if which == "base" else ((),)
        for checklist in checklists:
            key = key_of(tree, git.prefix, request, carried, *checklist)
            found = self._stored.find(key)
            if found is not None:
                break
        else:
            return None
        run, tests = found
        age = format_duration(max(0.0, time.time() - run.started - run.duration))
        said = f"the run of {age} ago is reused for {name}: same tree, interpreter, filter and checklist"
        # The run describes another commit, perhaps, but of the same tree.
        subject = subject_of_commit(git, commit, name, config.base, kind)
        target = reports or self._root / here.reports
        where = shown_path(target, self._root)
        run = msgspec.structs.replace(run, subject=subject, reports=where, notes=(*run.notes, said))
        run = self._stored.lay_out(key, run, target, self._root)
        sys.stderr.write(f"{said} (--fresh runs it again)\n")
        finished = Finished(run=run, tests=tests, reports=target, output=self._seen.plan.settings)
        with scratch("side-") as work:
            folder = work / "tree"
            git.export(tree, folder, *FILES)
            needs = dependencies_of(folder / git.prefix)
        return SideRun(finished=finished, needs=needs, notes=(said,) if which == "base" else ())

    def _key_of_made(self, prepared: Prepared, request: Request) -> RunKey | None:
        """The key of a run; None if it must be made again: for the working tree, and if a filter depends on outside facts."""
        if prepared.facts or prepared.subject.kind not in ("commit", "merge"):
            return None
        borrowed = (self._checklist(),) if BORROWED_CHECKLIST in prepared.plan.notes else ()
        tree = prepared.subject.identity.removeprefix("git-tree:")
        return key_of(tree, self._git.prefix, request, prepared.carried, *borrowed)

    def _checklist(self) -> str:
        """Digest of the head's checklist, which is not part of the tree of a base that borrows it."""
        config = replace(borrowed_config(Path(), self._checklist_of), path=None)
        digest = hashlib.sha256(repr(config).encode("utf-8", "backslashreplace"))
        with suppress(OSError):
            digest.update(read_bytes(self._checklist_of / NOXFILE))
        return digest.hexdigest()
