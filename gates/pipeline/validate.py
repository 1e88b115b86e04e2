"""`gates run` after preparation: run → results → render."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from gates.files.temporary import scratch
from gates.pipeline.event_feed import Feed
from gates.pipeline.recorder import Recorder
from gates.pipeline.tree_watch import checkout_of, watch
from gates.planning.prepare import Prepared
from gates.portable.errors import EnvironmentProblem, UsageError
from gates.portable.filters import Resolution
from gates.portable.settings.run import Settings
from gates.render.live import live_line
from gates.results import Run, TestResult
from gates.results.files import LOGS_FOLDER
from gates.results.outstanding import left_by
from gates.run import Engine, EngineOptions
from gates.run.echo import Echo
from gates.run.event_writer import EventWriter
from gates.run.inject import write_injection
from gates.run.launching import Keeper
from gates.run.masking import StructMask
from gates.run.progress import LineFormatter, Progress, make_progress
from gates.run.remains import known
from gates.run.signals import StopRequest
from gates.run.start import RunContext, log_names
from gates.storage.claims import is_report
from gates.storage.reports import Reports


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a run: its values and the places of its files."""

    run: Run
    tests: tuple[TestResult, ...]
    reports: Path
    output: Settings = Settings()


def validate(
    prepared: Prepared,
    command_line: str,
    progress: Progress | None = None,
    events: str | None = None,
    *,
    aside: bool = False,
    remember: bool = True,
) -> Finished:
    """Run the plan, keep `run.json` and `tests.jsonl` up to date meanwhile, and render the reports.

    Args:
        prepared: what to run.
        command_line: the command, to paste.
        progress: shows the progress of the run; by default on standard error.
        events: path or descriptor that live events go to; None for nowhere.
        aside: the run serves another purpose, and `gates rerun` does not continue it.
        remember: record durations of gates and outcomes of tests for the next run.

    Raises:
        UsageError: events cannot be written there.
        EnvironmentProblem: the reports cannot be written; everything that was running was ended.
    """
    writer = _event_writer(prepared, events) if events is not None else None
    run_id = new_run_id()
    prepared.store.make()
    echo = Echo(sys.stderr) if prepared.plan.settings.no_capture else None
    with (
        closing(writer) if writer is not None else nullcontext(),
        Keeper() as keeper,  # starts while the rest is prepared
        scratch() as work,
        known(prepared.store.folder, run_id),
        reports_of(prepared, run_id, work) as reports,
        StopRequest() as stop,
        progress or make_progress(prepared.plan, echo, _teller(prepared.plan.settings)) as shown,
    ):
        recorder = Recorder(prepared, reports, command_line, run_id)
        feed = Feed(writer.put) if writer is not None else None
        engine = Engine(
            prepared.plan,
            EngineOptions(
                config=prepared.config,
                around=RunContext(
                    root=prepared.root,
                    work=work,
                    logs=reports.log,
                    checkout=checkout_of(prepared),
                    injection=write_injection(work),
                    environment=dict(os.environ),
                    plan=prepared.plan,
                    mask=recorder.mask,
                    run_id=recorder.run.id,
                    facts=write_facts(work, prepared.facts),
                    history=write_history(work, prepared),
                    echo=echo,
                    keeper=keeper,
                ),
                stopped=stop.why,
                at_once=stop.insists,
                detailed=feed is not None,
                look=watch(prepared).look,
            ),
        )
        try:
            if feed is not None:
                feed.begin(recorder.run)
            recorder.save()
            for event in engine.events():
                recorder.take(event)
                shown.take(event)
                if feed is not None:
                    feed.take(event)
            recorder.finish(interrupted=bool(stop.count), late=engine.late, guard=engine.guard)
            if feed is not None:
                feed.end(recorder.run)
        except EnvironmentProblem as error:
            engine.close()
            error.exit_code = recorder.give_up(interrupted=bool(stop.count))
            if feed is not None:
                feed.end(recorder.run)
            raise
        finally:
            engine.close()
    finished = Finished(
        run=recorder.run, tests=tuple(recorder.tests), reports=prepared.reports, output=prepared.plan.settings
    )
    stressed = prepared.plan.settings.stressed  # because durations would cover many attempts
    if remember and not stressed:
        _remember(prepared, finished, recorder.mask, aside=aside)
    return finished


def _event_writer(prepared: Prepared, events: str) -> EventWriter:
    path, folder = Path(events).absolute(), prepared.reports.absolute()
    if path.is_relative_to(folder) and is_report(path.relative_to(folder).as_posix()):
        raise UsageError(
            "the run writes its reports there, so events cannot be",
            place=f"--events {events}",
            remedy="name another file",
        )
    return EventWriter(events, root=prepared.home)


def new_run_id() -> str:
    """A name for a run: sortable and unique."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def reports_of(prepared: Prepared, run_id: str, spare: Path) -> Reports:
    """Begin the reports of a run; raises as `Reports`."""
    logs = (f"{LOGS_FOLDER}/{name}" for name in log_names(prepared.plan).values())
    folder, records = prepared.reports, prepared.store.records
    return Reports.begin(folder, records, run_id, root=prepared.home, needs=logs, spare=spare)


def _remember(prepared: Prepared, finished: Finished, mask: StructMask, *, aside: bool) -> None:
    run, plan = finished.run, prepared.plan
    prepared.store.remember_made(run.left)
    if not run.changed and not run.altered:  # else nobody knows which tree it belongs to
        prepared.store.remember(run, finished.tests, part=plan.rest is not None or bool(plan.settings.partition))
    if run.complete and run.subject.kind in ("worktree", "folder") and not aside:
        narrowed = plan.rest is not None and plan.asked != plan.rest.asked
        left = left_by(run, finished.tests, plan.asked, plan.rest, narrowed=narrowed)
        prepared.store.remember_outstanding(mask.struct(left))


def _teller(output: Settings) -> LineFormatter:
    return lambda test: live_line(test, output)


def write_facts(folder: Path, facts: Mapping[str, Resolution]) -> Path | None:
    """Write the outside facts for predicates, for the test processes; None if no expression needs them."""
    if not facts:
        return None
    path = folder / "facts.json"
    path.write_bytes(msgspec.json.encode({text: resolution.to_json() for text, resolution in facts.items()}))
    return path


def write_history(folder: Path, prepared: Prepared) -> Path | None:
    """Write how tests ended when they last ran, for orders that need it."""
    if prepared.plan.settings.order not in ("failed-first", "new-first", "longest-first"):
        return None
    path = folder / "history.json"
    known = {test: [memory.outcome, memory.seconds] for test, memory in prepared.store.tests().items()}
    path.write_bytes(msgspec.json.encode(known))
    return path
