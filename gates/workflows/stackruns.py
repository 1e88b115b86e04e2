"""The runs of a stack: one for each tree, taken from an earlier command where that is the same run."""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from gates import __version__
from gates.compare.stack import StackRun, failing_of
from gates.errors import GatesError
from gates.results.files import RUN_FILE, TESTS_FILE, load_run, load_tests, reports_problem
from gates.store import Store
from gates.values import ExitCode
from gates.workflows.subjects import BORROWED_CHECKLIST, prepare_commit
from gates.workflows.validate import validate

if TYPE_CHECKING:
    from pathlib import Path

    from gates.git import Git
    from gates.plan import Request
    from gates.results import Run
    from gates.workflows.subjects import Kind

KEPT_RUNS = 40
"""Runs that stay for the next command."""

FOLDER = "stack"
"""Folder of the runs, below the reports and in the store."""


class Runs:
    """Makes the runs of a stack, each tree once.

    Args:
        root: the project's folder.
        git: its repository.
        request: what the user asked for.
        command_line: the command, to paste.
        reports: where reports go: a folder of its own for each run below it.
        make: make the runs that are not stored.
        fresh: take no stored run.
    """

    def __init__(
        self, root: Path, git: Git, request: Request, command_line: str, reports: Path, *, make: bool, fresh: bool
    ) -> None:
        self.root, self.git, self.request, self.command_line = root, git, request, command_line
        self.reports, self.make, self.fresh = reports, make, fresh
        self.notes: list[str] = []
        self.stored = Store.of(root, git).folder / FOLDER
        self._known: dict[str, StackRun] = {}
        self._interrupted = False
        shutil.rmtree(reports / FOLDER, ignore_errors=True)  # those of another stack

    def of(self, subject: str, commit: str, kind: Kind = "commit") -> StackRun:
        """The run of a commit; one that is not known where there is none and none is made."""
        tree = self.git.tree(commit)
        known = self._known.get(tree)
        if known is not None:
            return msgspec.structs.replace(
                known, subject=subject, commit=commit, same_as=known.same_as or known.subject
            )
        none = StackRun(subject=subject, identity=f"git-tree:{tree}", commit=commit)
        found = self._from_store(none, tree) or self._made(none, kind)
        if found.known or found.reason:
            self._known[tree] = found
        return found

    def _key(self, tree: str) -> str:
        """What must be the same in a run that is used again. Checklist, config and lock files are part of the tree."""
        asked = repr(msgspec.structs.replace(self.request, variables=frozenset(), seed=0, no_install=False))
        ground = (tree, self.git.prefix, asked, sys.version, sys.executable, platform.platform(), __version__)
        return hashlib.sha256("\0".join(ground).encode("utf-8", "backslashreplace")).hexdigest()[:32]

    def _from_store(self, none: StackRun, tree: str) -> StackRun | None:
        folder = self.stored / self._key(tree)
        if self.fresh or self.request.filter or not (folder / RUN_FILE).exists():
            return None
        try:
            run = load_run(folder / RUN_FILE)
            found = _told(none, run, folder)
            self._copy(folder, self._folder(none.subject))
        except (GatesError, OSError):
            return None
        age = max(0.0, time.time() - run.started)
        return msgspec.structs.replace(found, stored=True, age=age, reports=self._relative(none.subject))

    def _made(self, none: StackRun, kind: Kind) -> StackRun:
        if not self.make or self._interrupted:
            return none
        sys.stderr.write(f"stack: {none.subject} ({none.commit[:12]})\n")
        folder = self._folder(none.subject)
        try:
            with prepare_commit(
                self.root, self.git, self.request, none.commit, none.subject,
                kind=kind, reports=folder, checklist_of=self.root,
            ) as prepared:  # fmt: skip
                finished = validate(prepared, self.command_line, aside=True)
        except GatesError as error:
            return msgspec.structs.replace(
                none, outcome="could-not-run", exit_code=int(error.exit_code), reason=str(error)
            )
        self._interrupted = finished.run.exit_code == ExitCode.INTERRUPTED
        if BORROWED_CHECKLIST in finished.run.notes:
            self.notes.append(f"{none.subject} {BORROWED_CHECKLIST.replace('head', 'working tree')}")
        else:
            self._keep(finished.run, folder, none.identity.removeprefix("git-tree:"))
        return msgspec.structs.replace(_told(none, finished.run, folder), reports=self._relative(none.subject))

    def _keep(self, run: Run, folder: Path, tree: str) -> None:
        """Keep a run for the next command. What a filter asks of the outside may have another answer then."""
        if run.filter or not run.complete or run.exit_code not in (ExitCode.PASSED, ExitCode.GATE_FAILED):
            return
        try:
            self._copy(folder, self.stored / self._key(tree))
            old = sorted(self.stored.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
            for path in old[KEPT_RUNS:]:
                shutil.rmtree(path, ignore_errors=True)
        except (GatesError, OSError) as error:
            self.notes.append(f"the run is not kept: {error}")

    def _copy(self, source: Path, target: Path) -> None:
        """Copy the reports of a run; `run.json` comes last, so that half a copy is none."""
        shutil.rmtree(target, ignore_errors=True)
        try:
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(RUN_FILE, ".lock"))
            shutil.copyfile(source / RUN_FILE, target / RUN_FILE)
            target.touch()
        except OSError as error:
            raise reports_problem(target, error) from error

    def _folder(self, subject: str) -> Path:
        return self.reports / self._relative(subject)

    def _relative(self, subject: str) -> str:
        readable = re.sub(r"[^\w.-]+", "-", subject).strip("-.")[:60]
        digest = hashlib.sha256(subject.encode("utf-8", "surrogateescape")).hexdigest()[:6]
        return f"{FOLDER}/{readable}-{digest}"


def _told(none: StackRun, run: Run, folder: Path) -> StackRun:
    failing, unknown = failing_of(run, load_tests(folder / TESTS_FILE))
    return msgspec.structs.replace(
        none,
        run=run.id,
        outcome=run.outcome,
        exit_code=run.exit_code,
        tests=run.tests,
        failing=failing,
        unknown=unknown,
    )
