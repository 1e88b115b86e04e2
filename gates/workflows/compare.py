"""`gates compare`: run the base, run the head, compare."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gates.compare import Comparison, compare_runs
from gates.errors import EnvironmentProblem, GatesError, UsageError
from gates.facts.api import api_changes
from gates.facts.assertions import Shape, shapes_of
from gates.facts.dependencies import dependencies_of
from gates.filters.nearest import nearest
from gates.git import Git, changed_files
from gates.results.files import COMPARISON_FILE, to_json, write_whole
from gates.values import REGRESSIONS, ExitCode, GateOutcome
from gates.workflows.emit import emit
from gates.workflows.subjects import prepare_subject
from gates.workflows.validate import Finished, validate

if TYPE_CHECKING:
    from gates.plan import Request
    from gates.results import FileChange
    from gates.workflows.prepare import Prepared


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The head's run, and what changed against the base."""

    finished: Finished
    comparison: Comparison | None
    exit_code: ExitCode


def compare_subjects(
    root: Path,
    base: str,
    head: str,
    request: Request,
    command_line: str,
    reports: Path | None = None,
    accepted: tuple[str, ...] = (),
    fail_on: tuple[str, ...] = REGRESSIONS,
    scope: tuple[str, ...] = (),
) -> Compared:
    """Run the gates that bring test results on both sides.

    Args:
        root: the project's folder.
        base: a commit.
        head: a subject.
        request: what the user asked for.
        command_line: the command, to paste.
        reports: where reports go; None for the project's folder of reports.
        accepted: names of entries of the ledgers that may grow.
        fail_on: the findings that make a regression.
        scope: globs of what the branch may touch; empty takes those of the config.

    Raises:
        GatesError: no git, no such commit, or a side that cannot be run.
    """
    git = Git.of(root)
    if git is None:
        raise UsageError("there is no git repository, so there is nothing to compare with", place=str(root))
    git.need_commit(base)
    with prepare_subject(root, request, head, reports=reports) as prepared:
        _refuse_unknown(prepared, accepted)
        wanted = msgspec.structs.replace(request, gates=request.gates or gates_with_tests(prepared))
    base_reports = prepared.store.folder / "base"
    with ExitStack() as stack:
        try:
            base_prepared = stack.enter_context(
                prepare_subject(root, wanted, base, reports=base_reports, checklist_of=prepared.root)
            )
        except GatesError as error:
            known = UsageError(
                "the base cannot be run", place=base, got=str(error), remedy="--gate with what both have"
            )
            known.exit_code = error.exit_code
            raise known from error
        sys.stderr.write(f"base: {base} ({base_prepared.subject.commit[:12]})\n")
        before = validate(base_prepared, command_line)
        shapes_before, needs_before = _shapes(base_prepared, before), dependencies_of(base_prepared.root)
    if before.run.exit_code == ExitCode.INTERRUPTED:
        return Compared(finished=before, comparison=None, exit_code=ExitCode.INTERRUPTED)
    if before.run.tests is None:
        passed = all(gate.outcome is GateOutcome.PASSED for gate in before.run.gates)
        raise (UsageError if passed else EnvironmentProblem)(
            "the base has no test results to compare with",
            place=f"{base} ({before.run.subject.commit[:12]})",
            got=", ".join(f"{gate.name}: {gate.outcome} {gate.reason}".strip() for gate in before.run.gates),
            remedy=f"look at {base_reports / 'logs'}",
        )
    with prepare_subject(root, wanted, head, reports=reports) as prepared:
        sys.stderr.write(f"head: {head}\n")
        after = validate(prepared, command_line)
        shapes_after, needs_after = _shapes(prepared, after), dependencies_of(prepared.root)
    may_grow = (*prepared.config.accept_exclusions, *accepted)
    files = _files(git, before, after)
    comparison = compare_runs(
        before.run,
        before.tests,
        after.run,
        after.tests,
        files,
        accepted=may_grow,
        shapes=(shapes_before, shapes_after),
        fail_on=fail_on,
        dependencies=(needs_before, needs_after),
        scope=scope or prepared.config.scope,
        api=_api(git, before, after),
        notes=[f"cannot be read: {text}" for text in (*needs_before.unreadable, *needs_after.unreadable)],
    )
    write_whole(after.reports / COMPARISON_FILE, to_json(comparison))
    emit(after.run, after.tests, after.reports, comparison)
    return Compared(finished=after, comparison=comparison, exit_code=exit_of(after, comparison))


def _shapes(prepared: Prepared, finished: Finished) -> dict[str, Shape]:
    """What the source says of the tests that ran, while it is there."""
    return shapes_of(prepared.root, (test.file for test in finished.tests))


def _api(git: Git, base: Finished, head: Finished) -> tuple[list[dict[str, str]], str]:
    """What changed in the public API, read from the trees that were validated."""
    before, after = (side.run.subject.identity.removeprefix("git-tree:") for side in (base, head))
    if before == after:
        return [], ""
    with tempfile.TemporaryDirectory(prefix="gates-api-") as work:
        folders = [Path(work, side) for side in ("base", "head")]
        for tree, folder in zip((before, after), folders, strict=True):
            git.export(tree, folder, ":(glob)**/*.py", ":(glob)**/*.pyi")
        return api_changes(*(folder / git.prefix for folder in folders))


def _refuse_unknown(prepared: Prepared, accepted: tuple[str, ...]) -> None:
    known = [entry.name for entry in (*prepared.config.exclusions, *prepared.config.quarantine)]
    for name in accepted:
        if name not in known:
            near = nearest(name, known)
            raise UsageError(
                f"no exclusion is named {name!r}",
                remedy=f"did you mean {near!r}?" if near else f"known: {', '.join(known) or 'none'}",
            )


def gates_with_tests(prepared: Prepared) -> tuple[str, ...]:
    """Gates that say that they bring test results, or brought some last time.

    Raises:
        UsageError: none is known.
    """
    history = prepared.store.history()
    found = tuple(
        item.gate.name
        for item in prepared.plan.gates
        if item.gate.config.tests in ("pytest", "junit")
        or (item.gate.name in history and history[item.gate.name].tests)
        or item.gate.group in ("test", "tests")
    )
    if not found:
        known = ", ".join(item.gate.name for item in prepared.plan.gates)
        raise UsageError("no gate is known to bring test results", remedy=f"name one with --gate; known: {known}")
    return found


def exit_of(head: Finished, comparison: Comparison) -> ExitCode:
    """Exit code of a comparison: a regression is told as such, although it made the head's gate fail, too."""
    code = ExitCode(head.run.exit_code)
    if comparison.regression and code in (ExitCode.GATE_FAILED, ExitCode.PASSED, ExitCode.COULD_NOT_RUN):
        return ExitCode.REGRESSION
    return code


def _files(git: Git, base: Finished, head: Finished) -> tuple[FileChange, ...]:
    before, after = (side.run.subject.identity.removeprefix("git-tree:") for side in (base, head))
    return changed_files(git, before, after)
