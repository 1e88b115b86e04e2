"""One gate from its start to its result: output, test results, timeout, end of its process tree, witnesses."""

from __future__ import annotations

import signal
from contextlib import suppress

import msgspec

from gates.planning.plan import PlannedGate
from gates.portable.disk_space import FULL, reserve
from gates.portable.errors import EnvironmentProblem
from gates.portable.values import GateOutcome, format_duration
from gates.results import GateResult, TestResult
from gates.run import witnesses
from gates.run.artifacts import stamps
from gates.run.asking import asked_by
from gates.run.conclusion import Conclusion, GateRemains
from gates.run.ending import Ending
from gates.run.gate_output import CHATTY, GateOutput
from gates.run.inbox import Inbox
from gates.run.log import GateLog
from gates.run.processes import GateProcess
from gates.run.programs import Programs
from gates.run.reports import ExpectedReports
from gates.run.sightings import Watcher
from gates.run.stall import Stall, patience_of
from gates.run.start import RunContext, command_line_of, command_of, gate_environment, log_names
from gates.run.witnesses import is_demanded


class RunningGate:
    """A started gate. `poll` advances it; when `done`, `result` has its result."""

    def __init__(self, planned: PlannedGate, number: int, context: RunContext, *, inject: bool = True) -> None:
        """Start the gate.

        Args:
            planned: what to run.
            number: of the start, unique in the run.
            context: what all gates share.
            inject: False if the plugin could not be loaded: then pytest's own JUnit is used.

        Raises:
            EnvironmentProblem: its log cannot be written.
        """
        self.planned, self.context, self.inject, self.number = planned, context, inject, number
        self.gate = planned.gate
        self.done = False
        self.result: GateResult | None = None
        self._concluded: GateResult | None = None
        self._programs: Programs | None = None
        self.tests: list[TestResult] = []
        self._folder = context.work / f"gate-{number}"
        self.inbox = Inbox(self.gate.name, self._folder / "inbox", context.mask)
        self.inbox.folder.mkdir(parents=True)
        self._log = GateLog(context.logs(log_names(context.plan)[self.gate.name]), context.mask, context.echo)
        self._started, self._wall = context.clock(), context.wall()
        self._ending = Ending(self._log, context.clock)
        seconds = patience_of(context.plan.settings.stall_timeout, planned.timeout)
        self._stall = Stall(seconds, context.clock, context.wall, self._owns)
        self.command = command_of(planned, context.plan, self._folder / "nox.json")
        self.command_line = context.mask.text(command_line_of(planned, context.plan))
        self._before = stamps(context.root, self.gate)
        self._expected = ExpectedReports(context.root, self.gate.config, context.plan.config.junit)
        self._watcher = Watcher(context.clock)
        self._process = self._start(number)
        self._output = GateOutput(self._process) if self._process is not None else None

    def _start(self, number: int) -> GateProcess | None:
        self._log.say(f"{self.command_line}")
        if not self.inject:
            self._log.say(witnesses.FALLBACK)
        try:
            environment = gate_environment(self.planned, number, self.context, self._folder, inject=self.inject)
            reserve(str(self.inbox.folder))
            return GateProcess(
                self.command,
                cwd=self.context.root / self.gate.config.cwd,
                environment=environment,
                keeper=self.context.keeper,
            )
        except OSError as error:
            place = f" ({error.filename})" if error.filename and error.errno in FULL else ""
            self._ending.settle(GateOutcome.COULD_NOT_RUN, f"cannot start {self.command[0]}: {error.strerror}{place}")
            return None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """File descriptors that become ready when there is something to `poll`."""
        if self._programs is not None:
            return self._programs.descriptors
        if self._process is None:
            return ()
        if self._process.exit_code is None and self._process.watch >= 0:
            return (self._process.watch,)  # output is read at every tick: a test's dot is not worth waking up for
        return (self._process.output,) if self._output is not None and self._output.is_open else ()

    @property
    def chatty(self) -> bool:
        """Whether its output fills the pipe between ticks."""
        return self._programs is None and self._output is not None and self._output.taken >= CHATTY

    @property
    def plugin_was_refused(self) -> bool:
        """Whether it ended because the plugin was missing, and may start again without it, because nothing needs the plugin."""
        plan = self.context.plan
        asked = plan.effective_filter or plan.settings.test_timeout or is_demanded(self.gate.config.tests)
        return self._log.refused_plugin and self.inject and self._ending.outcome is None and not asked

    def slow(self) -> list[tuple[str, float]]:
        """Running tests that have completed another period."""
        return [] if self.done else self.inbox.slow(self.context.wall())

    def end(self, outcome: GateOutcome, why: str, *, at_once: bool = False) -> None:
        """Ask the whole process tree to end; kill the rest after a grace period."""
        if self._programs is not None:
            self._programs.give_up()
        elif self._process is not None and not self.done:
            self._ending.ask(self._process, outcome, why, at_once=at_once)

    def poll(self) -> list[TestResult]:
        """Read output, enforce limits, notice the end; return new results of tests."""
        # Read before the inbox but written after it: output of a test may contain a secret that its process reported earlier.
        output = self._read()
        landed = self.inbox.poll()
        self.tests += landed
        if self.inbox.moved:
            self._stall.moved()
        if self._programs is not None:
            self._hear(self._programs)
            return landed
        if self._process is None or self._output is None:
            return landed + self._finish()
        if output:
            self._log.feed(output)
        now = self.context.clock()
        if not self._process.ended():
            self._watcher.look(self._process.pid)
            self._keep_limits(self._process, now)
            return landed
        return landed if self._output.may_go_on(now) else landed + self._finish()

    def _read(self) -> bytes:
        output = self._output.read() if self._output is not None else b""
        if output:
            self._stall.moved()
        return output

    def _keep_limits(self, process: GateProcess, now: float) -> None:
        if self._ending.is_asked:
            self._ending.insist(process, now)
        elif now - self._started >= self.planned.timeout:
            limit = format_duration(self.planned.timeout)
            self.end(GateOutcome.TIMEOUT, f"timed out after {limit}: the gate and all its processes were ended")
        elif why := self._stall.why(self.inbox.processes.values()):
            for worker, stacks in (one for process in self.inbox.processes.values() for one in process.dumps.items()):
                self._log.say(f"the stacks{f' of {worker}' if worker else ''}, because nothing moves:\n{stacks}")
            self.end(GateOutcome.TIMEOUT, why)

    def _owns(self, pid: int) -> bool:
        return self._process is not None and (pid == self._process.pid or pid in self._process.strays())

    def _finish(self) -> list[TestResult]:
        duration, process = self.context.clock() - self._started, self._process
        exit_code, stray, output = None, 0, b""
        if process is not None:
            exit_code = process.exit_code
            output = self._read()
            self._watcher.look_behind(process.left_behind())
            stray = process.signal_tree(signal.SIGKILL)
        settled = self.inbox.settle(self._ending.why or "the test process ended before the test did")
        self.tests += settled
        if process is not None:
            self._log.feed(output)
            process.close()
        self._log.close()
        left = GateRemains(
            planned=self.planned,
            context=self.context,
            inject=self.inject,
            folder=self._folder,
            command=self.command,
            command_line=self.command_line,
            inbox=self.inbox,
            log=self._log,
            watcher=self._watcher,
            before=self._before,
            expected=self._expected,
            wall=self._wall,
            duration=duration,
            ended_by=self._ending.outcome,
            why=self._ending.why,
            exit_code=exit_code,
            lost=process.lost if process is not None else None,
            cpu=process.cpu if process is not None else 0.0,
            stray=stray,
        )
        conclusion = Conclusion(left, self.tests)
        self.tests, self._concluded = conclusion.tests, conclusion.result
        self._programs = asked_by(self.planned, self.context, self.number, conclusion.result, self._log.words.nox)
        self._hear(self._programs)
        return settled

    def _hear(self, programs: Programs) -> None:
        """The gate has a result, which only misses the versions of its programs."""
        if programs.poll() and self._concluded is not None:
            mask = self.context.mask.text
            versions = {mask(name): mask(text) for name, text in programs.versions.items()}
            self.result, self.done = msgspec.structs.replace(self._concluded, programs=versions), True

    def abandon(self) -> None:
        """End everything at once, without a result: the run itself cannot go on."""
        if self._programs is not None:
            self._programs.give_up()
        elif self._process is not None and not self.done:
            self._process.signal_tree(signal.SIGKILL)
            self._process.reap()
            self._process.close()
            with suppress(EnvironmentProblem):  # often the reason why the run cannot go on
                self._log.close()
        self.done = True
