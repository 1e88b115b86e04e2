"""Writes live events for other programs, without ever slowing down the run."""

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
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from gates.files.folders import open_within
from gates.portable.errors import UsageError
from gates.portable.patterns import lazy_pattern
from gates.results.event_schema import AnyEvent, Event, EventsDropped, RunEnded
from gates.results.files import encoded

WAITING = 20_000
"""Maximum number of events waiting for a slow reader; further ones are dropped and counted."""

LAST = 2.0
"""Seconds that the reader has for the remaining events after the run."""

TAKEN = {"-": "standard output", "1": "standard output", "2": "standard error"}
"""Targets that show the run itself."""

_DESCRIPTOR = lazy_pattern(r"/(?:dev|proc/self)/(?:fd/(\d+)|(stdout)|(stderr))")
"""Paths that mean descriptors: opening a file behind one again would overwrite it from the beginning."""

_FIRST = 1 << 20
"""The first event of a file must end within this many bytes."""


class EventWriter:
    """Owns the descriptor. A thread writes, because a pipe that is not read blocks its writer."""

    def __init__(
        self,
        target: str,
        wall: Callable[[], float] = time.time,
        waiting: int = WAITING,
        root: Path | None = None,
    ) -> None:
        """Open the target.

        Args:
            target: a path, or the number of an open descriptor.
            wall: seconds since the epoch.
            waiting: how many events are kept for a slow reader.
            root: the project's folder: inside it, no link is followed.

        Raises:
            UsageError: it cannot be opened, there is no such descriptor, it shows the run, or an existing file
                holds no events.
        """
        named = _descriptor_of(target)
        if named in TAKEN:
            raise UsageError(
                f"{TAKEN[named]} shows the run, so events cannot be written there",
                place=f"--events {target}",
                remedy="name a file, or another descriptor: --events 3 3>&1 >/dev/null",
            )
        self._wall, self._most = wall, waiting
        self._path: Path | None = None
        self._descriptor = -1
        self._open(named, root)
        self._queue: deque[Event] = deque()
        self._dropped = 0
        self._gone = self._ending = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._write_all, name="gates-events", daemon=True)
        self._thread.start()

    def _open(self, target: str, root: Path | None) -> None:
        try:
            if target.isdigit():
                self._descriptor = _writable_copy(int(target))
                return
            kind = Path(target).stat().st_mode if Path(target).exists() else 0
            if stat.S_ISFIFO(kind):
                self._path = _writable_fifo(target)  # the thread opens it, because that waits for a reader
            elif stat.S_ISCHR(kind):
                self._descriptor = os.open(target, os.O_WRONLY | os.O_CLOEXEC)
            else:
                self._descriptor = _own_file(Path(target).absolute(), root)
        except (OSError, OverflowError) as error:
            words = getattr(error, "strerror", "") or str(error)
            raise UsageError(f"events cannot be written: {words}", place=f"--events {target}") from error

    def put(self, event: Event) -> None:
        """Queue an event; never waits. There is always room for the end of the run, because readers wait for it."""
        with self._wake:
            if self._gone:
                return
            if len(self._queue) >= self._most and not isinstance(event, RunEnded):
                self._dropped += 1
                return
            if self._dropped:
                self._queue.append(EventsDropped(time=self._wall(), number=self._dropped))
                self._dropped = 0
            self._queue.append(event)
            self._wake.notify()

    def close(self) -> None:
        """End the stream, without waiting for a reader that does not read."""
        with self._wake:
            self._ending = True
            if self._dropped and not self._gone:
                self._queue.append(EventsDropped(time=self._wall(), number=self._dropped))
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
            with suppress(OSError, ValueError):  # standard error may have no reader, either
                sys.stderr.write(f"gates: no more events are written: {error.strerror}\n")
        finally:
            if self._descriptor >= 0:
                with suppress(OSError):
                    os.close(self._descriptor)

    def _write(self, line: bytes) -> None:
        view = memoryview(line)
        while view:
            try:
                view = view[os.write(self._descriptor, view) :]
            except BlockingIOError:  # a non-blocking descriptor
                waiting = select.poll()
                waiting.register(self._descriptor, select.POLLOUT)
                waiting.poll()


def _descriptor_of(target: str) -> str:
    found = _DESCRIPTOR.fullmatch(target)
    if found is None:
        return target
    return found[1] or ("1" if found[2] else "2")


def _own_file(path: Path, root: Path | None) -> int:
    """Open a file that is missing, is empty, or contains events of an earlier run: no other file is overwritten.

    Raises:
        UsageError: it contains something else, or is a link.
        OSError: it cannot be opened.
    """
    with open_within(root, path.parent) as folder:
        about = folder.about(path.name)
        if about is None:
            return folder.create(path.name)
        if stat.S_ISLNK(about.st_mode):
            raise UsageError(
                "events are never written through a symbolic link",
                place=str(path),
                expected="a file, or nothing",
                got=f"a link to {os.fsencode(path.readlink()).decode('utf-8', 'backslashreplace')}",
                remedy="remove the link, or name another file",
            )
        descriptor = folder.open(path.name, os.O_RDWR)
    first, newline, _ = os.pread(descriptor, _FIRST, 0).partition(b"\n")
    try:
        if first or newline:
            msgspec.json.decode(first, type=AnyEvent)
    except ValueError as error:
        os.close(descriptor)
        raise UsageError(
            "a file that holds no events is already there, and is not overwritten",
            place=str(path),
            expected="no file, an empty one, or the events of an earlier run",
            remedy="move it away, or name another file",
        ) from error
    os.ftruncate(descriptor, 0)
    return descriptor


def _writable_fifo(target: str) -> Path:
    # Not opened just to check: a waiting reader would see the writer come and go, and take that for the end.
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return Path(target)


def _writable_copy(descriptor: int) -> int:
    """A duplicate of the descriptor that is not inherited.

    Raises:
        OSError: there is no such descriptor, or it is only for reading.
    """
    if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, "the descriptor is open for reading only")
    return os.dup(descriptor)
