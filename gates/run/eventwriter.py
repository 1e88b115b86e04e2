"""Writes live events where somebody may follow them. Whoever reads, or does not, the run goes on as fast as ever."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from gates.errors import UsageError
from gates.results.files import encoded
from gates.results.happenings import Dropped, RunFinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from gates.results.happenings import Happening

WAITING = 20_000
"""Events that wait for a slow reader; what comes then is dropped, and counted."""

LAST = 2.0
"""Seconds that the reader has for what is left when the run is over."""

TAKEN = {"-": "standard output", "1": "standard output", "2": "standard error"}
"""Targets to which the run itself speaks."""


class EventWriter:
    """Owns the descriptor. A thread writes, because a pipe that nobody reads would hold up whoever writes into it."""

    def __init__(self, target: str, wall: Callable[[], float] = time.time, waiting: int = WAITING) -> None:
        """Open the target.

        Args:
            target: a path, or the number of an open descriptor.
            wall: seconds since the epoch.
            waiting: events that are kept for a slow reader.

        Raises:
            UsageError: it cannot be opened, there is no such descriptor, or people read there.
        """
        if target in TAKEN:
            raise UsageError(
                f"{TAKEN[target]} is where the run is shown, so nothing else is written there",
                place=f"--events {target}",
                remedy="name a file, or another descriptor: --events 3 3>&1 >/dev/null",
            )
        self._wall, self._most = wall, waiting
        self._path: Path | None = None
        self._descriptor = -1
        self._open(target)
        self._queue: deque[Happening] = deque()
        self._dropped = 0
        self._gone = self._ending = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._write_all, name="gates-events", daemon=True)
        self._thread.start()

    def _open(self, target: str) -> None:
        try:
            if target.isdigit():
                self._descriptor = _writable_copy(int(target))
            elif Path(target).exists() and stat.S_ISFIFO(Path(target).stat().st_mode):
                self._path = _writable_fifo(target)  # opened by the thread: it waits for a reader
            else:
                self._descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        except (OSError, OverflowError) as error:
            words = getattr(error, "strerror", "") or str(error)
            raise UsageError(f"events cannot be written: {words}", place=f"--events {target}") from error

    def put(self, event: Happening) -> None:
        """Hand over an event; never waits. There is always room for the end of the run: followers wait for it."""
        with self._wake:
            if self._gone:
                return
            if len(self._queue) >= self._most and not isinstance(event, RunFinished):
                self._dropped += 1
                return
            if self._dropped:
                self._queue.append(Dropped(time=self._wall(), number=self._dropped))
                self._dropped = 0
            self._queue.append(event)
            self._wake.notify()

    def close(self) -> None:
        """No more events come; a reader that does not read is not waited for."""
        with self._wake:
            self._ending = True
            if self._dropped and not self._gone:
                self._queue.append(Dropped(time=self._wall(), number=self._dropped))
            self._wake.notify()
        self._thread.join(LAST)

    def _write_all(self) -> None:
        try:
            if self._path is not None:
                self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            while True:
                with self._wake:
                    while not self._queue and not self._ending:
                        self._wake.wait()
                    if not self._queue:
                        break
                    event = self._queue.popleft()
                self._write(encoded(event) + b"\n")
        except OSError as error:
            with self._wake:
                self._gone = True
                self._queue.clear()
            with suppress(OSError, ValueError):  # nobody may read standard error, either
                sys.stderr.write(f"gates: events are written no more: {error.strerror}\n")
        finally:
            if self._descriptor >= 0:
                with suppress(OSError):
                    os.close(self._descriptor)

    def _write(self, line: bytes) -> None:
        view = memoryview(line)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:  # a descriptor that does not wait by itself
                waiting = select.poll()
                waiting.register(self._descriptor, select.POLLOUT)
                waiting.poll()


def _writable_fifo(target: str) -> Path:
    # Not opened for a look: a reader that waits would see a writer that comes and goes, which is the end to it.
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return Path(target)


def _writable_copy(descriptor: int) -> int:
    """The descriptor once more, not to be inherited.

    Raises:
        OSError: there is no such descriptor, or it is only for reading.
    """
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, "the descriptor is open for reading only")
    return os.dup(descriptor)
