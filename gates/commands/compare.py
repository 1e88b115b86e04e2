"""`gates compare`: run the base, run the head, compare."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from gates.compare.values import Comparison
from gates.config.request import Request
from gates.pipeline.base_and_head import Sides
from gates.pipeline.compare_options import (
    CompareOptions,
    need_budget,
    need_tests,
    refuse_foreign_imports,
    refuse_taken_folders,
    refuse_unknown_names,
)
from gates.pipeline.compared_gates import named_gates, with_compared_gates
from gates.pipeline.execute import Finished
from gates.pipeline.measured_comparison import MeasuredComparison
from gates.pipeline.recorded_assertions import compare_records, watch_changed_tests
from gates.planning.subjects import MERGE, WORKTREE
from gates.portable.errors import UsageError
from gates.portable.values import ExitCode
from gates.vcs.git import Git


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
    options: CompareOptions | None = None,
) -> Compared:
    """Run the gates with something to compare on both sides and, on request, newly failing tests again.

    Args:
        root: the project's folder.
        base: a commit.
        head: a subject.
        request: what the user asked for.
        command_line: the command, to paste.
        reports: where reports go; None for the project's reports folder.
        options: how to compare; None for the usual way.

    Raises:
        GatesError: no git, no such commit, or a side that cannot be run.
    """
    options = options or CompareOptions()
    git = Git.of(root)
    if git is None:
        raise UsageError("there is no git repository, so there is nothing to compare with", place=str(root))
    for name in (base, head):
        if name != WORKTREE and not name.startswith(MERGE):
            git.need_commit(name, also=", and no file either")
    with Sides(root, git, base, head, command_line, fresh=options.fresh) as sides:
        prepared = sides.prepare_head(request, reports)
        refuse_unknown_names(prepared, options.accepted)
        budget = options.timing_budget or prepared.config.timing_budget
        need_budget(options, budget)
        wanted = request if options.all_gates else with_compared_gates(prepared, request)
        refuse_taken_folders(prepared, options, budget)
        sys.stderr.write(f"gates: {', '.join(named_gates(prepared, wanted)) or 'all'}\n")
        sys.stderr.write(f"base: {base} ({git.commit(base)[:12]})\n")
        sides.watches = watch_changed_tests(git, *sides.trees())
        base_side = sides.run_base(wanted, prepared.store.folder / "baseline")
        if base_side.finished.run.exit_code == ExitCode.INTERRUPTED:
            return Compared(finished=base_side.finished, comparison=None, exit_code=ExitCode.INTERRUPTED)
        refuse_foreign_imports(base_side.finished, base)
        need_tests(prepared, base_side.finished, base)
        sys.stderr.write(f"head: {head}\n")
        head_side = sides.run_head(wanted, reports)
        recorded = compare_records(sides, wanted, (base_side.finished, head_side.finished))
        measured = MeasuredComparison(git, prepared, options, base_side, head_side, recorded)
    if measured.code != ExitCode.INTERRUPTED:
        measured.confirm(sides, wanted)
    if measured.code != ExitCode.INTERRUPTED:
        measured.run_without_change(sides, wanted)
    if measured.code != ExitCode.INTERRUPTED:
        measured.try_mutants(sides, wanted)
    if measured.code != ExitCode.INTERRUPTED:
        measured.time(sides, wanted, command_line, budget)
    return Compared(finished=measured.after, comparison=measured.comparison, exit_code=measured.code)
