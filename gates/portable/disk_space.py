"""How a test process tells that its results do not fit on the disk: by a file that takes up its room beforehand.

The runner makes the file, so that even on a full disk a word can be written over it.

Standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

import errno

from .originals import open_anew, os
from .regular import read_bytes

NAME = "no-room"
SIZE = 4096
"""Bytes that are kept for the word: what a disk gives at once."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors that are the disk's fault, and nobody else's."""


def reserve(folder: str) -> None:
    """Keep room for a word.

    Raises:
        OSError: there is none by now.
    """
    with open_anew(os.path.join(folder, NAME)) as file:
        file.write(b" " * SIZE)


def complain(folder: str, error: OSError) -> None:
    """Say that something could not be written into the folder, if that is the disk's fault and nobody has said it."""
    if error.errno not in FULL:
        return
    try:
        descriptor = os.open(os.path.join(folder, NAME), os.O_WRONLY)
        try:
            os.write(descriptor, (error.strerror or "full").encode("utf-8", "replace")[:SIZE])
        finally:
            os.close(descriptor)
    except OSError:  # then nobody hears of it, and lost results are what they look like
        return


def complaint(folder: str) -> str:
    """What was said; empty where nothing was."""
    try:
        return read_bytes(os.path.join(folder, NAME)).decode("utf-8", "replace").strip()
    except OSError:
        return ""
