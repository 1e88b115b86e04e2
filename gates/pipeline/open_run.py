"""Begin a run: its folder, its reports, its live events, and the engine that will start its gates."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from gates.files.temporary import scratch
from gates.pipeline.event_feed import Feed
from gates.pipeline.recorder import Recorder
from gates.pipeline.tree_watch import checkout_of, watch
from gates.planning.prepare import Prepared
from gates.portable.errors import UsageError
from gates.portable.filters import Resolution
from gates.portable.settings.run import Settings
from gates.render.live import live_line
from gates.results.files import LOGS_FOLDER
from gates.run import Engine, EngineOptions, Executor
from gates.run.echo import Echo
from gates.run.event_writer import EventWriter
from gates.run.inject import write_injection
from gates.run.launching import Keeper
from gates.run.progress import LineFormatter, Progress, make_progress
from gates.run.remains import known
from gates.run.signals import StopRequest
from gates.run.start import RunContext, log_names
from gates.storage.claims import is_report
from gates.storage.reports import Reports


class OpenRun(NamedTuple):
    """A run that may start its first gate.

    Attributes:
        prepared: what runs.
        recorder: records the evidence.
        executor: runs the gates.
        progress: shows the progress of the run.
        feed: sends live events to other programs; None if they were not asked for.
        stop: whether the user wants the run to end.
    """

    prepared: Prepared
    recorder: Recorder
    executor: Executor
    progress: Progress
    feed: Feed | None
    stop: StopRequest


@contextmanager
def open_run(
    prepared: Prepared, command_line: str, progress: Progress | None = None, events: str | None = None
) -> Iterator[OpenRun]:
    """Begin a run; at the end, everything that it started is ended. Arguments and errors as in `execute`."""
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
        progress or make_progress(prepared.plan, echo, _formatter(prepared.plan.settings)) as shown,
    ):
        recorder = Recorder(prepared, reports, command_line, run_id)
        context = _context(prepared, recorder, work, echo, keeper)
        options = EngineOptions(
            config=prepared.config,
            context=context,
            stopped=stop.why,
            at_once=stop.insists,
            detailed=writer is not None,
            look=watch(prepared).look,
        )
        with closing(Engine(prepared.plan, options)) as engine:
            yield OpenRun(prepared, recorder, engine, shown, Feed(writer.put) if writer is not None else None, stop)


def _context(prepared: Prepared, recorder: Recorder, work: Path, echo: Echo | None, keeper: Keeper) -> RunContext:
    return RunContext(
        root=prepared.root,
        work=work,
        logs=recorder.reports.log,
        checkout=checkout_of(prepared),
        injection=write_injection(work),
        environment=dict(os.environ),
        plan=prepared.plan,
        mask=recorder.mask,
        run_id=recorder.run.id,
        facts=write_facts(work, prepared.facts),
        history=write_history(work, prepared),
        assertions=write_watch(work, prepared),
        echo=echo,
        keeper=keeper,
    )


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


def _formatter(output: Settings) -> LineFormatter:
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


def write_watch(folder: Path, prepared: Prepared) -> Path | None:
    """Write what is recorded of tests, for the test processes; None for nothing."""
    if not prepared.recorded:
        return None
    path = folder / "assertions.json"
    path.write_bytes(msgspec.json.encode(prepared.recorded.to_json()))
    return path
