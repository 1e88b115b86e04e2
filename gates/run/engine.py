"""Keep the slots filled: start gates when their needs have passed, watch them, and yield events."""

from __future__ import annotations

import select
from collections.abc import Callable, Iterator

import msgspec

from gates.config import Config
from gates.planning.plan import Plan, PlannedGate
from gates.portable.stream import Stop, reached
from gates.portable.values import BAD_TESTS, GateOutcome, format_duration, parse_max_fail
from gates.results import GateResult, TestResult
from gates.results.event_schema import GateEnded, GateStarted, TestsCollected, TestSlow, TestStarted
from gates.run.events import EngineEvent, TestsDescribed, TestsLanded
from gates.run.gate import RunningGate
from gates.run.guard import Guard
from gates.run.start import RunContext, not_started
from gates.vcs.watch import TreeChanges

GLOBAL_TIMEOUT = "global-timeout"
TICK = 0.1
"""Seconds between two checks of test results and limits; process ends and output are noticed at once."""


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of the engine besides the plan.

    Attributes:
        config: the project's.
        context: what all gates share.
        stopped: returns why the run must end, or an empty string; called at every tick.
        at_once: returns whether the user insisted: then there is no grace period.
        detailed: report every test that starts.
        look: returns what changed in the tree since its last call; None if nothing is validated.
    """

    config: Config
    context: RunContext
    stopped: Callable[[], str] = lambda: ""
    at_once: Callable[[], bool] = lambda: False
    detailed: bool = False
    look: Callable[[], TreeChanges] | None = None


class Engine:
    """Runs a plan. Iterate over `events`; `close` ends everything that is still running.

    Attributes:
        late: the run exceeded its time limit.
        guard: checks that gates do not change the subject.
    """

    def __init__(self, plan: Plan, settings: EngineOptions) -> None:
        self.plan, self.settings = plan, settings
        self._waiting = {item.gate.name: item for item in plan.gates}
        self._running: dict[str, RunningGate] = {}
        self._ended: dict[str, GateResult] = {}
        self._number = self._wrong = 0
        self.late = False
        self.guard = Guard(settings.look)

    def events(self) -> Iterator[EngineEvent]:
        """The events, until every planned gate has a result."""
        limit = self.plan.settings.global_timeout
        ends_at = None if limit is None else self.settings.context.clock() + limit
        while self._waiting or self._running:
            why = self.settings.stopped()
            if why:
                yield from self._stop(why)
            if ends_at is not None and limit is not None and self.settings.context.clock() >= ends_at:
                yield from self._end_late(limit)
            yield from self._start()
            before = len(self._ended)
            yield from self._poll()
            if len(self._ended) == before:  # else a slot is free and must not be idle
                self._wait()

    def close(self) -> None:
        """Kill everything that is still running, if the run itself cannot go on, including leftovers."""
        for gate in self._running.values():
            gate.abandon()
        self._running.clear()
        self.settings.context.keeper.close()

    def _stop(self, why: str) -> Iterator[EngineEvent]:
        for item in list(self._waiting.values()):
            yield self._end_unstarted(item, GateOutcome.INTERRUPTED, f"not started: {why}")
        for gate in self._running.values():
            gate.end(GateOutcome.INTERRUPTED, why, at_once=self.settings.at_once())

    def _end_late(self, limit: float) -> Iterator[EngineEvent]:
        self.late = True
        why = f"the run took longer than its {GLOBAL_TIMEOUT} of {format_duration(limit)}"
        for item in list(self._waiting.values()):
            yield self._end_unstarted(item, GateOutcome.SKIPPED, f"not started: {why}")
        for gate in self._running.values():
            gate.end(GateOutcome.TIMEOUT, why)

    def _start(self) -> Iterator[EngineEvent]:
        for name in self.plan.starts:
            item = self._waiting.get(name)
            if item is None:
                continue
            if self.guard.why_not:
                yield self._end_unstarted(item, GateOutcome.SKIPPED, f"not started: {self.guard.why_not}")
                continue
            unmet = [need for need in item.needs if need in self._ended and not _passed(self._ended[need])]
            if unmet and not item.despite_needs:
                outcomes = ", ".join(f"{need}: {self._ended[need].outcome}" for need in unmet)
                yield self._end_unstarted(item, GateOutcome.SKIPPED, f"needs a gate that did not pass ({outcomes})")
                continue
            if len(self._running) >= self.plan.jobs or any(need not in self._ended for need in item.needs):
                continue
            del self._waiting[name]
            self._number += 1
            self.guard.started(name)
            gate = self._running[name] = RunningGate(item, self._number, self.settings.context)
            workers = "" if self.plan.settings.no_capture else item.workers_said
            yield GateStarted(time=self._now(), gate=name, command_line=gate.command_line, workers=workers)

    def _poll(self) -> Iterator[EngineEvent]:
        for name, gate in list(self._running.items()):
            before, found = len(gate.tests), gate.inbox.expected
            gate.poll()
            if gate.done and gate.plugin_was_refused:
                self._running[name] = self._again(gate)
                continue
            yield from self._tests(name, gate, before, found)
            for test, seconds in gate.slow():
                yield TestSlow(time=self._now(), gate=name, test=test, seconds=seconds)
            if gate.done and self.settings.context.collect:
                yield TestsDescribed(name, tuple(gate.inbox.described))
            if gate.done and gate.result is not None:
                del self._running[name]
                yield self._end(self.guard.ended(gate.result, self._running))

    def _tests(self, name: str, gate: RunningGate, before: int, found: int) -> Iterator[EngineEvent]:
        """Test events since the last check, in order if starts are also reported."""
        begun = gate.inbox.begun()
        landed = tuple(gate.tests[before:])
        self._count(landed)
        if self.settings.detailed:
            if gate.inbox.expected > found:
                yield TestsCollected(time=self._now(), gate=name, tests=gate.inbox.expected)
            for number, record in begun:
                if number > before:
                    yield TestsLanded(name, tuple(gate.tests[before:number]), gate.inbox.expected)
                    before = number
                worker, time = str(record.get("worker", "")), float(record.get("time", 0.0))
                yield TestStarted(time=time, gate=name, test=record["id"], worker=worker)
        rest = tuple(gate.tests[before:])
        if rest:
            yield TestsLanded(name, rest, gate.inbox.expected)

    def _count(self, landed: tuple[TestResult, ...]) -> None:
        """Tell all test processes to start no more tests, once enough have failed."""
        if not self.plan.settings.max_fail:
            return
        most, mode = parse_max_fail(self.plan.settings.max_fail)
        before, self._wrong = self._wrong, self._wrong + sum(test.outcome in BAD_TESTS for test in landed)
        if before < most <= self._wrong:
            why = reached(most)
            Stop(str(self.settings.context.work)).say(why)
            if mode == "immediate":
                for gate in self._running.values():
                    if gate.inbox.expected:
                        gate.end(GateOutcome.FAILED, why)

    def _again(self, gate: RunningGate) -> RunningGate:
        """The gate, started again without the plugin."""
        self._number += 1
        return RunningGate(gate.planned, self._number, self.settings.context, inject=False)

    def _end_unstarted(self, item: PlannedGate, outcome: GateOutcome, reason: str) -> GateEnded:
        del self._waiting[item.gate.name]
        return self._end(not_started(item, self.plan, outcome, reason))

    def _end(self, result: GateResult) -> GateEnded:
        item = next(item for item in self.plan.gates if item.gate.name == result.name)
        by_name = {item.gate.name, item.gate.group} & set(self.settings.config.accept_could_not_run)
        if by_name and result.outcome is GateOutcome.COULD_NOT_RUN:
            result = msgspec.structs.replace(result, accepted=True)
        self._ended[result.name] = result
        return GateEnded(time=self._now(), result=result)

    def _now(self) -> float:
        return self.settings.context.wall()

    def _wait(self) -> None:
        descriptors = [number for gate in self._running.values() for number in gate.descriptors]
        if self._running and not any(gate.chatty for gate in self._running.values()):
            select.select(descriptors, [], [], TICK)


def _passed(result: GateResult) -> bool:
    return result.outcome is GateOutcome.PASSED or result.accepted
