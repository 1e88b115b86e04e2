"""The records of runs, in the user's cache: their files, and what was published where.

A record proves that gates wrote a file in a reports folder. It is where gates and tests do not
write, and is kept until the next run publishes in the same folder.

    KEY/journal.jsonl   what is published where, a line before each file
    KEY/files/          the files themselves
    KEY/live.jsonl      which gate started when, and how many tests it has: for readers while the run goes on
    KEY/lock            held while the run goes on
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from gates.files.digest import FileDigest
from gates.files.folders import Blocked, Folder
from gates.portable.regular import open_file, read_bytes

JOURNAL, FILES, LIVE, LOCK = "journal.jsonl", "files", "live.jsonl", "lock"

ASIDE = "before-"
"""Prefix, before a run's id, of folders for files that a run moves aside because they changed since gates wrote them."""

RECORDS = "records"
"""Folder of the records in the store."""

KEPT = 40
"""How many records of a project are kept."""

DISK = 500 * 10**6
"""Bytes that they may take."""

_TRIES, _PAUSE = 5, 0.01
"""How often a lock is tried, and seconds between two tries."""


def key_of(run: str, folder: Path) -> str:
    """The name of a record: one run may be published in several folders."""
    return f"{run}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:8]}"


class Record:
    """One publication, according to its journal.

    Attributes:
        path: folder of the record.
        folder: folder of the reports.
        kind: `run`, `stack`, `comparison` or `mutants`: a folder holds at most one of each.
        published: name → what was published under it, the newest last.
        streams: names of growing files: a killed run has published the beginning of what it recorded.
        made: folders that were made for it, as absolute paths.
        ended: its last files were published; until then, only the record shows who wrote the files.
    """

    def __init__(self, path: Path) -> None:
        """Read a journal, ignoring unreadable parts.

        Raises:
            OSError: there is none.
        """
        self.path = path
        self.folder, self.kind = Path("/nowhere"), ""
        self.published: dict[str, list[FileDigest]] = {}
        self.streams: set[str] = set()
        self.made: list[str] = []
        self.ended = False
        for line in read_bytes(path / JOURNAL).splitlines():
            with suppress(ValueError, TypeError, KeyError):
                self._take(json.loads(line))

    def _take(self, entry: dict[str, Any]) -> None:
        if "folder" in entry:
            self.folder, self.kind = Path(_text(entry["folder"])), str(entry["kind"])
        elif "made" in entry:
            self.made.append(_text(entry["made"]))
        elif "ended" in entry:
            self.ended = True
        elif "stream" in entry:
            self.streams.add(_text(entry["stream"]))
        else:
            digest = FileDigest(size=int(entry["size"]), sha256=str(entry["sha256"]))
            self.published.setdefault(_text(entry["name"]), []).append(digest)

    @property
    def run(self) -> str:
        """The id of its run."""
        return self.path.name.rpartition("-")[0]

    @property
    def names(self) -> set[str]:
        """Everything that it may have put in the folder, including what was being written when it was killed."""
        known = {*self.published, *self.streams}
        return known | {aside_of(name, self.path.name) for name in known}

    def last(self, name: str) -> FileDigest | None:
        """What was published last under a name."""
        return self.published.get(name, [None])[-1]

    def wrote(self, folder: Folder, name: str) -> bool:
        """Whether the file now in the folder, under a name of this record, is the published one."""
        if name not in self.published and name not in self.streams:
            # Before renaming: the name contains the run's id, which was unknown before.
            return name in self.names and folder.holds_file(name)
        try:
            found = folder.digest(name)
            if found in self.published.get(name, ()):
                return True
            if name not in self.streams:
                return False
            with Folder.of(self.path / FILES) as files:
                return files.digest(name, found.size) == found
        except (OSError, Blocked):
            return False

    @property
    def busy(self) -> bool:
        """Whether its run is still going on."""
        try:
            file = open_file(self.path / LOCK)
        except OSError:
            return False
        with file:
            try:
                # Shared: two processes that ask at the same moment never take each other for the run.
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def remove(self) -> None:
        """Delete it."""
        shutil.rmtree(self.path, ignore_errors=True)


class OpenRecord(Record):
    """The record of a current run."""

    def __init__(self, path: Path, pause: Callable[[float], None] = time.sleep) -> None:
        """Take over an existing record.

        Args:
            path: of the record.
            pause: waits for so many seconds.

        Raises:
            OSError: there is none, or its run is still going on.
        """
        super().__init__(path)
        self.files = path / FILES
        self._lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        _take(self._lock, pause)
        self._journal = os.open(path / JOURNAL, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._live = -1

    @classmethod
    def begin(cls, records: Path, run: str, folder: Path, kind: str) -> OpenRecord:
        """Make a new record, replacing an older one of the same run in the same folder.

        Raises:
            OSError: it cannot be made.
        """
        path = records / key_of(run, folder)
        shutil.rmtree(path, ignore_errors=True)
        (path / FILES).mkdir(parents=True)
        first = json.dumps({"folder": str(folder), "kind": kind})
        (path / JOURNAL).write_text(first + "\n")
        return cls(path)

    def note(self, **entry: Any) -> None:
        """Record what is about to be done.

        Raises:
            OSError: it cannot be written.
        """
        line = json.dumps(entry).encode() + b"\n"  # lone surrogates are escaped, and restored on reading
        while line:
            line = line[os.write(self._journal, line) :]
        self._take(entry)

    def tell(self, line: bytes) -> None:
        """Add a line for those who follow the run. What cannot be written is left out: it is no evidence."""
        with suppress(OSError):
            if self._live < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
                self._live = os.open(self.path / LIVE, flags, 0o644)
            os.write(self._live, line)

    def close(self) -> None:
        """Close it; calling this again does nothing."""
        for descriptor in (self._journal, self._live, self._lock):
            if descriptor >= 0:
                os.close(descriptor)
        self._journal = self._live = self._lock = -1


def _take(lock: int, pause: Callable[[float], None]) -> None:
    """Take the lock of a record. A process that only asks whether the run goes on holds it for less than a moment.

    Raises:
        OSError: its run goes on.
    """
    for _ in range(_TRIES - 1):
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        pause(_PAUSE)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def aside_of(name: str, key: str) -> str:
    """The name of a file before its renaming: only this record can have chosen it."""
    above, slash, last = name.rpartition("/")
    return f"{above}{slash}.{last}.{key}"


def digest_of(path: Path) -> FileDigest | None:
    """The digest of a recorded file; None if it cannot be read."""
    try:
        with Folder.of(path.parent) as folder:
            return folder.digest(path.name)
    except (OSError, Blocked):
        return None


def all_records(records: Path) -> Iterator[Record]:
    """The records of a project, the newest first; anything else is skipped."""
    try:
        found = sorted((path for path in records.iterdir() if not path.is_symlink()), reverse=True)
    except OSError:
        return
    for path in found:
        with suppress(OSError):
            yield Record(path)


def prune(records: Path, current: Path) -> None:
    """Remove the oldest records beyond the budget, but never that of a current run."""
    taken = 0
    for number, record in enumerate(all_records(records)):
        if record.path == current:
            continue
        taken += sum(path.stat().st_size for path in record.path.rglob("*") if path.is_file())
        if (number >= KEPT or taken > DISK) and not record.busy:
            record.remove()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
