"""Shows the output of gates live, on the stream that also shows the run."""

from __future__ import annotations

from typing import TextIO

from gates.portable.escapes import Commands
from gates.portable.patterns import lazy_pattern

_STRING = lazy_pattern("(?:\x1b|\xc2(?=[\x90\x98\x9d-\x9f]))([\\]P_^X\x90\x98\x9d-\x9f])")
"""The start of a control message to a terminal: title, clipboard, links."""


class Echo:
    """A text stream that also shows the output of gates. Messages of the run start on a new line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._in_line = False
        self._commands = Commands()

    def pour(self, data: bytes) -> None:
        """Show output unchanged, including colours, except commands to a CI system or to the terminal."""
        if not data:
            return
        text = _STRING.sub(r"\\x1b\1", self._commands.inert(data.decode("latin-1")))  # each byte as a character
        self._stream.flush()
        self._stream.buffer.write(text.encode("latin-1"))
        self._stream.buffer.flush()
        self._in_line = not data.endswith(b"\n")

    def write(self, text: str) -> int:
        """Write a message of the run."""
        begun, self._in_line = self._in_line, False
        return self._stream.write(f"\n{text}" if begun else text)

    def flush(self) -> None:
        """As for the stream."""
        self._stream.flush()

    @property
    def encoding(self) -> str:
        """As for the stream."""
        return self._stream.encoding
