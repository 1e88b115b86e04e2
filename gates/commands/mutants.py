"""`gates mutants`: do the tests notice small faults in the changed lines?"""

from __future__ import annotations

import datetime as dt
import sys
from contextlib import suppress
from pathlib import Path

from gates.pipeline.mutation import Wanted, mutants_of
from gates.pipeline.open_run import new_run_id
from gates.planning.plan import Request
from gates.planning.prepare import Prepared, prepare
from gates.portable.errors import NothingSelected, UsageError
from gates.portable.escapes import clean
from gates.portable.settings.declare import replace
from gates.portable.values import ExitCode
from gates.render.mutants import Shown, mutants_markdown, mutants_text
from gates.results import MutantReport, Mutation
from gates.results.files import MUTANTS_FILE, MUTANTS_SUMMARY_FILE, as_bytes, to_json
from gates.run.masking import StructMask
from gates.storage.reports import Reports, refuse_taken
from gates.vcs.git import Git
from gates.vcs.hunks import FileDifference, differences


def try_mutants(
    root: Path, base: str, request: Request, budget: float, command_line: str, reports: Path | None = None
) -> ExitCode:
    """Try mutants of the lines that the working tree changed since it left the base, and report what became of them.

    Args:
        root: the project's folder.
        base: a commit; empty for the base of the config.
        request: what the user asked for.
        budget: seconds.
        command_line: the command, to paste.
        reports: where reports go; None for the project's reports folder.

    Raises:
        NothingSelected: no changed line is worth a mutant.
        GatesError: there is no base, or the tests cannot be run.
    """
    prepared = prepare(root, replace(request, needs=False), reports=reports)
    name, changed = changed_lines(prepared, base)
    refuse_taken(prepared.reports, prepared.store.records, root=prepared.home, needs=(), kind="mutants")
    wanted = Wanted(differences=changed, budget=budget, gates=request.gates, today=dt.datetime.now(dt.UTC).date())
    with Shown(sys.stderr) as shown:
        mutation = mutants_of(prepared, wanted, shown.take)
    if not mutation.mutants and not mutation.unknown and not mutation.ledger:
        raise NothingSelected("no changed line of production code is worth a mutant", got=f"changes since {name}")
    code = exit_of(mutation)
    report = MutantReport(
        base=name, head=prepared.subject.branch or prepared.subject.name, command_line=command_line, exit_code=code,
        mutation=mutation,
    )  # fmt: skip
    report = StructMask.of(prepared.config).struct(report)
    publish(prepared, report)
    with suppress(KeyboardInterrupt):  # the verdict stands, even if the output is interrupted
        sys.stdout.write(clean(mutants_text(report.mutation)))
        sys.stdout.flush()
    return code


def publish(prepared: Prepared, report: MutantReport) -> None:
    """Write `mutants.json` and `mutants.md`.

    Raises:
        EnvironmentProblem: they cannot be written.
    """
    files = {MUTANTS_FILE: to_json(report), MUTANTS_SUMMARY_FILE: as_bytes(mutants_markdown(report))}
    folder, records = prepared.reports, prepared.store.records
    with Reports.begin(folder, records, new_run_id(), root=prepared.home, kind="mutants") as written:
        written.publish(files)


def changed_lines(prepared: Prepared, base: str) -> tuple[str, tuple[FileDifference, ...]]:
    """The name of the base, and the lines that a subject changed since it left it.

    Raises:
        UsageError: there is no git, or no base.
    """
    git, subject = prepared.git, prepared.subject
    if git is None:
        raise UsageError("there is no git repository, so no line is known to have changed", place=str(prepared.home))
    fork = _fork(git, base, subject.commit) if base else subject.merge_base
    if not fork:
        remedy = "gates mutants BASE, or base = 'BRANCH' in the config"
        raise UsageError("no base is known to compare with", remedy=remedy)
    name = f"{base or subject.base} ({fork[:12]})"
    return name, differences(git, git.tree(fork), subject.identity.removeprefix("git-tree:"))


def _fork(git: Git, base: str, head: str) -> str:
    commit = git.need_commit(base)
    return commit if git.shallow or not head else git.merge_base(commit, head) or commit


def exit_of(mutation: Mutation) -> ExitCode:
    """The exit code: this command has no other purpose than to find survivors, so one is a regression."""
    if mutation.stopped:
        return ExitCode.INTERRUPTED
    if mutation.failing or mutation.ledger:
        return ExitCode.GATE_FAILED
    if mutation.of("survived"):
        return ExitCode.REGRESSION
    if mutation.unknown:
        return ExitCode.COULD_NOT_RUN
    tried = any(one.finding in ("killed", "timeout") for one in mutation.mutants)
    if tried or mutation.of("suppressed"):
        return ExitCode.PASSED
    return ExitCode.COULD_NOT_RUN if mutation.of("unknown") else ExitCode.NOTHING_SELECTED
