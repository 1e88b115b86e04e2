"""Find the runs of a project whose files are in the store: those that go on, the last one of each folder, and earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from gates.files.digest import FileDigest
from gates.portable.errors import UsageError
from gates.portable.regular import read_bytes
from gates.results import Run
from gates.results.files import RUN_FILE
from gates.storage.past_runs import PAST
from gates.storage.records import FILES, RECORDS, Record, all_records

SHOWN = 50
"""How many runs are listed."""


class KnownRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run in the store.

    Attributes:
        run: as in its `run.json`.
        record: folder of its record.
        goes_on: its process is still there.
        changed: its `run.json` is not the one that gates wrote.
    """

    run: Run
    record: Path
    goes_on: bool
    changed: bool

    @property
    def files(self) -> Path:
        """Folder of its files."""
        return self.record / FILES


class Runs:
    """Finds runs, and reads the file of each only when it changed."""

    def __init__(self, store: Path) -> None:
        self._folders = (store / RECORDS, store / PAST)
        self._read: dict[Path, tuple[tuple[int, int, int], Run, FileDigest]] = {}

    def last(self) -> tuple[KnownRun, ...]:
        """The last runs: those that go on, then the newest first; a run that cannot be read is not listed."""
        found: dict[str, KnownRun] = {}
        for known in self._all():
            found.setdefault(known.run.id, known)
        self._read = {path: read for path, read in self._read.items() if path.exists()}
        newest = sorted(found.values(), key=_rank, reverse=True)
        return tuple(newest[:SHOWN])

    def _all(self) -> Iterator[KnownRun]:
        for folder in self._folders:
            for record in all_records(folder):
                if record.kind == "run" and (known := self._known(record)) is not None:
                    yield known

    def _known(self, record: Record) -> KnownRun | None:
        path = record.path / FILES / RUN_FILE
        goes_on = record.busy  # first: a run that ends meanwhile then has its last file
        try:
            about = path.lstat()
            stamp = (about.st_ino, about.st_size, about.st_mtime_ns)
            if path not in self._read or self._read[path][0] != stamp:
                data = read_bytes(path)
                self._read[path] = (stamp, msgspec.json.decode(data, type=Run), FileDigest.of(data))
        except (OSError, ValueError, RecursionError, UsageError):
            return None
        _, run, digest = self._read[path]
        changed = not goes_on and digest not in record.published.get(RUN_FILE, ())
        return KnownRun(run=run, record=record.path, goes_on=goes_on, changed=changed)


def _rank(known: KnownRun) -> tuple[bool, float, str]:
    return known.goes_on, known.run.started, known.run.id
