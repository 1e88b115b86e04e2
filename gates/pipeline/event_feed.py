"""What happens in a run → the events that others can follow."""

from __future__ import annotations

import time
from collections.abc import Callable

from gates.results import Run
from gates.results.event_schema import (
    Event,
    GateBegan,
    GateFinished,
    RunFinished,
    RunStarted,
    TestBegan,
    TestFinished,
    TestIsSlow,
    TestsCollected,
)
from gates.run.events import EngineEvent, GateEnded, GateStarted, TestsFound, TestsLanded, TestSlow, TestStarted

Put = Callable[[Event], None]


class Feed:
    """Hands each event on, in the order in which things happened."""

    def __init__(self, put: Put, wall: Callable[[], float] = time.time) -> None:
        self._put, self._wall = put, wall

    def begin(self, run: Run) -> None:
        """The run begins."""
        self._put(
            RunStarted(
                time=run.started,
                run=run.id,
                project=run.project,
                subject=run.subject,
                gates=run.planned,
                command_line=run.command_line,
            )
        )

    def end(self, run: Run) -> None:
        """The run is over, and its reports are written, or cannot be."""
        self._put(
            RunFinished(
                time=self._wall(),
                run=run.id,
                outcome=run.outcome,
                exit_code=run.exit_code,
                duration=run.duration,
                tests=run.tests,
            )
        )

    def take(self, event: EngineEvent) -> None:
        """Something happened."""
        now = self._wall()
        if isinstance(event, GateStarted):
            self._put(GateBegan(time=now, gate=event.gate, command_line=event.command_line, workers=event.workers))
        elif isinstance(event, TestsFound):
            self._put(TestsCollected(time=now, gate=event.gate, tests=event.number))
        elif isinstance(event, TestStarted):
            self._put(TestBegan(time=event.time, gate=event.gate, test=event.test, worker=event.worker))
        elif isinstance(event, TestsLanded):
            for result in event.results:
                self._put(TestFinished(time=now, result=result))
        elif isinstance(event, TestSlow):
            self._put(TestIsSlow(time=now, gate=event.gate, test=event.test, seconds=event.seconds))
        elif isinstance(event, GateEnded):
            self._put(GateFinished(time=now, result=event.result))
