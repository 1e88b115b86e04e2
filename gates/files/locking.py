"""Keep two runs apart with one lock, which the operating system holds, so that a killed run leaves none behind."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from gates.portable.errors import EnvironmentProblem


def take_lock(path: Path, busy: str) -> int:
    """Take the lock at `path`; return the file descriptor that holds it until it is closed.

    Args:
        path: created if missing. Only the holder of the lock may remove it.
        busy: what to say when another process holds it.

    Raises:
        EnvironmentProblem: another process holds it.
        OSError: the file cannot be made.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise EnvironmentProblem(busy, place=str(path), remedy="wait until it ends") from error
        if _lies_at(descriptor, path):
            return descriptor
        os.close(descriptor)  # its holder removed it between the two calls: no other process would see this lock


def _lies_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
