"""Slots that processes share: each is a byte of a file, and the process that has locked the byte holds the slot.

The locks are the kernel's record locks. They belong to a process: the kernel releases them when it dies, however it
dies, and a forked child does not inherit them. So there is no daemon, and nothing is left behind.

Two rules keep every process from waiting forever:

1. One order. A process first takes its slot of a group, then those of the session's threads, and releases them in any
   order. A holder of threads waits for nothing, so it ends, and then so does every holder of a group.
2. A turnstile. The one process that is choosing slots holds byte 0; all others queue for it. So a test that needs
   many slots gets them as they become free, and no smaller one overtakes it.

Independent of pytest.
"""

from __future__ import annotations

import errno
from typing import Callable, Optional

from ...portable.originals import os, time

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

AVAILABLE = fcntl is not None
"""Whether this system has record locks."""

TURNSTILE = 0
PAUSE, LONGEST_PAUSE = 0.0005, 0.01
"""Seconds between two checks by the process at the turnstile: doubled from the first value up to the second."""


class Semaphore:
    """A number of slots in one file. A process must have no second object, and no other open file, of the same path.

    Args:
        path: of the file; created when first needed.
        size: how many there are.
    """

    def __init__(self, path: str, size: int) -> None:
        self.path, self.size = path, size
        self._lock = FileLock(path)
        self._held = 0

    def take(self, count: int, told: Optional[Callable[[], None]] = None) -> None:
        """Take slots, all at once; a number above the size means all of them. Returns when this process holds them.

        Args:
            count: how many.
            told: called once if it must wait.

        Raises:
            OSError: the file cannot be used.
        """
        assert not self._held, "slots are taken all at once"
        told = told or _nothing
        waits = not self._lock.take(TURNSTILE)
        if waits:
            told()
            self._lock.wait(TURNSTILE)
        try:
            self._choose(min(count, self.size), _nothing if waits else told)
        except BaseException:
            self._lock.give_back(1, self.size)
            self._held = 0
            raise
        finally:
            self._lock.give_back(TURNSTILE)

    def give_back(self) -> None:
        """Release all slots of this process."""
        if self._held:
            self._held = 0
            self._lock.give_back(1, self.size)

    def _choose(self, count: int, told: Callable[[], None]) -> None:
        """Gather slots while holding the turnstile: no other process can take one that becomes free."""
        missing = list(range(1, self.size + 1))
        pause = PAUSE
        while True:
            for slot in list(missing):
                if self._held == count:
                    return
                if self._lock.take(slot):
                    missing.remove(slot)
                    self._held += 1
            if self._held == count:
                return
            if pause == PAUSE:
                told()
            if count == self.size:
                self._lock.wait(
                    1, self.size
                )  # the kernel wakes this process; slots that it already holds do not matter
                self._held = count
                return
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


class FileLock:
    """Record locks of one file.

    Args:
        path: of the file; created when first needed.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = -1

    def take(self, start: int, length: int = 1) -> bool:
        """Lock bytes; return whether that was possible.

        Raises:
            OSError: the file cannot be used.
        """
        try:
            fcntl.lockf(self._open(), fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            raise
        return True

    def wait(self, start: int, length: int = 1) -> None:
        """Lock bytes as soon as no other process has one of them.

        Raises:
            OSError: the file cannot be used.
        """
        while True:
            try:
                fcntl.lockf(self._open(), fcntl.LOCK_EX, length, start)
            except OSError as error:
                if error.errno != errno.EDEADLK:
                    raise
                # The kernel also sees locks that tests themselves take, and treats a process as one thread.
                time.sleep(LONGEST_PAUSE)
            else:
                return

    def give_back(self, start: int, length: int = 1) -> None:
        """Unlock bytes."""
        fcntl.lockf(self._open(), fcntl.LOCK_UN, length, start)

    def close(self) -> None:
        """Unlock all bytes, and close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> int:
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        return self._descriptor


def _nothing() -> None:
    """Do nothing."""
