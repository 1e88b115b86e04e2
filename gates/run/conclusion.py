"""Decide how a gate ended: ask each witness, and build the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from gates.planning.plan import PlannedGate
from gates.portable.disk_space import complaint
from gates.portable.regular import read_bytes
from gates.portable.values import GateOutcome
from gates.readers.diagnostics.reasons import last_words
from gates.results import GateResult, TestCounts, TestResult, Witness, count_tests
from gates.results.files import LOGS_FOLDER
from gates.run import verdict, witnesses
from gates.run.artifacts import coverage_of, diagnostics_of, excerpt_of
from gates.run.imports import look_at_imports
from gates.run.inbox import Inbox
from gates.run.log import GateLog
from gates.run.reports import ExpectedReports, read_report
from gates.run.sightings import Watcher
from gates.run.start import JUNIT_FILE, RunContext
from gates.run.versions import tool_versions
from gates.run.witnesses import names

_NO_JUNIT = "no JUnit file was read: name it in `junit`"


@dataclass(frozen=True)
class GateRemains:
    """The facts about an ended gate.

    Attributes:
        planned: what was run.
        context: what all gates share.
        inject: False if the plugin could not be loaded.
        folder: its own, below that of the run.
        command: the arguments with which it was started.
        command_line: the same, to paste.
        inbox: the records of its test processes.
        log: its output.
        watcher: the processes that were seen.
        before: its artifacts before it started.
        expected: the reports that it should write.
        wall: when it started, in seconds since the epoch.
        duration: seconds.
        ended_by: the outcome for which it was ended; None if it ended by itself.
        why: the reason for that.
        exit_code: of its first process; None if unknown.
        lost: whether the end of its first process was missed; None if none was started.
        cpu: seconds.
        stray: number of leftover processes that were ended.
    """

    planned: PlannedGate
    context: RunContext
    inject: bool
    folder: Path
    command: tuple[str, ...]
    command_line: str
    inbox: Inbox
    log: GateLog
    watcher: Watcher
    before: Any
    expected: ExpectedReports
    wall: float
    duration: float
    ended_by: GateOutcome | None
    why: str
    exit_code: int | None = None
    lost: bool | None = None
    cpu: float = 0.0
    stray: int = 0


class Conclusion:
    """The result of a gate.

    Attributes:
        tests: results of its tests, including those of its JUnit files if nothing else reported tests.
        result: how the gate ended.
    """

    def __init__(self, left: GateRemains, tests: Sequence[TestResult]) -> None:
        self._left, self._context, self._gate = left, left.context, left.planned.gate
        self._processes = list(left.inbox.processes.values())
        told = (process.imported for process in self._processes)
        self._imported = look_at_imports(told, self._context.root, self._context.checkout or self._context.root)
        self.tests = list(tests)
        self.result = self._conclude()

    def _conclude(self) -> GateResult:
        left, gate, context, processes = self._left, self._gate, self._context, self._processes
        counts = count_tests(self.tests) if processes or self.tests else None
        found, junit_tests = self._witnesses(counts)
        if junit_tests and counts is None:
            self.tests += context.mask.results(junit_tests)
            counts = count_tests(junit_tests)
        outcome, inconsistent, reason = verdict.decide(found)
        if not left.inject:
            reason = f"{reason}; {witnesses.FALLBACK}" if reason else witnesses.FALLBACK
        result = GateResult(
            name=gate.name,
            title=gate.title,
            kind=gate.kind,
            outcome=outcome,
            reason=reason,
            inconsistent=inconsistent,
            command=left.command,
            command_line=left.command_line,
            environment=gate.config.env,
            started=left.wall,
            duration=round(left.duration, 6),
            exit_code=left.exit_code,
            cpu=left.cpu,
            warnings=left.log.warnings,
            log=f"{LOGS_FOLDER}/{left.log.path.name}",
            log_digest=left.log.digest,
            excerpt=excerpt_of(left.log.path, outcome, counts),
            witnesses=tuple(found),
            tests=counts,
            injected=bool(processes),
            tools=tool_versions(context.root, gate, processes),
            reports=tuple(dict.fromkeys((*gate.config.junit, *gate.config.reports))),
            leaves=tuple(leaf for process in processes for leaf in process.leaves),
            left_out=left.inbox.left_out(),
            stray=left.stray,
            workers=self._workers(),
            diagnostics=diagnostics_of(gate, context.root, left.log.path, outcome, left.before),
            coverage=coverage_of(gate, context.root, outcome, left.before),
            test_warnings=left.inbox.warnings(),
            peak=max((process.peak for process in processes), default=0),
            imported=self._imported.places,
        )
        return context.mask.struct(result)

    def _workers(self) -> str:
        """The number of workers, and the reason."""
        left = self._left
        most = max((int(process.start.get("workers") or 0) for process in self._processes), default=0)
        chosen = most == left.planned.workers and left.planned.workers_reason
        return "" if not most else chosen or f"{most}, set by its command"

    def _witnesses(self, counts: TestCounts | None) -> tuple[list[Witness], list[TestResult]]:
        left = self._left
        found: list[Witness | None] = []
        if left.ended_by is not None:
            found.append(Witness(name=names.CLOCK, outcome=left.ended_by, detail=left.why))
        if left.lost is not None:
            found.append(witnesses.exit_witness(left.exit_code, self._gate.kind, lost=left.lost))
            if self._gate.kind == "nox":
                found.append(
                    witnesses.nox_witness(_json(left.folder / "nox.json"), self._gate.signature, left.log.ending)
                )
        found.append(witnesses.own_word_witness(_json(left.folder / "outcome.json")))
        summaries = [process.summary for process in self._processes]
        demanded = witnesses.is_demanded(self._gate.config.tests) and not any(
            witness is not None and witness.outcome in (GateOutcome.COULD_NOT_RUN, GateOutcome.SKIPPED)
            for witness in found
        )
        said = last_words(left.log.tail, str(self._context.root)) if left.exit_code else ""
        found.append(
            witnesses.results_witness(
                summaries, counts or TestCounts(), demanded, self._context.plan.settings.no_tests, self.tests, said
            )
        )
        junit_tests, witness = self._junit(counts)
        found.append(witness)
        found.append(self._exclusions(bool(summaries)))
        found.append(witnesses.imports_witness(self._imported.places, self._imported.stale))
        found += self._injection(has_tests=bool(junit_tests))
        found = witnesses.with_room(found, complaint(str(left.inbox.folder)), str(self._context.work.parent), counts)
        return [witness for witness in found if witness is not None], junit_tests

    def _injection(self, *, has_tests: bool) -> list[Witness | None]:
        """Witnesses for a missing plugin, and for failures of test runners that the gate ignores."""
        left, processes = self._left, self._processes
        spoken = frozenset(int(process.start.get("pid") or 0) for process in processes)
        unspoken, behind = left.watcher.unspoken(spoken) if left.inject else ((), ())
        seen = msgspec.structs.replace(left.log.words.seen, processes=unspoken, left=behind)
        if self._gate.config.tests == "none":
            return []
        if left.log.refused_plugin:
            return [witnesses.refusal_witness(self._gate.name)]
        own = not left.inject and (left.folder / JUNIT_FILE).exists()
        quotes = any(process.start.get("quotes") for process in processes)
        return [
            witnesses.unspoken_witness(
                self._gate.name,
                seen,
                len(processes) + own,
                quotes=quotes,
                excused=bool(left.exit_code) or left.ended_by is not None or (has_tests and not own),
            ),
            witnesses.runner_witness(seen, left.exit_code, quotes=quotes, has_tests=has_tests),
        ]

    def _junit(self, counts: TestCounts | None) -> tuple[list[TestResult], Witness | None]:
        """Read the JUnit files and check for the other reports that the gate was expected to write."""
        left = self._left
        if not left.inject and (left.folder / JUNIT_FILE).exists():
            # The results in pytest's own JUnit, if the plugin could not be loaded.
            own = read_report(left.folder / JUNIT_FILE, self._gate.name, self._context.plan.config.junit)
            return list(own.results), witnesses.junit_witness(count_tests(own.results), own.problems, own.notes)
        demanded = self._gate.config.tests == "junit"
        if not left.expected:
            return [], witnesses.junit_witness(None, [_NO_JUNIT]) if demanded else None
        found = left.expected.read()
        problems = list(found.problems)
        if left.ended_by is not None:
            return list(found.results), None  # a stopped gate could not write them
        read = count_tests(found.results) if found.results else None
        if read is not None and counts is not None:
            fault = witnesses.agree(counts, read)
            problems += [fault] if fault else []
        if demanded and not found.results and not problems:
            problems.append(_NO_JUNIT)
        return list(found.results), witnesses.junit_witness(read, problems, found.notes)

    def _exclusions(self, has_tests: bool) -> Witness | None:
        today = datetime.fromtimestamp(self._context.wall(), UTC).date()
        plan = self._context.plan
        if not has_tests:
            return None
        return witnesses.exclusions_witness(plan.exclusions, plan.quarantine, today, plan.config.mutants)


def _json(path: Path) -> Any:
    try:
        return msgspec.json.decode(read_bytes(path))
    except (OSError, msgspec.MsgspecError):
        return None
