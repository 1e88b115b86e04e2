"""The two sides of a comparison: each is run on its own subject, and read while that lies there."""

from __future__ import annotations

import hashlib
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec

from gates.discover import NOXFILE
from gates.errors import GatesError, UsageError
from gates.facts.dependencies import Dependencies, dependencies_of
from gates.values import format_duration
from gates.workflows.reuse import StoredRuns, key_of
from gates.workflows.subjects import BORROWED_CHECKLIST, prepare_subject
from gates.workflows.validate import Finished, validate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from gates.request import Request
    from gates.workflows.confirm import Which
    from gates.workflows.prepare import Prepared


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A run, and what could be read of its subject while that lay there.

    Attributes:
        finished: the run.
        needs: what the subject depends on.
        notes: what else the reader must know.
    """

    finished: Finished
    needs: Dependencies
    notes: tuple[str, ...] = ()


class Sides:
    """Runs either side, as often as it is asked to.

    Args:
        root: the project's folder.
        base: a commit.
        head: a subject.
        checklist_of: the folder of the head, whose checklist is used where the base has none.
        command_line: the command, to paste.
        fresh: no stored run stands for a new one.
    """

    def __init__(
        self, root: Path, base: str, head: str, checklist_of: Path, command_line: str, *, fresh: bool = False
    ) -> None:
        self._fresh = fresh
        self.reused: set[Which] = set()
        self._root, self._base, self._head = root, base, head
        self._checklist_of, self._command_line = checklist_of, command_line

    def run_base(self, request: Request, reports: Path, *, again: bool = False) -> Side:
        """Run the base, with the head's checklist where it has none; `again`, although it was run before."""
        with self._prepared_base(request, reports) as prepared:
            return self._run(prepared, request, "base", again=again)

    def run_head(self, request: Request, reports: Path | None, *, again: bool = False) -> Side:
        """Run the head."""
        with prepare_subject(self._root, request, self._head, reports=reports) as prepared:
            return self._run(prepared, request, "head", again=again)

    def run(self, side: Which, request: Request, reports: Path) -> Finished:
        """Run one of the two again; what only some of its tests took and came to is not remembered as all of it."""
        run = self.run_base if side == "base" else self.run_head
        if side in self.reused:  # then its environments may be gone
            request = msgspec.structs.replace(request, no_install=False)
        return run(request, reports, again=True).finished

    def prepared(self, side: Which, request: Request, reports: Path) -> AbstractContextManager[Prepared]:
        """One of the two, laid out for runs of its own."""
        if side == "base":
            return self._prepared_base(request, reports)
        return prepare_subject(self._root, request, self._head, reports=reports)

    @contextmanager
    def _prepared_base(self, request: Request, reports: Path) -> Iterator[Prepared]:
        with ExitStack() as stack:
            try:
                prepared = stack.enter_context(
                    prepare_subject(self._root, request, self._base, reports=reports, checklist_of=self._checklist_of)
                )
            except GatesError as error:
                known = UsageError(
                    "the base cannot be run", place=self._base, got=str(error), remedy="--gate with what both have"
                )
                known.exit_code = error.exit_code
                raise known from error
            yield prepared

    def _run(self, prepared: Prepared, request: Request, side: Which, *, again: bool) -> Side:
        finished, notes = self._finished(prepared, request, side, again=again)
        return Side(finished=finished, needs=dependencies_of(prepared.root), notes=notes)

    def _finished(
        self, prepared: Prepared, request: Request, side: Which, *, again: bool
    ) -> tuple[Finished, tuple[str, ...]]:
        """A run that was kept, which is said, or a new one."""
        if again:
            return validate(prepared, self._command_line, remember=False), ()
        stored = StoredRuns(prepared.store.folder, fresh=self._fresh)
        key = _key(prepared, request)
        found = stored.find(key, prepared.reports)
        if found is None:
            finished = validate(prepared, self._command_line)
            trouble = stored.keep(key, finished.run, finished.reports)
            return finished, (trouble,) if trouble else ()
        run, tests = found
        age = format_duration(max(0.0, time.time() - run.started - run.duration))
        self.reused.add(side)
        name = self._base if side == "base" else self._head
        said = f"the run of {age} ago stands for {name}: same tree, interpreter, filter and checklist"
        sys.stderr.write(f"{said} (--fresh runs it anew)\n")
        return Finished(run=run, tests=tests, reports=prepared.reports, output=prepared.plan.output), (said,)


def _key(prepared: Prepared, request: Request) -> str:
    """The key of a run; empty for one that is made anew: of the working tree, and where a filter asks the outside."""
    if prepared.facts or prepared.subject.kind not in ("commit", "merge"):
        return ""
    plan, checklist = prepared.plan, b""
    if BORROWED_CHECKLIST in plan.notes:  # it is no part of the tree
        checklist = repr(prepared.config).encode("utf-8", "backslashreplace")
        with suppress(OSError):
            checklist += (prepared.root / NOXFILE).read_bytes()
    tree = prepared.subject.identity.removeprefix("git-tree:")
    prefix = prepared.git.prefix if prepared.git is not None else ""
    return key_of(tree, prefix, request, hashlib.sha256(checklist).hexdigest(), prepared.carried)
