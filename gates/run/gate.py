"""One gate from its start to its result: output, test results, timeout, end of its process tree, witnesses."""

from __future__ import annotations

import signal
from contextlib import suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from gates.planning.plan import PlannedGate
from gates.portable.disk_space import FULL, complaint, reserve
from gates.portable.errors import EnvironmentProblem
from gates.portable.filters import Described
from gates.portable.regular import read_bytes
from gates.portable.values import GateOutcome, format_duration
from gates.readers.diagnostics.reasons import last_words
from gates.results import GateResult, TestCounts, TestResult, Witness, count_tests
from gates.results.files import LOGS_FOLDER
from gates.run import verdict, witnesses
from gates.run.artifacts import coverage_of, diagnostics_of, excerpt_of, stamps
from gates.run.imports import Imported, look_at_imports
from gates.run.inbox import Inbox
from gates.run.log import GateLog
from gates.run.processes import GateProcess
from gates.run.reports import ExpectedReports, read_report
from gates.run.sightings import Watcher
from gates.run.stall import Stall, patience_of
from gates.run.start import JUNIT_FILE, RunContext, command_line_of, command_of, gate_environment, log_names
from gates.run.versions import tool_versions
from gates.run.witnesses import is_demanded, names

_NO_JUNIT = "no JUnit file was read: name it in `junit`"
TERM_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
CHATTY = 1 << 18
"""If a gate prints more bytes than this between two ticks, its output is read at once."""
_AT_ONCE = 1 << 22
"""Maximum bytes of output per read."""

DRAIN_GRACE = 1.0
"""Seconds to wait for output after the first process ended: later output of a stray child does not belong to the gate."""


class RunningGate:
    """A started gate. `poll` advances it; when `done`, `result` has its result."""

    def __init__(self, planned: PlannedGate, number: int, around: RunContext, *, inject: bool = True) -> None:
        """Start the gate.

        Args:
            planned: what to run.
            number: of the start, unique in the run.
            around: what all gates share.
            inject: False if the plugin could not be loaded: then pytest's own JUnit is used.

        Raises:
            EnvironmentProblem: its log cannot be written.
        """
        self.planned, self.around, self.inject = planned, around, inject
        self.gate = planned.gate
        self.done = False
        self.result: GateResult | None = None
        self.tests: list[TestResult] = []
        self._folder = around.work / f"gate-{number}"
        self._inbox = Inbox(self.gate.name, self._folder / "inbox", around.mask)
        self._inbox.folder.mkdir(parents=True)
        self._log = GateLog(around.logs(log_names(around.plan)[self.gate.name]), around.mask, around.echo)
        self._started, self._wall = around.clock(), around.wall()
        self._ended_by: GateOutcome | None = None
        self._why = ""
        self._kill_at: float | None = None
        self._drain_until: float | None = None
        self._output_open = True
        self._stray = self._taken = 0
        seconds = patience_of(around.plan.settings.stall_timeout, planned.timeout)
        self._stall = Stall(seconds, around.clock, around.wall, self._owns)
        self.command = command_of(planned, around.plan, self._folder / "nox.json")
        self.command_line = around.mask.text(command_line_of(planned, around.plan))
        self._before = stamps(around.root, self.gate)
        self._expected = ExpectedReports(around.root, self.gate.config, around.plan.config.junit)
        self._watcher = Watcher(around.clock)
        self._process = self._start(number)

    def _start(self, number: int) -> GateProcess | None:
        self._log.say(f"{self.command_line}")
        if not self.inject:
            self._log.say(witnesses.FALLBACK)
        try:
            environment = gate_environment(self.planned, number, self.around, self._folder, inject=self.inject)
            reserve(str(self._inbox.folder))
            return GateProcess(
                self.command,
                cwd=self.around.root / self.gate.config.cwd,
                environment=environment,
                keeper=self.around.keeper,
            )
        except OSError as error:
            place = f" ({error.filename})" if error.filename and error.errno in FULL else ""
            self._ended_by, self._why = (
                GateOutcome.COULD_NOT_RUN,
                f"cannot start {self.command[0]}: {error.strerror}{place}",
            )
            self._log.say(self._why)
            return None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """File descriptors that become ready when there is something to `poll`."""
        if self._process is None:
            return ()
        if self._process.exit_code is None and self._process.watch >= 0:
            return (self._process.watch,)  # output is read at every tick: a test's dot is not worth waking up for
        return (self._process.output,) if self._output_open else ()

    @property
    def chatty(self) -> bool:
        """Whether its output fills the pipe between ticks."""
        return self._taken >= CHATTY

    @property
    def plugin_was_refused(self) -> bool:
        """Whether it ended because the plugin was missing, and may start again without it, because nothing needs the plugin."""
        plan = self.around.plan
        asked = plan.effective_filter or plan.settings.test_timeout or is_demanded(self.gate.config.tests)
        return self._log.refused_plugin and self.inject and self._ended_by is None and not asked

    @property
    def expected(self) -> int:
        """Tests collected so far."""
        return self._inbox.expected

    def begun(self) -> list[tuple[int, dict[str, Any]]]:
        """Records of tests that started since the last call, each with the number of `tests` before it."""
        return self._inbox.begun()

    def slow(self) -> list[tuple[str, float]]:
        """Running tests that have completed another period."""
        return [] if self.done else self._inbox.slow(self.around.wall())

    @property
    def described(self) -> list[Described]:
        """Everything known about each test, if requested."""
        from gates.portable.filters.candidates import of_descriptions

        return [test for process in self._inbox.processes.values() for test in of_descriptions(process.described)]

    def end(self, outcome: GateOutcome, why: str, *, at_once: bool = False) -> None:
        """Ask the whole process tree to end; kill the rest after a grace period."""
        if self._process is None or self.done:
            return
        if self._ended_by is None:
            self._ended_by, self._why = outcome, why
            self._log.say(why)
        if at_once:
            self._process.signal_tree(signal.SIGKILL)
        elif self._kill_at is None:
            self._kill_at = self.around.clock() + TERM_GRACE
            self._process.signal_tree(signal.SIGTERM)

    def poll(self) -> list[TestResult]:
        """Read output, enforce limits, notice the end; return new results of tests."""
        # Read before the inbox but written after it: output of a test may contain a secret that its process reported earlier.
        output = self._output(self._process) if self._process is not None else b""
        landed = self._inbox.poll()
        self.tests += landed
        if self._inbox.moved:
            self._stall.moved()
        if self._process is None:
            return landed + self._finish()
        if output:
            self._log.feed(output)
        now = self.around.clock()
        if not self._process.ended():
            self._watcher.look(self._process.pid)
            self._keep_limits(self._process, now)
            return landed
        if self._drain_until is None:
            self._drain_until = now + DRAIN_GRACE
        if self._output_open and self._taken >= _AT_ONCE:
            return landed  # there is more to read
        if self._output_open and now < self._drain_until and (self._process.group_outlives() or self._process.strays()):
            return landed  # a process may still print
        return landed + self._finish()

    def _output(self, process: GateProcess) -> bytes:
        """The output of its processes, as much as fits into a tick."""
        parts: list[bytes] = []
        self._taken = 0
        while self._output_open and self._taken < _AT_ONCE:
            data = process.read()
            if data is None:
                self._output_open = False
            elif not data:
                break
            else:
                self._taken += len(data)
                parts.append(data)
        if parts:
            self._stall.moved()
        return b"".join(parts)

    def _keep_limits(self, process: GateProcess, now: float) -> None:
        if self._kill_at is not None:
            if now >= self._kill_at:
                process.signal_tree(signal.SIGKILL)
        elif now - self._started >= self.planned.timeout:
            limit = format_duration(self.planned.timeout)
            self.end(GateOutcome.TIMEOUT, f"timed out after {limit}: the gate and all its processes were ended")
        elif why := self._stall.why(self._inbox.processes.values()):
            for worker, stacks in (one for process in self._inbox.processes.values() for one in process.dumps.items()):
                self._log.say(f"the stacks{f' of {worker}' if worker else ''}, because nothing moves:\n{stacks}")
            self.end(GateOutcome.TIMEOUT, why)

    def _owns(self, pid: int) -> bool:
        return self._process is not None and (pid == self._process.pid or pid in self._process.strays())

    def _finish(self) -> list[TestResult]:
        duration = self.around.clock() - self._started
        exit_code, output = None, b""
        if self._process is not None:
            exit_code = self._process.exit_code
            output = self._output(self._process)
            self._watcher.look_behind(self._process.left_behind())
            self._stray = self._process.signal_tree(signal.SIGKILL)
        settled = self._inbox.settle(self._why or "the test process ended before the test did")
        self.tests += settled
        if self._process is not None:
            self._log.feed(output)
            self._process.close()
        self._log.close()
        self.result = self._conclude(exit_code, duration)
        self.done = True
        return settled

    def abandon(self) -> None:
        """End everything at once, without a result: the run itself cannot go on."""
        if self._process is not None and not self.done:
            self._process.signal_tree(signal.SIGKILL)
            self._process.reap()
            self._process.close()
            with suppress(EnvironmentProblem):  # often the reason why the run cannot go on
                self._log.close()
        self.done = True

    def _conclude(self, exit_code: int | None, duration: float) -> GateResult:
        counts = count_tests(self.tests) if self._inbox.processes or self.tests else None
        found, junit_tests = self._witnesses(exit_code, counts)
        if junit_tests and counts is None:
            self.tests += self.around.mask.results(junit_tests)
            counts = count_tests(junit_tests)
        outcome, inconsistent, reason = verdict.decide(found)
        around = self.around
        if not self.inject:
            reason = f"{reason}; {witnesses.FALLBACK}" if reason else witnesses.FALLBACK
        result = GateResult(
            name=self.gate.name,
            title=self.gate.title,
            kind=self.gate.kind,
            outcome=outcome,
            reason=reason,
            inconsistent=inconsistent,
            command=self.command,
            command_line=self.command_line,
            environment=self.gate.config.env,
            started=self._wall,
            duration=round(duration, 6),
            exit_code=exit_code,
            cpu=self._process.cpu if self._process else 0.0,
            warnings=self._log.warnings,
            log=f"{LOGS_FOLDER}/{self._log.path.name}",
            log_digest=self._log.digest,
            excerpt=excerpt_of(self._log.path, outcome, counts),
            witnesses=tuple(found),
            tests=counts,
            injected=bool(self._inbox.processes),
            tools=tool_versions(around.root, self.gate, self._inbox.processes.values()),
            reports=tuple(dict.fromkeys((*self.gate.config.junit, *self.gate.config.reports))),
            leaves=tuple(leaf for process in self._inbox.processes.values() for leaf in process.leaves),
            left_out=self._inbox.left_out(),
            stray=self._stray,
            workers=self._workers(),
            diagnostics=diagnostics_of(self.gate, around.root, self._log.path, outcome, self._before),
            coverage=coverage_of(self.gate, around.root, outcome, self._before),
            test_warnings=self._inbox.warnings(),
            peak=max((process.peak for process in self._inbox.processes.values()), default=0),
            imported=self._imported.places,
        )
        return around.mask.struct(result)

    @cached_property
    def _imported(self) -> Imported:
        """The imports of the project by its tests, once all of them have ended."""
        told = (process.imported for process in self._inbox.processes.values())
        return look_at_imports(told, self.around.root, self.around.checkout or self.around.root)

    def _workers(self) -> str:
        """The number of workers, and the reason."""
        most = max((int(process.start.get("workers") or 0) for process in self._inbox.processes.values()), default=0)
        chosen = most == self.planned.workers and self.planned.workers_reason
        return "" if not most else chosen or f"{most}, set by its command"

    def _witnesses(self, exit_code: int | None, counts: TestCounts | None) -> tuple[list[Witness], list[TestResult]]:
        found: list[Witness | None] = []
        if self._ended_by is not None:
            found.append(Witness(name=names.CLOCK, outcome=self._ended_by, detail=self._why))
        if self._process is not None:
            found.append(witnesses.exit_witness(exit_code, self.gate.kind, lost=self._process.lost))
            if self.gate.kind == "nox":
                found.append(
                    witnesses.nox_witness(_json(self._folder / "nox.json"), self.gate.signature, self._log.ending)
                )
        found.append(witnesses.own_word_witness(_json(self._folder / "outcome.json")))
        summaries = [process.summary for process in self._inbox.processes.values()]
        demanded = witnesses.is_demanded(self.gate.config.tests) and not any(
            witness is not None and witness.outcome in (GateOutcome.COULD_NOT_RUN, GateOutcome.SKIPPED)
            for witness in found
        )
        said = last_words(self._log.tail, str(self.around.root)) if exit_code else ""
        found.append(
            witnesses.results_witness(
                summaries, counts or TestCounts(), demanded, self.around.plan.settings.no_tests, self.tests, said
            )
        )
        junit_tests, witness = self._junit(counts)
        found.append(witness)
        found.append(self._ledger(bool(summaries)))
        found.append(witnesses.imports_witness(self._imported.places, self._imported.stale))
        found += self._injection(exit_code, has_tests=bool(junit_tests))
        found = witnesses.with_room(found, complaint(str(self._inbox.folder)), str(self.around.work.parent), counts)
        return [witness for witness in found if witness is not None], junit_tests

    def _injection(self, exit_code: int | None, *, has_tests: bool) -> list[Witness | None]:
        """Witnesses for a missing plugin, and for failures of test runners that the gate ignores."""
        processes = self._inbox.processes.values()
        spoken = frozenset(int(process.start.get("pid") or 0) for process in processes)
        unspoken, left = self._watcher.unspoken(spoken) if self.inject else ((), ())
        seen = msgspec.structs.replace(self._log.words.seen, processes=unspoken, left=left)
        if self.gate.config.tests == "none":
            return []
        if self._log.refused_plugin:
            return [witnesses.refusal_witness(self.gate.name)]
        own = not self.inject and (self._folder / JUNIT_FILE).exists()
        quotes = any(process.start.get("quotes") for process in processes)
        return [
            witnesses.unspoken_witness(
                self.gate.name,
                seen,
                len(processes) + own,
                quotes=quotes,
                excused=bool(exit_code) or self._ended_by is not None or (has_tests and not own),
            ),
            witnesses.runner_witness(seen, exit_code, quotes=quotes, has_tests=has_tests),
        ]

    def _junit(self, counts: TestCounts | None) -> tuple[list[TestResult], Witness | None]:
        """Read the JUnit files and check for the other reports that the gate was expected to write."""
        if not self.inject and (self._folder / JUNIT_FILE).exists():
            # The results in pytest's own JUnit, if the plugin could not be loaded.
            own = read_report(self._folder / JUNIT_FILE, self.gate.name, self.around.plan.config.junit)
            return list(own.results), witnesses.junit_witness(count_tests(own.results), own.problems, own.notes)
        demanded = self.gate.config.tests == "junit"
        if not self._expected:
            return [], witnesses.junit_witness(None, [_NO_JUNIT]) if demanded else None
        found = self._expected.read()
        problems = list(found.problems)
        if self._ended_by is not None:
            return list(found.results), None  # a stopped gate could not write them
        read = count_tests(found.results) if found.results else None
        if read is not None and counts is not None:
            fault = witnesses.agree(counts, read)
            problems += [fault] if fault else []
        if demanded and not found.results and not problems:
            problems.append(_NO_JUNIT)
        return list(found.results), witnesses.junit_witness(read, problems, found.notes)

    def _ledger(self, has_tests: bool) -> Witness | None:
        today = datetime.fromtimestamp(self.around.wall(), UTC).date()
        plan = self.around.plan
        return witnesses.ledger_witness(plan.exclusions, plan.quarantine, today) if has_tests else None


def _json(path: Path) -> Any:
    try:
        return msgspec.json.decode(read_bytes(path))
    except (OSError, msgspec.MsgspecError):
        return None
