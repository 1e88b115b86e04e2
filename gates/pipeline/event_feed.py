"""What happens in a run → the live events for other programs."""

from __future__ import annotations

import time
from collections.abc import Callable

from gates.results import Run
from gates.results.event_schema import Event, RunEnded, RunStarted, TestEnded
from gates.run.events import EngineEvent, TestsDescribed, TestsLanded

Put = Callable[[Event], None]


class Feed:
    """Forwards each event, in the order in which things happened."""

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
            RunEnded(
                time=self._wall(),
                run=run.id,
                outcome=run.outcome,
                exit_code=run.exit_code,
                duration=run.duration,
                tests=run.tests,
            )
        )

    def take(self, event: EngineEvent) -> None:
        """Forward an event of the run."""
        if isinstance(event, TestsLanded):
            for result in event.results:
                self._put(TestEnded(time=self._wall(), result=result))
        elif not isinstance(event, TestsDescribed):
            self._put(event)
