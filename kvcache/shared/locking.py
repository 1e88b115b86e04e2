"""Lock a file for one writer, and ask whether there is one. The lock goes with the last descriptor of the open file, so with its process."""

from __future__ import annotations

import fcntl
import os
import struct
from typing import Final

_FORM: Final = "hh4xqqi4x"
"""The system's `struct flock` where addresses have 64 bits: type, whence, start, length, process."""


def lock(file: int) -> bool:
    """Take the lock; False where another process has it.

    Unlike others, locks of an open file (`F_OFD_SETLK`) are neither lost when the process closes another descriptor of the file, nor taken by asking.
    """
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack(_FORM, fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0))
    except (BlockingIOError, PermissionError):
        return False
    return True


def is_locked(file: int) -> bool:
    """Whether another process has the lock."""
    asked = struct.pack(_FORM, fcntl.F_RDLCK, os.SEEK_SET, 0, 1, 0)
    (kind, *_) = struct.unpack(_FORM, fcntl.fcntl(file, fcntl.F_OFD_GETLK, asked))
    return bool(kind != fcntl.F_UNLCK)
