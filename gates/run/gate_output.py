"""Read the output of a gate's processes, as much as fits into a tick."""

from __future__ import annotations

from gates.run.processes import GateProcess

CHATTY = 1 << 18
"""If a gate prints more bytes than this between two ticks, its output is read at once."""
_AT_ONCE = 1 << 22
"""Maximum bytes of output per read."""

DRAIN_GRACE = 1.0
"""Seconds to wait for output after the first process ended: later output of a stray child does not belong to the gate."""


class GateOutput:
    """The output of a gate's processes.

    Attributes:
        is_open: a process may still print.
        taken: bytes of the last read.
    """

    def __init__(self, process: GateProcess) -> None:
        self._process = process
        self._drain_until: float | None = None
        self.is_open = True
        self.taken = 0

    def read(self) -> bytes:
        """The output since the last read."""
        parts: list[bytes] = []
        self.taken = 0
        while self.is_open and self.taken < _AT_ONCE:
            data = self._process.read()
            if data is None:
                self.is_open = False
            elif not data:
                break
            else:
                self.taken += len(data)
                parts.append(data)
        return b"".join(parts)

    def may_go_on(self, now: float) -> bool:
        """Whether there may be more to read, although the first process has ended."""
        if self._drain_until is None:
            self._drain_until = now + DRAIN_GRACE
        if not self.is_open:
            return False
        if self.taken >= _AT_ONCE:
            return True
        return now < self._drain_until and bool(self._process.group_outlives() or self._process.strays())
