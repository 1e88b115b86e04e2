"""`gates run`, once it is prepared: run → results → render."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gates.config.values import Output
from gates.errors import EnvironmentProblem, GatesError
from gates.outstanding import left_by
from gates.plan import available_cores
from gates.render.live import live_line
from gates.results import ExclusionRecord, Run, TestResult, count_tests
from gates.results.files import ReportFolder
from gates.run import Engine, GateEnded, Settings, TestsLanded, conclude, leaves_of
from gates.run.echo import Echo
from gates.run.environment import describe_environment
from gates.run.eventwriter import EventWriter
from gates.run.inject import write_injection
from gates.run.masking import Mask
from gates.run.progress import Progress, Teller, make_progress
from gates.run.signals import StopWish
from gates.run.start import Surroundings
from gates.values import ExitCode, TestOutcome
from gates.workflows.emit import emit
from gates.workflows.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gates.exclusions import Exclusion
    from gates.filters import Resolution
    from gates.workflows.prepare import Prepared


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """What a run left: its values and where its files are."""

    run: Run
    tests: tuple[TestResult, ...]
    reports: Path
    output: Output = Output()


def validate(
    prepared: Prepared,
    command_line: str,
    progress: Progress | None = None,
    events: str | None = None,
    *,
    aside: bool = False,
    remember: bool = True,
) -> Finished:
    """Run the plan, keep `run.json` and `tests.jsonl` up to date while it goes on, and render the reports.

    Args:
        prepared: what to run.
        command_line: the command, to paste.
        progress: shows how the run goes; by default on standard error.
        events: path or descriptor that live events go to; None for nowhere.
        aside: the run answers a question of its own, and is not what `gates rerun` goes on with.
        remember: keep for the next run what gates took, and what became of tests.

    Raises:
        UsageError: events cannot be written there.
        EnvironmentProblem: the reports cannot be written; everything that ran was ended.
    """
    writer = EventWriter(events) if events is not None else None
    reports = ReportFolder(prepared.reports)
    echo = Echo(sys.stderr) if prepared.plan.no_capture else None
    with (
        closing(writer) if writer is not None else nullcontext(),
        tempfile.TemporaryDirectory(prefix="gates-") as work,
        StopWish() as wish,
        progress or make_progress(prepared.plan, echo, _teller(prepared.plan.output)) as shown,
    ):
        recorder = _Recorder(prepared, reports, command_line)
        feed = Feed(writer.put) if writer is not None else None
        engine = Engine(
            prepared.plan,
            Settings(
                config=prepared.config,
                around=Surroundings(
                    root=prepared.root,
                    work=Path(work),
                    logs=reports.logs,
                    checkout=_checkout(prepared),
                    injection=write_injection(Path(work)),
                    environment=dict(os.environ),
                    plan=prepared.plan,
                    mask=recorder.mask,
                    run_id=recorder.run.id,
                    facts=write_facts(Path(work), prepared.facts),
                    history=write_history(Path(work), prepared),
                    echo=echo,
                ),
                stopped=wish.why,
                at_once=wish.insists,
                detailed=feed is not None,
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
            recorder.finish(interrupted=bool(wish.count), late=engine.late)
            emit(recorder.run, recorder.tests, prepared.reports)
            if feed is not None:
                feed.end(recorder.run)
        except EnvironmentProblem as error:
            engine.close()
            error.exit_code = recorder.give_up(interrupted=bool(wish.count))
            if feed is not None:
                feed.end(recorder.run)
            raise
        finally:
            engine.close()
            reports.close()
    finished = Finished(
        run=recorder.run, tests=tuple(recorder.tests), reports=prepared.reports, output=prepared.plan.output
    )
    stressed = prepared.plan.stress_count or prepared.plan.stress_duration  # then durations are of many attempts
    if remember and not stressed:
        _remember(prepared, finished, aside=aside)
    return finished


def _checkout(prepared: Prepared) -> Path:
    """The root of the working tree that the project lies in."""
    depth = len(Path(prepared.git.prefix).parts) if prepared.git is not None else 0
    return prepared.root.parents[depth - 1] if depth else prepared.root


def _remember(prepared: Prepared, finished: Finished, *, aside: bool) -> None:
    run, plan = finished.run, prepared.plan
    prepared.store.remember(run, finished.tests, part=plan.rest is not None or bool(plan.partition))
    if run.complete and run.subject.kind in ("worktree", "folder") and not aside:
        narrowed = plan.rest is not None and plan.asked != plan.rest.asked
        left = left_by(run, finished.tests, plan.asked, plan.rest, narrowed=narrowed)
        prepared.store.remember_outstanding(left)


def _teller(output: Output) -> Teller:
    return lambda test: live_line(test, output)


def write_facts(folder: Path, facts: Mapping[str, Resolution]) -> Path | None:
    """Write what is known of predicates about the outside, for the test processes; None where nothing was asked."""
    if not facts:
        return None
    path = folder / "facts.json"
    path.write_bytes(msgspec.json.encode({text: resolution.to_json() for text, resolution in facts.items()}))
    return path


def write_history(folder: Path, prepared: Prepared) -> Path | None:
    """Write what became of tests when they last ran, for orders that ask for it."""
    if prepared.plan.order not in ("failed-first", "new-first", "longest-first"):
        return None
    path = folder / "history.json"
    known = {test: [memory.outcome, memory.seconds] for test, memory in prepared.store.tests().items()}
    path.write_bytes(msgspec.json.encode(known))
    return path


class _Recorder:
    """Holds the run's value as it grows, one frozen value after the other, and writes each at once."""

    def __init__(self, prepared: Prepared, reports: ReportFolder, command_line: str) -> None:
        self.reports = reports
        self.tests: list[TestResult] = []
        config, plan = prepared.config, prepared.plan
        self.mask = Mask(os.environ, config.mask_env, config.record_env)
        self._planned = [item.gate.name for item in plan.gates]
        self._plan = plan
        self._clock = time.monotonic()
        now = datetime.now(UTC)
        run = Run(
            id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
            started=now.timestamp(),
            profile=plan.profile,
            project=prepared.home.resolve().name,
            subject=prepared.subject,
            environment=describe_environment(os.environ, config.record_env, available_cores()),
            changes=prepared.changes,
            planned=tuple(self._planned),
            exclusions=_ledger(plan.exclusions, ()),
            quarantine=_ledger(plan.quarantine, ()),
            filter=plan.filter,
            effective_filter=plan.effective_filter,
            whole=plan.whole,
            rerun_of=plan.rest.run if plan.rest is not None else "",
            include_excluded=plan.include_excluded,
            test_timeout=plan.test_timeout,
            jobs=plan.jobs,
            command_line=command_line,
            reports=prepared.shown_reports,
            notes=_notes(prepared),
        )
        self.run = self.mask.struct(run)

    def take(self, event: object) -> None:
        """Write what an event brings."""
        if isinstance(event, TestsLanded):
            self.reports.append_tests(event.results)
            self.tests += event.results
        elif isinstance(event, GateEnded):
            order = {name: number for number, name in enumerate(self._planned)}
            gates = sorted((*self.run.gates, event.result), key=lambda gate: order[gate.name])
            self._update(gates=tuple(gates))

    def finish(self, *, interrupted: bool, late: bool) -> None:
        """The run is complete."""
        leaves = leaves_of(self.run.gates, whole=self._plan.whole)
        outcome, code = conclude(self.run.gates, interrupted=interrupted, late=late, leaves=leaves)
        self._update(complete=True, leaves=leaves, outcome=outcome, exit_code=int(code))

    def give_up(self, *, interrupted: bool) -> ExitCode:
        """The reports cannot be written: leave a `run.json` that says so, if that still can."""
        outcome, code = conclude(self.run.gates, interrupted=interrupted, trouble=True)
        with suppress(GatesError):
            self._update(complete=False, outcome=outcome, exit_code=int(code))
        return code

    def save(self) -> None:
        """Write `run.json`."""
        self.reports.save_run(self.run)

    def _update(self, **changes: object) -> None:
        self.run = self.mask.struct(
            msgspec.structs.replace(
                self.run,
                **changes,
                duration=round(time.monotonic() - self._clock, 6),
                tests=count_tests(self.tests) if self.tests else None,
                exclusions=_ledger(self._plan.exclusions, self.tests),
                quarantine=_ledger(self._plan.quarantine, self.tests),
            )
        )
        self.save()


def _ledger(exclusions: tuple[Exclusion, ...], tests: list[TestResult] | tuple[()]) -> tuple[ExclusionRecord, ...]:
    # A test counts once, in however many gates it is excluded.
    excluded = {(test.exclusion, test.id) for test in tests if test.outcome is TestOutcome.EXCLUDED}
    excluded |= {(test.quarantine, test.id) for test in tests if test.outcome is TestOutcome.QUARANTINED}
    counts = Counter(name for name, _ in excluded)
    return tuple(
        ExclusionRecord(
            name=entry.name,
            filter=entry.filter,
            reason=entry.reason,
            category=entry.category,
            owner=entry.owner,
            expires=str(entry.expires),
            issue=entry.issue,
            tests=counts.get(entry.name, 0),
        )
        for entry in exclusions
    )


def _notes(prepared: Prepared) -> tuple[str, ...]:
    notes = list(prepared.plan.notes)
    if prepared.git is None:
        notes.append("no git repository: the subject is the folder, identified by its files; nothing can be compared")
    if prepared.subject.shallow:
        notes.append("shallow clone: the merge base is not known for sure, so changes against the base are not shown")
    if prepared.plan.include_excluded and prepared.config.exclusions:
        notes.append("exclusions are switched off (--include-excluded)")
    return tuple(notes)
