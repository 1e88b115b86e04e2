"""Work in a folder without ever leaving it through a symbolic link, even one that appears meanwhile.

Every step below an open folder uses a descriptor, and no link is followed: so the place that was checked is the
place that is written to.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gates.files.digest import FileDigest
from gates.portable.errors import UsageError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIECE = 1 << 20


class Blocked(UsageError):
    """A step of a path is not a folder, but a symbolic link or a file."""


class Folder:
    """An open folder. Names are relative to it, with `/` between their parts."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self.descriptor = path, descriptor

    @classmethod
    def of(cls, path: Path) -> Folder:
        """Open a folder that the user named: only here are links followed.

        Raises:
            OSError: there is none.
        """
        return cls(path, os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it; calling this again does nothing."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1

    def below(self, name: str, made: list[str] | None = None) -> Folder:
        """Open a folder below this one.

        Args:
            name: its path; empty for this folder.
            made: missing folders are made, and their names are added here; None makes none.

        Raises:
            Blocked: a part of the path is a link or a file.
            OSError: it is missing, or cannot be made.
        """
        here = Folder(self.path, os.dup(self.descriptor))
        done: list[str] = []
        for part in (part for part in name.split("/") if part):
            done.append(_inside(here, part))
            try:
                if made is not None:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o777, dir_fd=here.descriptor)
                        made.append("/".join(done))
                descriptor = os.open(part, _FOLDER, dir_fd=here.descriptor)
            except OSError as error:
                blocked = _blocked(here, part)
                if blocked is not None:
                    raise blocked from error
                raise
            finally:
                here.close()
            here = Folder(here.path / part, descriptor)
        return here

    @contextmanager
    def _parent(self, name: str, made: list[str] | None = None) -> Iterator[tuple[int, str]]:
        above, _, last = name.rpartition("/")
        with self.below(above, made) as folder:
            yield folder.descriptor, _inside(folder, last)

    def about(self, name: str) -> os.stat_result | None:
        """The file or link itself, not the target of the link; None if there is nothing.

        Raises:
            Blocked: a part of the path above it is a link or a file.
        """
        try:
            with self._parent(name) as (parent, last):
                return os.stat(last, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def names(self) -> list[str]:
        """Its entries."""
        return sorted(os.listdir(self.descriptor))  # noqa: PTH208 (no path would do)

    def holds_file(self, name: str) -> bool:
        """Whether there is a regular file."""
        about = self.about(name)
        return about is not None and stat.S_ISREG(about.st_mode)

    def open(self, name: str, flags: int = os.O_RDONLY, made: list[str] | None = None) -> int:
        """Open a regular file, but never a FIFO, a device or the target of a link.

        Raises:
            Blocked: a part of the path above it is a link or a file.
            OSError: it cannot be opened, or is not a regular file.
        """
        # Non-blocking: opening a FIFO would wait for its other end.
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        with self._parent(name, made) as (parent, last):
            descriptor = os.open(last, flags, 0o644, dir_fd=parent)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(f"{self.path / name} is not a regular file")
        return descriptor

    def create(self, name: str, made: list[str] | None = None) -> int:
        """Create a new file, and open it to append.

        Raises:
            Blocked: a part of the path above it is a link or a file.
            OSError: something is already there, or it cannot be made.
        """
        return self.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, made)

    def reader(self, name: str) -> BinaryIO:
        """A regular file, to read. Raises as `open`."""
        return os.fdopen(self.open(name), "rb")

    def read(self, name: str) -> bytes:
        """The content of a regular file. Raises as `open`."""
        with self.reader(name) as file:
            return file.read()

    def digest(self, name: str, size: int | None = None) -> FileDigest:
        """The digest of a regular file, or of its first bytes. Raises as `open`."""
        found = hashlib.sha256()
        left = size
        number = 0
        with self.reader(name) as file:
            while data := file.read(_PIECE if left is None else min(left, _PIECE)):
                found.update(data)
                number += len(data)
                left = None if left is None else left - len(data)
        return FileDigest(size=number, sha256="sha256:" + found.hexdigest())

    def replace(self, aside: str, name: str) -> None:
        """Rename a file over another one in the same folder. A link there is replaced, not followed."""
        with self._parent(name) as (parent, last):
            os.rename(aside.rpartition("/")[2], last, src_dir_fd=parent, dst_dir_fd=parent)

    def move(self, name: str, to: str) -> None:
        """Move a file to another name, in a folder that is created if missing.

        Raises:
            Blocked: a part of a path is a link or a file.
            OSError: it cannot be moved.
        """
        with self._parent(name) as (parent, last), self._parent(to, []) as (new_parent, new):
            os.rename(last, new, src_dir_fd=parent, dst_dir_fd=new_parent)

    def put(self, name: str, data: bytes, made: list[str] | None = None) -> None:
        """Write a whole file, replacing any file or link there.

        Raises:
            Blocked: a part of the path above it is a link or a file.
            OSError: it cannot be written; nothing is left then.
        """
        above, _, last = name.rpartition("/")
        aside = f"{above}/.{last}.{os.urandom(6).hex()}" if above else f".{last}.{os.urandom(6).hex()}"
        try:
            write_all(self.create(aside, made), data)
            self.replace(aside, name)
        except OSError:
            self.remove(aside)
            raise

    def link(self, name: str, target: Path, made: list[str] | None = None) -> None:
        """Make a symbolic link, replacing any file or link there. Raises as `put`."""
        self.remove(name)
        with self._parent(name, made) as (parent, last):
            os.symlink(target, last, dir_fd=parent)

    def remove(self, name: str) -> None:
        """Remove a file or a link, but never its target; a missing file, or one behind a link, is ignored."""
        with suppress(OSError, Blocked), self._parent(name) as (parent, last):
            os.unlink(last, dir_fd=parent)

    def remove_empty(self, name: str) -> None:
        """Remove a folder if it is empty."""
        with suppress(OSError, Blocked), self._parent(name) as (parent, last):
            os.rmdir(last, dir_fd=parent)


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything and close; a full disk shows itself as a short write first.

    Raises:
        OSError: not everything could be written; the file is closed.
    """
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _inside(folder: Folder, part: str) -> str:
    """Take exactly one step downward."""
    if part in ("", ".", "..") or "/" in part or "\0" in part:
        raise Blocked("leads out of the folder", place=str(folder.path), expected="a name inside it", got=repr(part))
    return part


def _blocked(folder: Folder, part: str) -> Blocked | None:
    """The error for a step that is not a folder; None if the problem is something else."""
    with suppress(OSError):
        mode = os.stat(part, dir_fd=folder.descriptor, follow_symlinks=False).st_mode
        problem, got, remedy = "is not a folder", "a file", "move it away"
        if stat.S_ISLNK(mode):
            target = os.fsencode(os.readlink(part, dir_fd=folder.descriptor)).decode("utf-8", "backslashreplace")
            problem, got = "is a symbolic link, which gates never follows", f"a link to {target}"
            remedy = "remove the link, or move it away"
        if not stat.S_ISDIR(mode):
            place = str(folder.path / part)
            return Blocked(problem, place=place, expected="a folder, or nothing", got=got, remedy=remedy)
    return None


def open_within(root: Path | None, path: Path, made: list[Path] | None = None) -> Folder:
    """Open a folder: below `root` without following a link, elsewhere as the user named it.

    Args:
        root: the folder to work in.
        path: absolute path of the wanted folder.
        made: missing folders are made, and added here; None makes none.

    Raises:
        Blocked: a part of the path below `root` is a link or a file.
        OSError: it is missing, or cannot be made.
    """
    path = Path(os.path.normpath(path))
    for anchor in (root, root.resolve()) if root is not None else ():
        if path.is_relative_to(anchor):
            names: list[str] | None = [] if made is not None else None
            with Folder.of(anchor) as folder:
                try:
                    return folder.below(path.relative_to(anchor).as_posix().removeprefix("."), names)
                finally:
                    if made is not None:
                        made += [anchor / name for name in names or ()]
    if made is not None:
        missing = [one for one in (path, *path.parents) if not one.exists()]
        path.mkdir(parents=True, exist_ok=True)
        made += reversed(missing)
    return Folder.of(path)
