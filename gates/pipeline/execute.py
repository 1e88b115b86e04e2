"""Execute a plan: run its gates, record what happens, publish the reports."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from gates.pipeline.open_run import OpenRun, open_run
from gates.planning.plan import Plan
from gates.planning.prepare import Prepared
from gates.portable.errors import EnvironmentProblem
from gates.portable.settings.run import Settings
from gates.results import Run, TestResult
from gates.results.outstanding import left_by
from gates.run.progress import Progress


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a run: its values and the places of its files."""

    run: Run
    tests: tuple[TestResult, ...]
    reports: Path
    output: Settings = Settings()


def execute(
    prepared: Prepared,
    command_line: str,
    progress: Progress | None = None,
    events: str | None = None,
    *,
    aside: bool = False,
    keep: bool = True,
) -> Finished:
    """Run the plan, keep `run.json` and `tests.jsonl` up to date meanwhile, and render the reports.

    Args:
        prepared: what to run.
        command_line: the command, to paste.
        progress: shows the progress of the run; by default on standard error.
        events: path or descriptor that live events go to; None for nowhere.
        aside: the run serves another purpose, and `gates rerun` does not continue it.
        keep: record durations of gates and outcomes of tests for the next run.

    Raises:
        UsageError: events cannot be written there.
        EnvironmentProblem: the reports cannot be written; everything that was running was ended.
    """
    with open_run(prepared, command_line, progress, events) as opened:
        finished = record(opened, keep=keep)
    if keep:
        remember(opened, finished, aside=aside)
    return finished


def record(opened: OpenRun, *, keep: bool = True) -> Finished:
    """Run the gates. Each event is recorded at once, then shown; at the end everything is checked, rendered and published.

    Args:
        opened: what runs.
        keep: add the run to the history, before it is published: a kill in between must not lose a run that has a verdict.

    Raises:
        EnvironmentProblem: the reports cannot be written; everything that was running was ended.
    """
    prepared, recorder, executor, progress, feed, stop = opened
    try:
        if feed is not None:
            feed.begin(recorder.run)
        recorder.save()
        for event in executor.events():
            recorder.take(event)
            progress.take(event)
            if feed is not None:
                feed.take(event)
        recorder.conclude(interrupted=bool(stop.count), late=executor.late, guard=executor.guard)
        if keep:
            _add_to_history(opened)
        recorder.publish()
    except EnvironmentProblem as error:
        executor.close()
        error.exit_code = recorder.give_up(interrupted=bool(stop.count))
        raise
    finally:
        if feed is not None and recorder.is_over:
            feed.end(recorder.run)
    settings = prepared.plan.settings
    return Finished(run=recorder.run, tests=tuple(recorder.tests), reports=prepared.reports, output=settings)


def remember(opened: OpenRun, finished: Finished, *, aside: bool = False) -> None:
    """Keep durations of gates and outcomes of tests for the next run; with `aside`, `gates rerun` does not continue this run."""
    run, plan, store = finished.run, opened.prepared.plan, opened.prepared.store
    if plan.settings.stressed:  # because durations would cover many attempts
        return
    store.remember_made(run.left)
    if not run.changed and not run.altered:  # else it is unknown which tree it belongs to
        store.remember(run, finished.tests, part=_is_part(plan))
    if run.complete and run.subject.kind in ("worktree", "folder") and not aside:
        narrowed = plan.rest is not None and plan.asked != plan.rest.asked
        left = left_by(run, finished.tests, plan.asked, plan.rest, narrowed=narrowed)
        store.remember_outstanding(opened.recorder.mask.struct(left))


def _is_part(plan: Plan) -> bool:
    return plan.rest is not None or bool(plan.settings.partition)


def _add_to_history(opened: OpenRun) -> None:
    """A history that cannot be written is not a reason to fail, but the user hears of it."""
    import sqlite3  # slow to load, and not needed before a run has ended

    from gates.storage.history import History

    plan, recorder = opened.prepared.plan, opened.recorder
    if plan.settings.stressed:  # a duration would cover many attempts
        return
    part = _is_part(plan) or plan.settings.filter != plan.default_filter
    try:
        History(opened.prepared.store.folder).record(recorder.run, recorder.tests, part=part)
    except (sqlite3.Error, OSError) as error:
        sys.stderr.write(f"gates: the run could not be added to the history: {error}\n")
