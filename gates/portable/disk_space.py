"""How a test process reports that its results do not fit on the disk: with a file that reserves space beforehand.

The runner makes the file, so that a message can overwrite it even on a full disk.

Standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

import errno

from .originals import open_anew, os
from .regular import read_bytes

NAME = "no-room"
SIZE = 4096
"""Bytes reserved for the message: one disk block."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors that are caused only by the disk."""


def reserve(folder: str) -> None:
    """Reserve space for a message.

    Raises:
        OSError: there is none left.
    """
    with open_anew(os.path.join(folder, NAME)) as file:
        file.write(b" " * SIZE)


def complain(folder: str, error: OSError) -> None:
    """Report that something could not be written to the folder, if the disk is at fault and that was not reported yet."""
    if error.errno not in FULL:
        return
    try:
        descriptor = os.open(os.path.join(folder, NAME), os.O_WRONLY)
        try:
            os.write(descriptor, (error.strerror or "full").encode("utf-8", "replace")[:SIZE])
        finally:
            os.close(descriptor)
    except OSError:  # then it goes unreported, and the results count as lost
        return


def complaint(folder: str) -> str:
    """The message; empty if there is none."""
    try:
        return read_bytes(os.path.join(folder, NAME)).decode("utf-8", "replace").strip()
    except OSError:
        return ""
