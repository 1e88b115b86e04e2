"""`gates compare BASE --red-green`: run the head's new and changed tests without its change."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from gates.compare.added_names import AddedNames, added_names
from gates.compare.inputs import SourceChanges
from gates.compare.red_green import Chosen, changes_behaviour, choose, judge
from gates.compare.tests import naming
from gates.compare.values import TestsComparison
from gates.config.request import Request
from gates.pipeline.confirm import only_these
from gates.pipeline.execute import Finished
from gates.portable.errors import GatesError
from gates.portable.settings.declare import replace
from gates.portable.values import ExitCode, plural
from gates.results import FileChange, RedGreen, TestResult
from gates.results.duplicates import worst_of
from gates.results.files import RED_GREEN_FOLDER
from gates.vcs.git import Git
from gates.vcs.grafts import graft

LIMIT, PATIENCE = 10.0, 20.0
"""A test that ends on the head hangs without the change after these seconds, and this many times its time on the head."""

Named = Callable[[TestResult], str]

RunGrafted = Callable[[str, str, str, Request, Path], Finished]
"""Runs a commit with other tests in the folder of another commit: `Sides.run_grafted`."""


class BothRuns(msgspec.Struct, frozen=True, kw_only=True):
    """The runs of base and head, and what changed in their tests."""

    before: Finished
    after: Finished
    tests: TestsComparison


class WithoutChange(msgspec.Struct, frozen=True, kw_only=True):
    """What the tests showed.

    Attributes:
        found: about each of them.
        notes: for the reader.
        interrupted: the user ended it.
    """

    found: RedGreen
    notes: tuple[str, ...] = ()
    interrupted: bool = False


def red_green(
    git: Git, code: str, runs: BothRuns, sources: SourceChanges, request: Request, run: RunGrafted
) -> WithoutChange:
    """Put the head's test files on the code that it changed, and run its new and changed tests there.

    Args:
        git: the repository.
        code: the commit without the change: where the head left the base.
        runs: of both sides.
        sources: what changed.
        request: what the user asked for.
        run: runs the commit that is made.
    """
    if not any(map(changes_behaviour, sources.files)):
        return WithoutChange(found=RedGreen(production=False))
    brought = [change for change in sources.files if change.kind == "test"]
    chosen, named = _chosen(git, runs, brought)
    if not chosen:
        return WithoutChange(found=RedGreen())
    began = time.monotonic()
    sys.stderr.write(f"red-green: {plural(len(chosen), 'new or changed test')} without the change\n")
    able = [one.result for one in chosen if one.can_show]
    if not able:
        return WithoutChange(found=RedGreen(tests=judge(chosen, {}, (), _names(git, code, sources, brought))))
    try:
        commit = graft(git, code, _tree(runs.after), [change.path for change in brought])
        wanted = _only(request, runs.after, [(result.gate, result.id) for result in able])
        name = f"{code[:12]} with the tests of {runs.after.run.subject.name}"
        done = run(code, commit, name, wanted, runs.after.reports / RED_GREEN_FOLDER)
    except GatesError as error:
        return WithoutChange(found=RedGreen(unknown=f"the tests could not be run without the change: {error}"))
    ended = worst_of(done.tests, named)
    found = RedGreen(
        tests=judge(chosen, ended, done.run.gates, _names(git, code, sources, brought)),
        seconds=round(time.monotonic() - began, 3),
    )
    if done.run.exit_code == ExitCode.INTERRUPTED:
        found = msgspec.structs.replace(found, unknown="interrupted before every test ended")
        return WithoutChange(found=found, interrupted=True)
    return WithoutChange(found=found)


def _chosen(git: Git, runs: BothRuns, brought: Sequence[FileChange]) -> tuple[tuple[Chosen, ...], Named]:
    both = (*runs.before.tests, *runs.after.tests)
    named = naming(both)
    prefix = git.prefix
    files = {change.path.removeprefix(prefix) for change in brought if change.path.startswith(prefix)}
    return choose(worst_of(runs.after.tests, named), runs.tests.new, files), named


def _only(request: Request, after: Finished, tests: list[tuple[str, str]]) -> Request:
    """The request for these tests, with a limit for those that hang."""
    only = only_these(request, tests)
    longest = max((result.duration for result in after.tests if (result.gate, result.id) in set(tests)), default=0.0)
    own = after.output.test_timeout
    limit = max(LIMIT, PATIENCE * longest)
    return replace(
        only,
        only={gate: msgspec.structs.replace(part, despite_errors=True) for gate, part in only.only.items()},
        test_timeout=min(limit, own) if own else limit,
        retries=1,
    )


def _names(git: Git, code: str, sources: SourceChanges, brought: Sequence[FileChange]) -> AddedNames:
    folders = git.listed("ls-tree", "-r", "-d", "-z", "--full-tree", "--name-only", code)
    return added_names(sources.files, [change.path for change in brought], sources.of_the_branch, folders)


def _tree(side: Finished) -> str:
    return side.run.subject.identity.removeprefix("git-tree:")
