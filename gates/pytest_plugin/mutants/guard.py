"""Keeps a process with a fault from harm: a fault may turn "remove my temporary file" into "remove the user's".

A hook of Python's own audit sees each file that is opened, made, renamed or removed, and each signal that is sent. In
the process that records the tests it only notes what they write to. In a process with a fault, nothing may be written but
temporary files and what the tests also write to without the fault, and no signal may leave the session's processes.

What other programs do that the tests start is not seen here.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable
from typing import Any

from ...portable.originals import exists, os
from ...portable.regular import read_bytes

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_FIRST = (
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.utime",
    "shutil.rmtree",
    "sqlite3.connect",
)
_BOTH = ("os.rename", "os.link", "shutil.move")
_FOLDER_AT = {
    "os.remove": 1,
    "os.rmdir": 1,
    "os.mkdir": 2,
    "os.chmod": 2,
    "os.chown": 3,
    "os.utime": 3,
    "shutil.rmtree": 1,
    "os.symlink": 2,
}
"""Event → position of the descriptor of the folder that its path begins at."""


class Guard:
    """Notes or refuses what reaches beyond temporary files.

    Args:
        free: folders in which anything may be written.
        session: the process whose descendants may get signals.
        known: paths that the tests write to without a fault; None to note them.
    """

    def __init__(self, free: Iterable[str], session: int, known: Iterable[str] | None = None) -> None:
        self._free = tuple(f"{os.path.realpath(folder)}{os.sep}" for folder in (*free, "/dev", "/proc"))
        self._session, self._refuses = session, known is not None
        self.written: set[str] = set(known or ())
        self._folders = {os.path.dirname(path) for path in self.written}

    def install(self) -> None:
        """Begin. A hook of the audit cannot be removed: this is for processes that end soon."""
        sys.addaudithook(self.hear)

    def hear(self, event: str, told: tuple[Any, ...]) -> None:
        """Judge one event of the audit.

        Raises:
            PermissionError: a mutant may not do this.
        """
        if event == "open":
            if isinstance(told[2], int) and told[2] & _WRITES:
                self._touch(told[0], -1)
        elif event in _FIRST:
            self._touch(told[0], _descriptor(event, told))
        elif event in _BOTH:
            self._touch(told[0], told[2] if len(told) > 2 else -1)
            self._touch(told[1], told[3] if len(told) > 3 else -1)
        elif event == "os.symlink":
            self._touch(told[1], _descriptor(event, told))
        elif event in ("os.kill", "os.killpg") and self._refuses:
            self._signal(told[0], group=event == "os.killpg")

    def _touch(self, path: Any, folder: int) -> None:
        if isinstance(path, int) or path is None:
            return
        full = _full(os.fsdecode(path), folder)
        if full.startswith(self._free) or full in self.written:
            return
        parent = os.path.dirname(full)
        if not self._refuses or (parent in self._folders and not exists(full)):
            self.written.add(full)
            self._folders.add(parent)
            return
        raise PermissionError(errno.EACCES, "a mutant may only write where the tests also write without it", full)

    def _signal(self, pid: Any, *, group: bool) -> None:
        if pid == 0 or (group and pid == os.getpgid(0)):
            return
        if pid in (1, -1) or not _descends(abs(pid), self._session):
            raise PermissionError(errno.EPERM, "a mutant may only send signals to processes of its tests")


def _descriptor(event: str, told: tuple[Any, ...]) -> int:
    at = _FOLDER_AT.get(event, len(told))
    found = told[at] if len(told) > at else -1
    return found if isinstance(found, int) else -1


def _full(path: str, folder: int) -> str:
    """The real path of a file; of a link, that of the link itself."""
    if not os.path.isabs(path):
        start = ""
        if folder >= 0:
            try:
                start = os.readlink(f"/proc/self/fd/{folder}")
            except OSError:
                start = ""
        path = os.path.join(start or os.getcwd(), path)
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _descends(pid: int, ancestor: int) -> bool:
    """Whether a process, or the leader of a group, descends from another; true if it is gone, or the system does not say."""
    for _ in range(64):
        if pid == ancestor:
            return True
        try:
            fields = read_bytes(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        except OSError:
            return True
        pid = int(fields[1])
        if pid <= 1:
            return False
    return False
