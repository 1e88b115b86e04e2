"""The interface between the program and anything that runs gates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from gates.run.events import EngineEvent
from gates.run.guard import Guard


class Executor(Protocol):
    """Runs the gates of a plan. `Engine` does so in this process.

    Attributes:
        late: the run exceeded its time limit.
        guard: checks that gates do not change the subject.
    """

    late: bool
    guard: Guard

    def events(self) -> Iterator[EngineEvent]:
        """The events, until every planned gate has a result."""

    def close(self) -> None:
        """End everything that is still running."""
