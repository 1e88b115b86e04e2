"""The one place where the evidence of a run is recorded: what an event brings is written at once."""

from __future__ import annotations

import os
import secrets
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from gates.errors import GatesError
from gates.facts.pythons import claimed_pythons
from gates.plan import available_cores
from gates.results import ExclusionRecord, Run, TestResult, count_tests
from gates.run import GateEnded, TestsLanded, conclude, leaves_of
from gates.run.environment import describe_environment
from gates.run.masking import Mask
from gates.values import ExitCode, TestOutcome

if TYPE_CHECKING:
    from gates.exclusions import Exclusion
    from gates.results.files import ReportFolder
    from gates.run.guard import Guard
    from gates.workflows.prepare import Prepared


class Recorder:
    """Holds the run's value as it grows, one frozen value after the other, and writes each at once."""

    def __init__(self, prepared: Prepared, reports: ReportFolder, command_line: str) -> None:
        self.reports = reports
        self.tests: list[TestResult] = []
        config, plan = prepared.config, prepared.plan
        self.mask = Mask.of(config)
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
            pythons=claimed_pythons(prepared.root),
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

    def finish(self, *, interrupted: bool, late: bool, guard: Guard) -> None:
        """The run is complete."""
        leaves = leaves_of(self.run.gates, whole=self._plan.whole)
        outcome, code = conclude(self.run.gates, interrupted=interrupted, late=late, leaves=leaves)
        self._update(
            complete=True,
            leaves=leaves,
            outcome=outcome,
            exit_code=int(code),
            changed=guard.changed,
            left=guard.left,
            notes=(*self.run.notes, *guard.notes),
        )

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
