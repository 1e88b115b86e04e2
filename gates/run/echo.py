"""Shows what gates print as they print it, on the stream that the run itself speaks on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO


class Echo:
    """A text stream that gates' output goes through, too. What the run says begins a line of its own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._in_line = False

    def pour(self, data: bytes) -> None:
        """Show output as it is."""
        if not data:
            return
        self._stream.flush()
        self._stream.buffer.write(data)
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
