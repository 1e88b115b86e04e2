"""Check the folder of a subject again: is it still the same?

The only place for this rule: **the subject may not change while gates run.** A check costs one `lstat` for each file;
only files whose stamps differ are read. Git gets a separate index, so flags in the user's index
(assume-unchanged, skip-worktree), a file-system monitor or weaker stamps in the config hide nothing.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

Stamp = tuple[int, int, int, int, int]

TICK = 50_000_000
"""Nanoseconds in which a file may be written twice with the same stamp: more than a tick of the slowest kernel clocks."""

COARSE = 2_000_000_000
"""The same, on a file system that stores whole seconds."""


class TreeChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The changes between two checks.

    Attributes:
        faults: changes of the subject: paths, and descriptions of others.
        left: new files that `git add -A` would add, but that no tool reads automatically.
        staged: descriptions of changed indexes; only the files are validated.
        written: files that were written and restored.
    """

    faults: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    staged: tuple[str, ...] = ()
    written: tuple[str, ...] = ()


class TreeWatch(Protocol):
    """Looks at a folder."""

    def look(self) -> TreeChanges:
        """The changes since the last check, or since the run began."""


def stamp_of(path: str) -> Stamp | None:
    """A value that changes when a file is written, replaced, or gets other permissions; None if it does not exist. Links are not followed."""
    try:
        about = os.lstat(path)
    except (OSError, ValueError):
        return None
    return about.st_mode, about.st_size, about.st_ino, about.st_mtime_ns, about.st_ctime_ns


class Stamps:
    """Files of a folder, with their stamps at the last check.

    Args:
        root: the folder.
        names: paths of the files, relative to it.
        since: nanoseconds since the epoch; files written then or later may have been read before the change.

    Attributes:
        gone: files that were already missing at the first check.
        written: files whose stamps had changed in the last call of `differing`.
    """

    def __init__(self, root: str, names: Iterable[str], since: int) -> None:
        self._root, self._since = root, since
        self._stamps = {name: stamp_of(f"{root}/{name}") for name in names}
        self.written: set[str] = set()
        self.gone = {name for name, stamp in self._stamps.items() if stamp is None}

    def __contains__(self, name: str) -> bool:
        return name in self._stamps

    def changed(self) -> list[str]:
        """Files whose stamps differ from those of the last check: enough where writing is not allowed at all."""
        found = {name: after for name, before, after in self._now() if after != before}
        self._stamps.update(found)
        return list(found)

    def differing(self) -> dict[str, Stamp | None]:
        """Files whose stamps differ from those of the last check, or prove nothing, with their current stamps."""
        now = time.time_ns()
        found: dict[str, Stamp | None] = dict.fromkeys(self.gone)
        self.gone.clear()
        self.written.clear()
        for name, before, after in self._now():
            if after != before or (after is not None and self._fresh(after)):
                found[name] = after
                if after is not None and _was_written(before, after):
                    self.written.add(name)
        self._stamps.update(found)
        self._since = now
        return found

    def _now(self) -> Iterator[tuple[str, Stamp | None, Stamp | None]]:
        """Each file with its stamp at the last check and now. For git, there are no files behind a linked folder."""
        real = {"": True}  # one `lstat` for each folder

        def is_real(folder: str) -> bool:
            if (known := real.get(folder)) is None:
                about = stamp_of(f"{self._root}/{folder}") if is_real(folder.rpartition("/")[0]) else None
                real[folder] = known = about is not None and stat.S_ISDIR(about[0])
            return known

        for name, before in self._stamps.items():
            yield name, before, stamp_of(f"{self._root}/{name}") if is_real(name.rpartition("/")[0]) else None

    def _fresh(self, stamp: Stamp) -> bool:
        """Whether the file was written so shortly before it was read that a second write could leave the same stamp."""
        coarse = not (stamp[3] % 1_000_000_000 or stamp[4] % 1_000_000_000)
        return stamp[4] >= self._since - (COARSE if coarse else TICK)


def _was_written(before: Stamp | None, after: Stamp) -> bool:
    """Whether stamps differ in more than permissions."""
    return before is None or before[1:4] != after[1:4] or (before[0] == after[0] and before[4] != after[4])


def is_file(stamp: Stamp | None) -> bool:
    """Whether a stamp is that of a file or a link."""
    return stamp is not None and (stat.S_ISREG(stamp[0]) or stat.S_ISLNK(stamp[0]))
