"""`gates compare`: run the base, run the head, compare."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gates.compare import BaseFailures, Comparison, compare_runs
from gates.errors import EnvironmentProblem, UsageError
from gates.facts.api import api_changes
from gates.filters.nearest import nearest
from gates.git import Git, changed_files
from gates.results.files import COMPARISON_FILE, to_json, write_whole
from gates.values import REGRESSIONS, ExitCode, GateOutcome
from gates.workflows.confirm import run_again
from gates.workflows.emit import emit
from gates.workflows.sides import Sides
from gates.workflows.subjects import prepare_subject
from gates.workflows.validate import Finished

if TYPE_CHECKING:
    from gates.request import Request
    from gates.results import FileChange
    from gates.workflows.confirm import Confirmed
    from gates.workflows.prepare import Prepared


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The head's run, and what changed against the base."""

    finished: Finished
    comparison: Comparison | None
    exit_code: ExitCode


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """How two sides are compared.

    Attributes:
        accepted: names of entries of the ledgers that may grow, besides those that the config accepts.
        fail_on: the findings that make a regression.
        scope: globs of what the branch may touch; empty takes those of the config.
        base_failures: what tests mean that fail as they do on the base; None leaves it to the config.
        confirm: how often newly failing tests are run again on both sides.
    """

    accepted: tuple[str, ...] = ()
    fail_on: tuple[str, ...] = REGRESSIONS
    scope: tuple[str, ...] = ()
    base_failures: BaseFailures | None = None
    confirm: int = 0


def compare_subjects(
    root: Path,
    base: str,
    head: str,
    request: Request,
    command_line: str,
    reports: Path | None = None,
    wish: Wish | None = None,
) -> Compared:
    """Run the gates that bring test results on both sides, and again what fails newly, where that is wished.

    Args:
        root: the project's folder.
        base: a commit.
        head: a subject.
        request: what the user asked for.
        command_line: the command, to paste.
        reports: where reports go; None for the project's folder of reports.
        wish: how to compare; None for the usual way.

    Raises:
        GatesError: no git, no such commit, or a side that cannot be run.
    """
    wish = wish or Wish()
    git = Git.of(root)
    if git is None:
        raise UsageError("there is no git repository, so there is nothing to compare with", place=str(root))
    git.need_commit(base)
    with prepare_subject(root, request, head, reports=reports) as prepared:
        _refuse_unknown(prepared, wish.accepted)
        wanted = msgspec.structs.replace(request, gates=request.gates or gates_with_tests(prepared))
    sides = Sides(root, base, head, prepared.root, command_line)
    sys.stderr.write(f"base: {base} ({git.commit(base)[:12]})\n")
    base_side = sides.run_base(wanted, prepared.store.folder / "base")
    before = base_side.finished
    if before.run.exit_code == ExitCode.INTERRUPTED:
        return Compared(finished=before, comparison=None, exit_code=ExitCode.INTERRUPTED)
    _need_tests(before, base)
    sys.stderr.write(f"head: {head}\n")
    head_side = sides.run_head(wanted, reports)
    after, needs = head_side.finished, (base_side.needs, head_side.needs)
    files = _files(git, before, after)
    api = _api(git, before, after)
    unreadable = [f"cannot be read: {text}" for side in needs for text in side.unreadable]

    def compare(confirmed: Confirmed | None = None) -> Comparison:
        return compare_runs(
            before.run,
            before.tests,
            after.run,
            after.tests,
            files,
            notes=(*unreadable, *(confirmed.notes if confirmed is not None else ())),
            accepted=(*prepared.config.accept_exclusions, *wish.accepted),
            shapes=(base_side.shapes, head_side.shapes),
            fail_on=wish.fail_on,
            dependencies=needs,
            scope=wish.scope or prepared.config.scope,
            api=api,
            base_failures=wish.base_failures or prepared.config.base_failures,
            again=confirmed.again if confirmed is not None else None,
        )

    comparison = _written(after, compare())
    code = exit_of(after, comparison)
    if wish.confirm and comparison.tests.newly_failing and code != ExitCode.INTERRUPTED:
        confirmed = run_again(comparison.tests, before, after, wish.confirm, wanted, sides.run)
        comparison = _written(after, compare(confirmed))
        code = ExitCode.INTERRUPTED if confirmed.interrupted else exit_of(after, comparison)
    return Compared(finished=after, comparison=comparison, exit_code=code)


def _need_tests(base: Finished, name: str) -> None:
    if base.run.tests is not None:
        return
    passed = all(gate.outcome is GateOutcome.PASSED for gate in base.run.gates)
    raise (UsageError if passed else EnvironmentProblem)(
        "the base has no test results to compare with",
        place=f"{name} ({base.run.subject.commit[:12]})",
        got=", ".join(f"{gate.name}: {gate.outcome} {gate.reason}".strip() for gate in base.run.gates),
        remedy=f"look at {base.reports / 'logs'}",
    )


def _written(head: Finished, comparison: Comparison) -> Comparison:
    write_whole(head.reports / COMPARISON_FILE, to_json(comparison))
    emit(head.run, head.tests, head.reports, comparison)
    return comparison


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
    """Exit code of a comparison: a regression is told as such, although it made the head's gate fail, too.

    Where all that fails on the head fails on the base, too, that is no failure of the head's, unless it blocks.
    """
    code = ExitCode(head.run.exit_code)
    if comparison.regression and code in (ExitCode.GATE_FAILED, ExitCode.PASSED, ExitCode.COULD_NOT_RUN):
        return ExitCode.REGRESSION
    if code is ExitCode.GATE_FAILED and comparison.only_base_failures and not comparison.blocked:
        return ExitCode.PASSED
    return code


def _files(git: Git, base: Finished, head: Finished) -> tuple[FileChange, ...]:
    before, after = (side.run.subject.identity.removeprefix("git-tree:") for side in (base, head))
    return changed_files(git, before, after)
