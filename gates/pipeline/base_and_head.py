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
from gates.analysis.recorded.watch import Watch
from gates.config import load_config
from gates.config.request import Request
from gates.files.temporary import scratch
from gates.pipeline.execute import Finished, execute
from gates.planning.discover import NOXFILE
from gates.planning.prepare import Prepared, discover_subject, plan_run, shown_path, worktree_subject
from gates.planning.subjects import (
    BORROWED_CHECKLIST,
    WORKTREE,
    borrowed_config,
    check_out_commit,
    commit_of,
    prepare_subject,
)
from gates.portable.errors import GatesError, UsageError
from gates.portable.regular import read_bytes
from gates.portable.settings.declare import replace
from gates.portable.values import format_duration, plural
from gates.storage.cache import Store
from gates.storage.kept_runs import StoredRuns
from gates.storage.run_key import RunKey, key_of
from gates.vcs.git import Git, subject_of_commit
from gates.vcs.histories import where_left
from gates.vcs.ignored import fingerprint

if TYPE_CHECKING:
    from typing import Self

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


class Grafted(msgspec.Struct, frozen=True, kw_only=True):
    """A commit of other code with the tests of the head.

    Attributes:
        code: the commit that has everything but the tests, whose folder and environments are used.
        commit: with the tests.
        name: of it, for people.
        own_checklist: its checklist is not that of `code`.
    """

    code: str
    commit: str
    name: str
    own_checklist: bool = False


class Sides:
    """Prepares each side once, and runs it as often as needed. While entered, the head stays checked out for its run.

    Args:
        root: the project's folder.
        git: its repository.
        base: a commit.
        head: a subject.
        command_line: the command, to paste.
        fresh: never reuse a stored run.
    """

    def __init__(self, root: Path, git: Git, base: str, head: str, command_line: str, *, fresh: bool = False) -> None:
        self._root, self._git, self._command_line = root, git, command_line
        self._names: dict[Which, str] = {"base": base, "head": head}
        self._stored = StoredRuns(Store.of(root, git).folder, fresh=fresh)
        self._prepared: dict[Which, Prepared] = {}
        self._head_folder = ExitStack()
        self._head_waits = False
        self.watches: dict[Which, Watch] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._release_head()

    def prepare_head(self, request: Request, reports: Path | None) -> Prepared:
        """Prepare the head. Its checklist is used if the base has none."""
        found = prepare_subject(self._root, request, self._names["head"], reports=reports)
        self._prepared["head"] = self._head_folder.enter_context(found)
        self._head_waits = True
        return self._prepared["head"]

    def run_base(self, request: Request, reports: Path) -> SideRun:
        """Run the base, with the head's checklist if it has none."""
        if self._names["head"] != WORKTREE and self._tree("base") == self._tree("head"):
            self._release_head()  # a tree has one worktree
        return self._known("base", request, reports) or self._run("base", request, reports)

    def run_head(self, request: Request, reports: Path | None) -> SideRun:
        """Run the head, where it was prepared."""
        return self._known("head", request, reports) or self._run("head", request, reports)

    def run(self, side: Which, request: Request, reports: Path) -> Finished:
        """Run one of the two again, without recording the durations and outcomes of only some of its tests."""
        with self.prepared(side, request, reports) as prepared:
            return execute(prepared, self._command_line, keep=False)

    def record(self, side: Which, request: Request, reports: Path) -> SideRun:
        """Run only some tests of a side, to record their assertions, if that was not done before."""
        known = self._known(side, request, reports)
        if known is not None:
            return known
        number = sum(len(part.tests) for part in request.only.values())
        sys.stderr.write(
            f"assertions: {plural(number, 'changed test')} again on the {side}, whose run has no record of them\n"
        )
        return self._run(side, request, reports, keep=False)

    @contextmanager
    def prepared(self, side: Which, request: Request, reports: Path | None) -> Iterator[Prepared]:
        """One of the two, checked out for a run; what was found out of it before is not asked again."""
        if side == "head" and self._head_waits and not self._is_changed():
            with self._head_folder:
                self._head_waits = False
                yield plan_run(self._prepared["head"], request)
            return
        with ExitStack() as stack:
            try:
                prepared = stack.enter_context(self._checked_out(side, request, reports))
            except GatesError as error:
                if side == "head":
                    raise
                raise self._no_base(error) from error
            self._prepared[side] = prepared
            yield prepared

    def run_grafted(self, grafted: Grafted, request: Request, reports: Path) -> Finished:
        """Run the base, or where the head left it, with the tests of the head."""
        before = self._prepared.get("base")
        known = not grafted.own_checklist and self._git.tree(grafted.code) == self._tree("base")
        borrows = before is None or BORROWED_CHECKLIST in before.notes
        place = check_out_commit(
            self._root,
            self._git,
            grafted.commit,
            grafted.name,
            checklist_of=self._head.root if borrows else None,
            gates=before.gates if before is not None and known else None,
            beside=grafted.code,
        )
        with place as checked_out:
            found = discover_subject(checked_out)
            gates = [gate for gate in found.gates if gate.name in (request.gates or ())]
            if gates and all(gate.config.tests in ("junit", "none") for gate in gates):
                request = replace(request, test_timeout=None, retries=None)  # they could not be applied
            return execute(plan_run(found, request, reports=reports), self._command_line, keep=False)

    @contextmanager
    def grafted(self, commit: str, name: str, beside: str, request: Request) -> Iterator[Prepared]:
        """A commit that was made of both sides, checked out in the folder and with the environments of another.

        Args:
            commit: what is checked out.
            name: of it, for people.
            beside: the commit whose folder it takes.
            request: what to run.
        """
        self._release_head()
        place = check_out_commit(self._root, self._git, commit, name, checklist_of=self._head.root, beside=beside)
        with place as checked_out:
            yield plan_run(discover_subject(checked_out), request)

    def _checked_out(self, side: Which, request: Request, reports: Path | None) -> AbstractContextManager[Prepared]:
        before = self._prepared.get(side)
        is_known = before is not None and (self._names[side] != WORKTREE or not self._is_changed())
        borrows = side == "base" and (before is None or BORROWED_CHECKLIST in before.notes)
        return prepare_subject(
            self._root,
            request,
            self._names[side],
            reports=reports,
            checklist_of=self._head.root if borrows else None,
            gates=before.gates if before is not None and is_known else None,
        )

    def _no_base(self, error: GatesError) -> UsageError:
        known = UsageError(
            "the base cannot be run", place=self._names["base"], got=str(error), remedy="--gate with what both have"
        )
        known.exit_code = error.exit_code
        return known

    @property
    def _head(self) -> Prepared:
        return self._prepared["head"]

    def _is_changed(self) -> bool:
        """Whether the head is a working tree that changed since its preparation."""
        if self._names["head"] != WORKTREE:
            return False
        head = self._head
        return worktree_subject(head.root, head.git, head.config).identity != head.subject.identity

    def _release_head(self) -> None:
        self._head_waits = False
        self._head_folder.close()

    def trees(self) -> tuple[tuple[str, str], str]:
        """The trees of both sides before they run, and of where the head left the base."""
        commit, kind = commit_of(self._git, self._names["base"])
        base = subject_of_commit(self._git, commit, self._names["base"], self._head.config.base, kind)
        _, fork = where_left(self._git, base, self._head.subject)
        trees = self._git.tree(commit), self._head.subject.identity.removeprefix("git-tree:")
        return trees, self._git.tree(fork) if fork else trees[0]

    def _tree(self, side: Which) -> str:
        return self._git.tree(commit_of(self._git, self._names[side])[0])

    def _run(self, side: Which, request: Request, reports: Path | None, *, keep: bool = True) -> SideRun:
        with self.prepared(side, request, reports) as found:
            prepared = msgspec.structs.replace(found, recorded=self.watches.get(side, Watch()))
            finished = execute(prepared, self._command_line, keep=keep)
            trouble = self._stored.keep(self._key_of_made(prepared, request), finished.run, finished.reports)
            needs = dependencies_of(prepared.root)
        return SideRun(finished=finished, needs=needs, notes=(trouble,) if trouble else ())

    # Earlier runs

    def _known(self, which: Which, request: Request, reports: Path | None) -> SideRun | None:
        """A kept run, with a note about it; its sources are read from git, so no worktree is needed."""
        name, git, config = self._names[which], self._git, self._head.config
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
        finished = Finished(run=run, tests=tests, reports=target, output=self._head.plan.settings)
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
        config = replace(borrowed_config(Path(), self._head.root), path=None)
        digest = hashlib.sha256(repr(config).encode("utf-8", "backslashreplace"))
        with suppress(OSError):
            digest.update(read_bytes(self._head.root / NOXFILE))
        return digest.hexdigest()
