"""A file that grows during a run: recorded first, then published, and digested meanwhile."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from gates.files.digest import FileDigest
from gates.results.files import reports_problem


class Stream:
    """Takes data in pieces.

    Attributes:
        path: the recorded file.
        live: descriptor of its copy in the reports folder; -1 for none.
    """

    def __init__(self, path: Path, live: int = -1) -> None:
        """Begin the file.

        Raises:
            EnvironmentProblem: it cannot be made.
        """
        self.path, self.live = path, live
        self._size, self._hash = 0, hashlib.sha256()
        try:
            # The content of the folder is of an attempt that is repeated. A link is never followed.
            path.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(path, flags, 0o644)
        except OSError as error:
            raise reports_problem(path, error) from error

    @property
    def name(self) -> str:
        """Name of the file, without folders."""
        return self.path.name

    @property
    def digest(self) -> FileDigest:
        """Of what was written so far, computed in memory."""
        return FileDigest(size=self._size, sha256="sha256:" + self._hash.hexdigest())

    def write(self, data: bytes) -> None:
        """Append data to both, or to none.

        Raises:
            EnvironmentProblem: no space; the files end where they ended before.
        """
        _append(self._file, data, self._size, self.path)
        self._size += len(data)
        self._hash.update(data)
        if self.live >= 0:
            _append(self.live, data, None, self.path)

    def close(self) -> None:
        """Close both files; calling this again does nothing."""
        for descriptor in (self._file, self.live):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self.live = -1


Begin = Callable[[str], Stream]
"""Begins the file of a log, by its name."""


def streams_in(folder: Path) -> Begin:
    """Logs of a run without reports: they are only in a temporary folder."""
    return lambda name: Stream(folder / name)


def _append(descriptor: int, data: bytes, size: int | None, path: Path) -> None:
    before = os.fstat(descriptor).st_size if size is None else size
    try:
        rest = memoryview(data)
        while rest:  # a full disk first causes a short write; writing the rest then gives the actual error
            rest = rest[os.write(descriptor, rest) :]
    except OSError as error:
        with suppress(OSError):
            os.ftruncate(descriptor, before)
        raise reports_problem(path, error) from error
