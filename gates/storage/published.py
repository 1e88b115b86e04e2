"""The published side of a run's reports: what is in the folder, whether it is unchanged, and how it gets there."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gates.files.digest import FileDigest
from gates.files.folders import Blocked, Folder, open_within, write_all
from gates.portable.errors import EnvironmentProblem
from gates.portable.regular import open_file
from gates.results.files import reports_problem
from gates.storage.records import ASIDE, OpenRecord, aside_of

IGNORE = ".gitignore"

_MOVED = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE, errno.EEXIST, errno.EISDIR)
"""A gate removed or replaced something in the folder: the recorded files are published again at the end."""


class Published:
    """An open reports folder, for exclusive use.

    Attributes:
        path: the folder.
        made: folders that were created on the way, including the folder itself if it was missing.
        subfolders: names of folders that were made in it.
        disturbed: name → how a file of this run was changed by others.
    """

    def __init__(self, path: Path, root: Path | None) -> None:
        """Open the folder, creating it if missing.

        Args:
            path: the folder.
            root: the project's folder: inside it, no link is followed.

        Raises:
            Blocked: it is behind a link.
            EnvironmentProblem: it cannot be opened, or another run writes there.
        """
        self._asked, self._root = path, root
        self.made: list[Path] = []
        self.subfolders: list[str] = []
        self.disturbed: dict[str, str] = {}
        self._stamps: dict[str, tuple[int, ...]] = {}
        self.folder = self._entered()
        self.path = self.folder.path.resolve()

    def _entered(self) -> Folder:
        made: list[Path] = []
        try:
            folder = open_within(self._root, self._asked, made)
        except OSError as error:
            raise reports_problem(self._asked, error) from error
        try:
            fcntl.flock(folder.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            folder.close()
            raise busy(self._asked) from error
        except OSError:  # some systems cannot lock folders; the lock of the record remains
            pass
        if made:  # created by gates: git should not see it as a change of the project
            with suppress(OSError):
                write_all(folder.create(IGNORE), b"*\n")
        self.made += [one.resolve() for one in made]
        return folder

    def close(self) -> None:
        """Close the folder."""
        self.folder.close()

    def enter_again(self) -> None:
        """Continue in the folder that is there now, if the opened one was removed or moved. Raises as when opened."""
        with suppress(OSError, Blocked), open_within(self._root, self._asked) as now:
            if os.path.samestat(os.fstat(now.descriptor), os.fstat(self.folder.descriptor)):
                return
        old, self.folder = self.folder, self._entered()
        old.close()

    # The content of the folder

    def _stamp(self, name: str) -> tuple[int, ...] | None:
        """A value that changes with every change of a file; None if it does not exist."""
        try:
            about = self.folder.about(name)
        except Blocked:
            return (0,)
        return about and (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)

    def trust(self, name: str) -> None:
        """Accept the current file as the published one."""
        stamp = self._stamp(name)
        if stamp is not None:
            self._stamps[name] = stamp

    def compare(self, name: str, written: FileDigest) -> str:
        """How a file changed, in one word; empty if it is unchanged."""
        try:
            return "" if self.folder.digest(name) == written else "changed"
        except FileNotFoundError:
            return "deleted"
        except (OSError, Blocked):
            return "replaced"

    def make_free(self, name: str, record: OpenRecord) -> None:
        """Before replacing a file, move aside what other programs put there meanwhile.

        Raises:
            OSError: it cannot be moved.
            Blocked: its folder was replaced by a link or a file.
        """
        stamp = self._stamp(name)
        if stamp is None or stamp == self._stamps.get(name):
            return
        if record.wrote(self.folder, name):
            return  # touched, but unchanged
        self.disturbed.setdefault(name, "changed" if name in self._stamps else "written by another program")
        # A link need not be kept: the rename replaces the link itself.
        if self.folder.holds_file(name):
            self.folder.move(name, f"{ASIDE}{record.run}/{name}")

    # Publishing

    def begin(self, name: str) -> int:
        """A descriptor of a new growing file; -1 if something made by a gate is in the way.

        Raises:
            OSError: no space, or the folder cannot be written.
        """
        try:
            descriptor = self.folder.create(name, self.subfolders)
        except OSError as error:
            if error.errno in _MOVED:
                return -1
            raise
        except Blocked:
            return -1
        self._stamps[name] = (0,)  # its stamp does not matter: it grows
        return descriptor

    def put(self, files: Mapping[str, bytes | Path], record: OpenRecord, *, at_last: bool) -> None:
        """Write all files under other names, and only then rename them, one after another.

        Args:
            files: name → content, or the file with the content.
            record: gets told what is about to be written.
            at_last: even if a gate removed or replaced folders; otherwise that waits for the end.

        Raises:
            OSError: one cannot be written: then none is in place, or only the first ones are.
            Blocked: a link or a file is where a folder should be.
        """
        staged: list[str] = []
        try:
            for name, content in files.items():
                aside = aside_of(name, record.path.name)
                self.folder.remove(aside)
                descriptor = self.folder.create(aside, self.subfolders)
                staged.append(aside)
                _fill(descriptor, content)
            for name in files:
                self.make_free(name, record)
                self.folder.replace(staged[0], name)
                del staged[0]
                self.trust(name)
        except (OSError, Blocked) as error:
            moved = isinstance(error, Blocked) or error.errno in _MOVED
            if at_last or not moved:
                raise
        finally:
            for aside in staged:
                self.folder.remove(aside)

    def withdraw(self, name: str) -> None:
        """Remove a file of this run, but nothing that other programs put there."""
        if name in self._stamps and self._stamp(name) == self._stamps[name]:
            self.folder.remove(name)

    def remove_made(self, made: list[str]) -> None:
        """Remove folders that an earlier run made here, if nothing is left in them but the `.gitignore` of gates."""
        for path in sorted(map(Path, made), reverse=True):
            if path == self.path or not path.is_relative_to(self.path):
                continue
            name = path.relative_to(self.path).as_posix()
            with suppress(OSError, Blocked), self.folder.below(name) as folder:
                if folder.names() == [IGNORE] and folder.read(IGNORE) == b"*\n":
                    folder.remove(IGNORE)
            self.folder.remove_empty(name)


def busy(path: Path) -> EnvironmentProblem:
    """The error for a folder that another run is writing to."""
    return EnvironmentProblem(
        "another run of gates writes its reports there", place=str(path), remedy="wait until it ends"
    )


def _fill(descriptor: int, content: bytes | Path) -> None:
    if isinstance(content, bytes):
        write_all(descriptor, content)
        return
    with os.fdopen(descriptor, "wb") as target, open_file(content) as source:
        shutil.copyfileobj(source, target)
