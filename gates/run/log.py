"""The log of a gate: the output of its processes, masked, counted and digested while being written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from gates.portable.patterns import lazy_pattern
from gates.portable.protocol import INJECTED_PACKAGE
from gates.run.sightings import Words
from gates.storage.streams import Stream

if TYPE_CHECKING:
    from gates.run.echo import Echo
    from gates.run.masking import StructMask

_WARNING = lazy_pattern(rb"warning:", re.IGNORECASE)
_REFUSED = f"No module named '{INJECTED_PACKAGE}".encode()
"""The message of a Python that ignores PYTHONPATH (`-I`, `-E`) when its pytest should load the plugin."""

_LONGEST_LINE = 1 << 20
"""Maximum bytes of a buffered line; a longer one is written in pieces."""

_OWN = b"gates > "
"""Prefix of lines by gates: a command line that mentions warnings is not a warning."""

_TAIL_LINES = 12
_ENDING_LINES = 200
_ENDING_CUT = 4096
"""Maximum bytes of each of the last lines."""


class GateLog:
    """Receives output in pieces and writes whole lines."""

    def __init__(self, stream: Stream, mask: StructMask, echo: Echo | None = None) -> None:
        """Begin a log.

        Args:
            stream: receives its lines.
            mask: hides secrets.
            echo: shows the output live.
        """
        self._echo, self._unseen = echo, b""
        self._stream = stream
        self.warnings = 0
        self.refused_plugin = False
        self.words = Words()
        self._mask = mask
        self._rest = b""
        self._ending: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Process the next piece of output.

        Raises:
            EnvironmentProblem: the log cannot be written.
        """
        if self._echo is not None:
            self._show(self._echo, data)
        data = self._rest + data
        end = data.rfind(b"\n") + 1
        if not end and len(data) > _LONGEST_LINE:
            end = self._mask.safe_end(data)
        self._rest = data[end:]
        if end:
            self._write(data[:end])

    def _show(self, echo: Echo, data: bytes, *, last: bool = False) -> None:
        """Show the part that cannot belong to an incomplete secret."""
        data = self._unseen + data
        end = len(data) if last else max(data.rfind(b"\n") + 1, self._mask.safe_end(data))
        self._unseen = data[end:]
        echo.pour(self._mask.data(data[:end]))

    def say(self, text: str) -> None:
        """Add a line by gates, marked as such."""
        self.feed((b"\n" if self._rest else b"") + _OWN + text.encode("utf-8", "backslashreplace") + b"\n")

    def _write(self, lines: bytes) -> None:
        lines = self._mask.data(lines)
        self.refused_plugin = self.refused_plugin or _REFUSED in lines
        self.words.take(lines)
        self.warnings += sum(1 for line in lines.splitlines() if _WARNING.search(line) and not line.startswith(_OWN))
        new = [line[:_ENDING_CUT] for line in lines.splitlines()[-_ENDING_LINES:]]
        self._ending = (self._ending + new)[-_ENDING_LINES:]
        self._stream.write(lines)

    def close(self) -> None:
        """Write the buffered rest, and end the file."""
        if self._echo is not None:
            self._show(self._echo, b"", last=True)
        try:
            if self._rest:
                rest, self._rest = self._rest, b""
                self._write(rest)
        finally:
            self._stream.close()

    @property
    def path(self) -> Path:
        """Its recorded file, where gates and tests do not write."""
        return self._stream.path

    @property
    def digest(self) -> str:
        """`sha256:…` of what was written so far."""
        return self._stream.digest.sha256

    @property
    def tail(self) -> str:
        """The last lines, for people."""
        return b"\n".join(self._ending[-_TAIL_LINES:]).decode("utf-8", "replace")

    @property
    def ending(self) -> str:
        """More of the last lines, for programs."""
        return b"\n".join(self._ending).decode("utf-8", "replace")
