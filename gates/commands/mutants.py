"""`gates mutants`: do the tests notice small faults in the changed lines?"""

from __future__ import annotations

import sys
from pathlib import Path

from gates.pipeline.mutation import mutants_of
from gates.planning.plan import Request
from gates.planning.prepare import Prepared, prepare
from gates.portable.errors import NothingSelected, UsageError
from gates.portable.escapes import clean
from gates.portable.settings.declare import replace
from gates.portable.values import ExitCode
from gates.render.mutants import mutants_text
from gates.results import Mutant, Mutation
from gates.vcs.git import Git
from gates.vcs.hunks import FileDifference, differences


def try_mutants(root: Path, base: str, request: Request, budget: float) -> ExitCode:
    """Try mutants of the lines that the working tree changed since it left the base, and print what became of them.

    Args:
        root: the project's folder.
        base: a commit; empty for the base of the config.
        request: what the user asked for.
        budget: seconds.

    Raises:
        NothingSelected: no changed line is worth a mutant.
        GatesError: there is no base, or the tests cannot be run.
    """
    prepared = prepare(root, replace(request, needs=False))
    changed = changed_lines(prepared, base)
    mutation = mutants_of(prepared, changed, budget, request.gates, _show)
    if not mutation.mutants and not mutation.unknown:
        raise NothingSelected("no changed line of production code is worth a mutant", got=", ".join(mutation.notes))
    sys.stdout.write(clean(mutants_text(mutation)))
    return exit_of(mutation)


def changed_lines(prepared: Prepared, base: str) -> tuple[FileDifference, ...]:
    """The lines that a subject changed since it left the base.

    Raises:
        UsageError: there is no git, or no base.
    """
    git, subject = prepared.git, prepared.subject
    if git is None:
        raise UsageError("there is no git repository, so no line is known to have changed", place=str(prepared.home))
    fork = _fork(git, base, subject.commit) if base else subject.merge_base
    if not fork:
        raise UsageError(
            "no base is known to compare with", remedy="gates mutants BASE, or base = 'BRANCH' in the config"
        )
    return differences(git, git.tree(fork), subject.identity.removeprefix("git-tree:"))


def _fork(git: Git, base: str, head: str) -> str:
    commit = git.need_commit(base)
    return commit if git.shallow or not head else git.merge_base(commit, head) or commit


def _show(mutant: Mutant, number: int) -> None:
    sys.stderr.write(clean(f"{number:>4}  {mutant.finding:<9} {mutant.path}:{mutant.line}  {mutant.operator}\n"))


def exit_of(mutation: Mutation) -> ExitCode:
    """The exit code: this command has no other purpose than to find survivors, so one is a regression."""
    if any(one.finding == "survived" for one in mutation.mutants):
        return ExitCode.REGRESSION
    return ExitCode.COULD_NOT_RUN if mutation.unknown else ExitCode.PASSED
