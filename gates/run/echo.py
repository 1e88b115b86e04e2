"""Shows what gates print as they print it, on the stream that the run itself speaks on."""

from __future__ import annotations

from typing import TextIO

from gates.portable.escapes import Commands
from gates.portable.patterns import lazy_pattern

_STRING = lazy_pattern("(?:\x1b|\xc2(?=[\x90\x98\x9d-\x9f]))([\\]P_^X\x90\x98\x9d-\x9f])")
"""What begins a message to a terminal: its title, its clipboard, links."""


class Echo:
    """A text stream that gates' output goes through, too. What the run says begins a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._in_line = False
        self._commands = Commands()

    def pour(self, data: bytes) -> None:
        """Show output as it is, colours and all, but for what commands a CI system, or a terminal to do more than show."""
        if not data:
            return
        text = _STRING.sub(r"\\x1b\1", self._commands.inert(data.decode("latin-1")))  # each byte as a character
        self._stream.flush()
        self._stream.buffer.write(text.encode("latin-1"))
        self._stream.buffer.flush()
        self._in_line = not data.endswith(b"\n")

    def write(self, text: str) -> int:
        """Say something."""
        begun, self._in_line = self._in_line, False
        return self._stream.write(f"\n{text}" if begun else text)

    def flush(self) -> None:
        """As of the stream."""
        self._stream.flush()

    @property
    def encoding(self) -> str:
        """As of the stream."""
        return self._stream.encoding
