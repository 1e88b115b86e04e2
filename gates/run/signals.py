"""Turn Ctrl-C and SIGTERM into a request to the engine, which then ends and records everything in order."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Self


class StopRequest:
    """Catches signals while entered. The first asks for an orderly end, the second for an immediate one.

    A closing terminal sends several signals (from the system, then from its shell): they count as one.
    """

    _NAMES = ("SIGINT", "SIGTERM", "SIGHUP")

    def __init__(self) -> None:
        self.count = 0
        self.name = ""
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for name in self._NAMES:
            number = getattr(signal, name, None)
            # A background job of a shell ignores SIGINT on purpose (nohup ignores SIGHUP): keep that.
            if number is None or signal.getsignal(number) is signal.SIG_IGN:
                continue
            try:
                self._before[number] = signal.signal(number, self._take)
            except ValueError:  # not in the main thread: the caller handles signals
                return self
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # typeshed's private union
        self._before.clear()

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if number != getattr(signal, "SIGHUP", None) or not self.count:
            self.count += 1
        self.name = signal.Signals(number).name

    def why(self) -> str:
        """The reason to end; empty if there is none."""
        return f"interrupted by {self.name}" if self.count else ""

    def insists(self) -> bool:
        """Whether a second signal came."""
        return self.count > 1
