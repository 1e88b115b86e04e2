"""What the rest of the program asks of whatever runs gates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from gates.run.events import EngineEvent
from gates.run.guard import Guard


class Executor(Protocol):
    """Runs the gates of a plan. `Engine` does it here and now.

    Attributes:
        late: the time of the whole run was over before it was done.
        guard: holds gates to the tree that is validated.
    """

    late: bool
    guard: Guard

    def events(self) -> Iterator[EngineEvent]:
        """What happens, until every planned gate has its result."""

    def close(self) -> None:
        """End what is still running."""
