"""Keep two runs apart: one lock, held by the operating system, so that a killed run leaves none behind."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from gates.errors import EnvironmentProblem

if TYPE_CHECKING:
    from pathlib import Path


def take_lock(path: Path, busy: str) -> int:
    """Take the lock at `path`; the file descriptor that holds it until it is closed.

    Args:
        path: made if it is not there; it stays, for removing it would let two in at once.
        busy: what to say when another process holds it.

    Raises:
        EnvironmentProblem: another process holds it.
        OSError: the file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise EnvironmentProblem(busy, place=str(path), remedy="wait until it ends") from error
    return descriptor
