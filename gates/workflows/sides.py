"""The two sides of a comparison: each is run on its own subject, and read while that lies there."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import msgspec

from gates.errors import GatesError, UsageError
from gates.facts.assertions import Shape, shapes_of
from gates.facts.dependencies import Dependencies, dependencies_of
from gates.workflows.subjects import prepare_subject
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
        shapes: what the source says of the tests that ran.
        needs: what the subject depends on.
    """

    finished: Finished
    shapes: dict[str, Shape]
    needs: Dependencies


class Sides:
    """Runs either side, as often as it is asked to.

    Args:
        root: the project's folder.
        base: a commit.
        head: a subject.
        checklist_of: the folder of the head, whose checklist is used where the base has none.
        command_line: the command, to paste.
    """

    def __init__(self, root: Path, base: str, head: str, checklist_of: Path, command_line: str) -> None:
        self._root, self._base, self._head = root, base, head
        self._checklist_of, self._command_line = checklist_of, command_line

    def run_base(self, request: Request, reports: Path, *, remember: bool = True) -> Side:
        """Run the base, with the head's checklist where it has none."""
        with self._prepared_base(request, reports) as prepared:
            return self._run(prepared, remember=remember)

    def run_head(self, request: Request, reports: Path | None, *, remember: bool = True) -> Side:
        """Run the head."""
        with prepare_subject(self._root, request, self._head, reports=reports) as prepared:
            return self._run(prepared, remember=remember)

    def run(self, side: Which, request: Request, reports: Path) -> Finished:
        """Run one of the two again; what only some of its tests took and came to is not remembered as all of it."""
        run = self.run_base if side == "base" else self.run_head
        return run(request, reports, remember=False).finished

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

    def _run(self, prepared: Prepared, *, remember: bool) -> Side:
        finished = validate(prepared, self._command_line, remember=remember)
        shapes = shapes_of(prepared.root, (test.file for test in finished.tests))
        return Side(finished=finished, shapes=shapes, needs=dependencies_of(prepared.root))
