"""Read files from other programs: only regular files, and only up to a limit.

A FIFO waits forever for a writer, a device may never end, a socket cannot be read: using one of them as a
file gives an `OSError` that says so. Gates opens files for reading only through this module; a test checks this.

Standard library only, Python 3.9 syntax: see `values`.
"""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

from .originals import io, os

if TYPE_CHECKING:
    AnyPath = str | os.PathLike[str]

MOST = 1 << 30
"""Maximum bytes of a file that is read as a whole."""

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)


class NotRegular(OSError):
    """Something exists, but it is not a regular file."""


def open_file(path: AnyPath) -> io.BufferedReader:
    """Open a regular file for reading bytes.

    Raises:
        NotRegular: it is a FIFO, a socket, a device or a folder.
        OSError: it cannot be opened.
    """
    # Check first: even opening a device may have an effect.
    _need_regular(os.stat(path).st_mode, path)
    descriptor = os.open(path, _FLAGS)  # non-blocking, in case it is a FIFO by now
    try:
        _need_regular(os.fstat(descriptor).st_mode, path)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def open_text(path: AnyPath, encoding: str = "utf-8", errors: str = "strict") -> io.TextIOWrapper:
    """Open a regular file for reading text; otherwise as `open_file`."""
    return io.TextIOWrapper(open_file(path), encoding=encoding, errors=errors)


def read_bytes(path: AnyPath, most: int = MOST) -> bytes:
    """All bytes of a regular file.

    Raises:
        OSError: as `open_file`, or it has more bytes than `most`.
    """
    with open_file(path) as file:
        data = file.read() if os.fstat(file.fileno()).st_size <= most else None
    if data is None or len(data) > most:
        raise OSError(errno.EFBIG, f"is larger than {most >> 20} MiB", os.fspath(path))
    return data


def read_text(path: AnyPath, encoding: str = "utf-8", errors: str = "strict", most: int = MOST) -> str:
    """All text of a regular file, with newlines as line ends.

    Raises:
        OSError: as `read_bytes`.
        UnicodeDecodeError: it does not have this encoding.
    """
    with io.TextIOWrapper(io.BytesIO(read_bytes(path, most)), encoding=encoding, errors=errors) as file:
        return file.read()


def _need_regular(mode: int, path: AnyPath) -> None:
    if stat.S_ISREG(mode):
        return
    kind = next((name for is_it, name in _KINDS if is_it(mode)), "something else")
    raise NotRegular(errno.EINVAL, f"is {kind}, not a regular file", os.fspath(path))
