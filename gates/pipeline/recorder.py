"""The only place that records the evidence of a run: each event is written at once, and checked at the end."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from gates.analysis.pythons import claimed_pythons
from gates.pipeline.publish import emit
from gates.planning.expectations import said_of_unheard
from gates.planning.plan import available_cores
from gates.planning.prepare import Prepared
from gates.portable.exclusions import Exclusion
from gates.portable.exclusions import to_json as exclusion_json
from gates.portable.values import ExitCode, TestOutcome, listed
from gates.results import ExclusionRecord, Run, TestResult, count_tests
from gates.results.event_schema import GateEnded, GateStarted, TestsCollected
from gates.results.files import RUN_FILE, TESTS_FILE, encoded, to_json
from gates.run import TestsLanded, conclude, leaves_of
from gates.run.environment import describe_environment
from gates.run.guard import Guard
from gates.run.masking import StructMask

if TYPE_CHECKING:
    from gates.storage.reports import Reports


NAMED = 5
"""How many changed reports are named."""


class Recorder:
    """Holds the growing value of the run, one frozen value after another, and writes each at once."""

    def __init__(self, prepared: Prepared, reports: Reports, command_line: str, run_id: str) -> None:
        self.reports = reports
        self._lines = reports.stream(TESTS_FILE)
        self.tests: list[TestResult] = []
        config, plan = prepared.config, prepared.plan
        self._store = prepared.store.folder
        self.mask = StructMask.of(config)
        self._planned = [item.gate.name for item in plan.gates]
        self._plan = plan
        self._clock = time.monotonic()
        self._expected: dict[str, int] = {}
        run = Run(
            id=run_id,
            started=time.time(),
            profile=plan.settings.profile,
            project=prepared.home.resolve().name,
            subject=prepared.subject,
            environment=describe_environment(os.environ, config.record_env, available_cores()),
            changes=prepared.changes,
            planned=tuple(self._planned),
            checklist=tuple(gate.name for gate in prepared.gates),
            exclusions=_exclusion_records(plan.exclusions, ()),
            quarantine=_exclusion_records(plan.quarantine, ()),
            filter=plan.settings.filter,
            effective_filter=plan.effective_filter,
            whole=plan.whole,
            rerun_of=plan.rest.run if plan.rest is not None else "",
            include_excluded=plan.settings.include_excluded,
            test_timeout=plan.settings.test_timeout,
            jobs=plan.jobs,
            command_line=command_line,
            reports=prepared.shown_reports,
            pythons=claimed_pythons(prepared.root),
            notes=(*_notes(prepared), *([reports.moved] if reports.moved else [])),
        )
        self.run = self.mask.struct(run)
        self.is_over = False

    def take(self, event: object) -> None:
        """Write the data of an event."""
        if isinstance(event, GateStarted):
            self.reports.tell(encoded(self.mask.struct(event)) + b"\n")
        elif isinstance(event, TestsLanded):
            if self._expected.get(event.gate) != event.expected:
                self._expected[event.gate] = event.expected
                known = TestsCollected(time=time.time(), gate=event.gate, tests=event.expected)
                self.reports.tell(encoded(known) + b"\n")
            lines = b"".join(encoded(result) + b"\n" for result in event.results)
            if lines:
                self._lines.write(lines)
            self.tests += event.results
        elif isinstance(event, GateEnded):
            order = {name: number for number, name in enumerate(self._planned)}
            gates = sorted((*self.run.gates, event.result), key=lambda gate: order[gate.name])
            self._update(gates=tuple(gates))
            self.save()

    def conclude(self, *, interrupted: bool, late: bool, guard: Guard) -> None:
        """The run is complete: compare the recorded files with what was written, and decide how it ended.

        Raises:
            EnvironmentProblem: it cannot be published.
        """
        leaves = leaves_of(self.run.gates, whole=self._plan.whole)
        altered, disturbed = self.reports.altered(), self.reports.restore()
        outcome, code = conclude(
            self.run.gates, interrupted=interrupted, late=late, leaves=leaves, altered=bool(altered)
        )
        self._update(
            complete=True,
            leaves=leaves,
            outcome=outcome,
            exit_code=int(code),
            changed=guard.changed,
            left=guard.left,
            altered=altered,
            notes=(
                *self.run.notes,
                *said_of_unheard(self._plan.asks, self.run.gates),
                *guard.notes,
                *_said_of(disturbed),
            ),
        )

    def publish(self) -> None:
        """Render the reports of the complete run, and publish them together.

        Raises:
            EnvironmentProblem: it cannot be published.
        """
        self.run = emit(self.run, self.tests, self.reports, store=self._store)
        self.is_over = True

    def give_up(self, *, interrupted: bool) -> ExitCode:
        """The reports cannot be written: leave a `run.json` that says so, if that still can."""
        outcome, code = conclude(self.run.gates, interrupted=interrupted, trouble=True)
        self._update(complete=False, outcome=outcome, exit_code=int(code), files=self.reports.digests)
        self.reports.give_up(to_json(self.run))
        self.is_over = True
        return code

    def save(self) -> None:
        """Write `run.json` with what is known so far.

        Raises:
            EnvironmentProblem: it cannot be written.
        """
        self.run = msgspec.structs.replace(self.run, files=self.reports.digests)
        self.reports.put(RUN_FILE, to_json(self.run))

    def _update(self, **changes: object) -> None:
        self.run = self.mask.struct(
            msgspec.structs.replace(
                self.run,
                **changes,
                duration=round(time.monotonic() - self._clock, 6),
                tests=count_tests(self.tests) if self.tests else None,
                exclusions=_exclusion_records(self._plan.exclusions, self.tests),
                quarantine=_exclusion_records(self._plan.quarantine, self.tests),
            )
        )


def _exclusion_records(
    exclusions: tuple[Exclusion, ...], tests: list[TestResult] | tuple[()]
) -> tuple[ExclusionRecord, ...]:
    # A test counts once, even if several gates exclude it.
    excluded = {(test.exclusion, test.id) for test in tests if test.outcome is TestOutcome.EXCLUDED}
    excluded |= {(test.quarantine, test.id) for test in tests if test.outcome is TestOutcome.QUARANTINED}
    counts = Counter(name for name, _ in excluded)
    return tuple(
        msgspec.convert({**exclusion_json(entry), "tests": counts.get(entry.name, 0)}, ExclusionRecord)
        for entry in exclusions
    )


def _said_of(disturbed: Mapping[str, str]) -> tuple[str, ...]:
    """Notes about changes to the reports during the run."""
    if not disturbed:
        return ()
    what = listed([f"{name} ({done})" for name, done in sorted(disturbed.items())], NAMED)
    return (f"reports were changed during the run, and published again as recorded: {what}",)


def _notes(prepared: Prepared) -> tuple[str, ...]:
    notes = list(prepared.plan.notes)
    if prepared.git is None:
        notes.append("no git repository: the subject is the folder, identified by its files; nothing can be compared")
    if prepared.subject.shallow:
        notes.append("shallow clone: the merge base is not known for sure, so changes against the base are not shown")
    if prepared.plan.settings.include_excluded and prepared.config.exclusions:
        notes.append("exclusions are switched off (--include-excluded)")
    return tuple(notes)
