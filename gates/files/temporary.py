"""Temporary folders of gates, marked, and locked while in use: those of a killed run are cleaned up.

The mark is a file with a lock of the operating system, which ends with its process, however that ends. A folder without a
mark, a locked one, a link, or another user's folder stays, even with such a name.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from gates.portable.errors import EnvironmentProblem

PREFIX = "gates-"
MARK = ".made-by-gates"
ROOM = 1 << 16
"""Bytes that must fit into a temporary folder before anything starts in it."""


def temporary_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where temporary files go: the folder that the user named, usable or not, else the one that Python finds.

    Python alone would silently take another one, in the end even the project's own folder.

    Raises:
        EnvironmentProblem: there is none.
    """
    named = next((environ[name] for name in ("TMPDIR", "TEMP", "TMP") if environ.get(name)), "")
    if named:
        return Path(named).absolute()
    try:
        found = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise _problem(Path("/tmp"), error) from error  # noqa: S108
    if found == Path.cwd():
        raise _problem(Path("/tmp"), FileNotFoundError(errno.ENOENT, "it cannot be written")) from None  # noqa: S108
    return found


@contextmanager
def scratch(kind: str = "") -> Iterator[Path]:
    """A temporary folder, removed at the end.

    Args:
        kind: a word in its name, followed by a hyphen.

    Raises:
        EnvironmentProblem: it cannot be made, or its disk is full.
    """
    parent = temporary_folder()
    folder = None
    mark = -1
    try:
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{kind}", dir=parent))
            new = folder / f"{MARK}.new"
            mark = os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            fcntl.flock(mark, fcntl.LOCK_EX)
            new.rename(folder / MARK)  # locked before any other process can see it
            (folder / ".gitignore").write_text("*\n")  # if it is inside a project, git ignores it
            room = memoryview(bytes(ROOM))
            while room:  # a full disk shows itself as a short write first
                room = room[os.write(mark, room) :]
            os.ftruncate(mark, 0)
        except OSError as error:
            raise _problem(parent, error) from error
        yield folder
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        if mark >= 0:
            os.close(mark)


def sweep(parent: Path) -> None:
    """Remove temporary folders of gates that are no longer in use."""
    with suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    _remove_if_dead(entry.path)


def _remove_if_dead(path: str) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(folder).st_uid != os.geteuid():
            return
        mark = os.open(MARK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        try:
            found = os.fstat(mark)
            if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(mark)
    finally:
        os.close(folder)


def _problem(folder: Path, error: OSError) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"the temporary folder cannot be used: {error.strerror or error}",
        place=str(folder),
        remedy="free some space there, or name another one: TMPDIR=FOLDER",
    )
