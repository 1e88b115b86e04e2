"""The runs of a stack: one for each tree, reused from an earlier command if it is the same run."""

from __future__ import annotations

import hashlib
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from gates.compare.stack import StackRun, failing_of
from gates.config import load_config
from gates.pipeline.execute import execute
from gates.planning.plan import Request
from gates.planning.prepare import discover_subject, plan_run
from gates.planning.subjects import BORROWED_CHECKLIST, Kind, check_out_commit
from gates.portable.errors import GatesError
from gates.portable.values import ExitCode
from gates.results import Run, TestResult
from gates.results.files import STACK_FOLDER
from gates.storage.cache import Store
from gates.storage.kept_runs import StoredRuns
from gates.storage.run_key import RunKey, key_of
from gates.vcs.git import Git
from gates.vcs.ignored import fingerprint


class Runs:
    """Makes the runs of a stack, each tree once.

    Args:
        root: the project's folder.
        git: its repository.
        request: what the user asked for.
        command_line: the command, to paste.
        reports: where reports go: a separate folder in it for each run.
        make: make the runs that are not stored.
        fresh: use no stored run.
    """

    def __init__(
        self, root: Path, git: Git, request: Request, command_line: str, reports: Path, *, make: bool, fresh: bool
    ) -> None:
        self.root, self.git, self.request, self.command_line = root, git, request, command_line
        self.reports, self.make = reports, make
        self.notes: list[str] = []
        self._stored = StoredRuns(Store.of(root, git).folder, fresh=fresh)
        self._known: dict[str, StackRun] = {}
        self._interrupted = False
        config = load_config(root)
        self._carried = fingerprint(git, config.worktree_copy, config.worktree_link)

    def of(self, subject: str, commit: str, kind: Kind = "commit") -> StackRun:
        """The run of a commit; an unknown one if none exists and none is made."""
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

    def _from_store(self, none: StackRun, tree: str) -> StackRun | None:
        key = self._key(tree)
        found = self._stored.find(key)
        if found is None:
            return None
        run, tests = found
        self._stored.lay_out(key, run, self._folder(none.subject), self.root)
        age = max(0.0, time.time() - run.started)
        told = _told(none, run, tests)
        return msgspec.structs.replace(told, stored=True, age=age, reports=folder_of(none.subject))

    def _key(self, tree: str) -> RunKey:
        return key_of(tree, self.git.prefix, self.request, self._carried)

    def _made(self, none: StackRun, kind: Kind) -> StackRun:
        if not self.make or self._interrupted:
            return none
        sys.stderr.write(f"stack: {none.subject} ({none.commit[:12]})\n")
        folder = self._folder(none.subject)
        try:
            with check_out_commit(
                self.root, self.git, none.commit, none.subject, kind, checklist_of=self.root
            ) as place:
                prepared = plan_run(discover_subject(place), self.request, reports=folder)
                finished, asked_outside = execute(prepared, self.command_line, aside=True), bool(prepared.facts)
        except GatesError as error:
            return msgspec.structs.replace(
                none, outcome="could-not-run", exit_code=int(error.exit_code), reason=str(error)
            )
        self._interrupted = finished.run.exit_code == ExitCode.INTERRUPTED
        if BORROWED_CHECKLIST in finished.run.notes:
            self.notes.append(f"{none.subject} {BORROWED_CHECKLIST.replace('head', 'working tree')}")
        else:
            # A filter that depends on outside facts may have another answer the next time.
            key = None if asked_outside else self._key(none.identity.removeprefix("git-tree:"))
            trouble = self._stored.keep(key, finished.run, folder)
            self.notes += [trouble] if trouble else []
        return msgspec.structs.replace(_told(none, finished.run, finished.tests), reports=folder_of(none.subject))

    def _folder(self, subject: str) -> Path:
        return self.reports / folder_of(subject)


def folder_of(subject: str) -> str:
    """The folder for the reports of a subject, below those of the stack."""
    readable = re.sub(r"[^\w.-]+", "-", subject).strip("-.")[:60]
    digest = hashlib.sha256(subject.encode("utf-8", "surrogateescape")).hexdigest()[:6]
    return f"{STACK_FOLDER}/{readable}-{digest}"


def merge_name(layer: str, trunk: str) -> str:
    """The name of the merge of a layer into the trunk."""
    return f"{layer} merged into {trunk}"


def base_name(layer: str, parent: str) -> str:
    """The name of a layer's parent, in the state that the layer contains."""
    return f"{parent} as {layer} has it"


def _told(none: StackRun, run: Run, tests: Sequence[TestResult]) -> StackRun:
    failing, unknown = failing_of(run, tests)
    return msgspec.structs.replace(
        none,
        run=run.id,
        outcome=run.outcome,
        exit_code=run.exit_code,
        tests=run.tests,
        failing=failing,
        unknown=unknown,
    )
