"""All output of the program goes through here, and never decides how the program ends.

If a terminal is closed, a disk is full, or a reader goes away, the first error silences the stream, and the writer
goes on. Everything that prints (progress, summaries, rich, click, tracebacks, Python at its exit) uses `sys.stdout` and
`sys.stderr`, so it is enough to put other streams there.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TextIO

from gates.cli.shown import Shown


class QuietOutput(io.RawIOBase):
    """A file descriptor for output that drops what it cannot write.

    Attributes:
        lost: why it no longer writes anything; None while it does.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.lost: OSError | None = None

    def writable(self) -> bool:
        """Always."""
        return True

    def fileno(self) -> int:
        """The descriptor, which stays open when this object is closed."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self.lost is None and os.isatty(self._descriptor)

    def write(self, data: object) -> int:
        """Write some of `data`, an object with a buffer from `io`, and return how much."""
        view = memoryview(data).cast("B")  # type: ignore[arg-type]
        while self.lost is None:
            try:
                return os.write(self._descriptor, view)
            except BlockingIOError:  # another process made it non-blocking
                import select

                waiting = select.poll()
                waiting.register(self._descriptor, select.POLLOUT)
                waiting.poll()
            except OSError as error:
                self.lost = error
        return len(view)


def open_missing() -> None:
    """Open closed standard descriptors on the null device: the next opened file would take their numbers."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one


def guard() -> QuietOutput:
    """Replace Python's standard streams, even closed ones, by quiet ones; return where standard output goes."""
    open_missing()
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    output = QuietOutput(1)
    if sys.stdout is sys.__stdout__:  # else a caller in the same process has replaced it
        sys.stdout = _text(output, sys.stdout, lines=output.isatty())
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(QuietOutput(2), sys.stderr, lines=True)
    return output


def _text(output: QuietOutput, before: TextIO | None, *, lines: bool) -> io.TextIOWrapper:
    encoding = before.encoding if before is not None else "utf-8"
    # A character that the stream cannot encode is shown as its number.
    return Shown(io.BufferedWriter(output), encoding, errors="backslashreplace", line_buffering=lines)


def loss(output: QuietOutput) -> OSError | None:
    """Why output was lost; None if nothing was, or if the reader stopped early (`| head`)."""
    sys.stdout.flush()
    return None if output.lost is None or output.lost.errno == errno.EPIPE else output.lost
