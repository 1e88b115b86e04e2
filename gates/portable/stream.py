"""The file of records that test processes append to (see `protocol`), and the signal to stop."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from .disk_space import complain
from .originals import exists, json, os, write_whole
from .regular import read_bytes, read_text
from .values import plural

_ENCODE = json.JSONEncoder(separators=(",", ":"), default=str).encode


class RecordStream:
    """Appends records to one file; each record is a single write, so several processes can share the file.

    A full disk must not fail the tests: the first error is kept in `error`, and nothing more is written. The
    reader sees a stream without `finish`, which never counts as complete.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.error: OSError | None = None
        self._fd = -1
        self._pid = os.getpid()

    def write(self, kind: str, **fields: object) -> None:
        """Append one record."""
        # If a test forks and the child returns into pytest, the child would repeat everything that follows.
        if self.error is not None or os.getpid() != self._pid:
            return
        # ASCII only: lone surrogates of undecodable output survive as escapes.
        line = _ENCODE({"type": kind, **fields}).encode("ascii") + b"\n"
        try:
            if self._fd < 0:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
                self._fd = os.open(self.path, flags, 0o644)
            while line:
                line = line[os.write(self._fd, line) :]
        except OSError as error:
            self.error = error
            complain(os.path.dirname(self.path), error)

    def adopt(self) -> None:
        """From now on, write from this process instead of the one that made the stream."""
        self._pid = os.getpid()

    def running(self) -> dict[str, dict[str, Any]]:
        """The `running` records in the file, by id: other processes write them too."""
        mark = b'{"type":"running",'
        try:
            lines = read_bytes(self.path).splitlines()
            records = [json.loads(line) for line in lines if line.startswith(mark) and line.endswith(b"}")]
        except (OSError, ValueError):
            return {}
        return {record["id"]: record for record in records}

    def close(self) -> None:
        """Close the file; a later `write` opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Stop:
    """The signal to stop: a file that all test processes of a run see. Its text is the reason."""

    def __init__(self, folder: str) -> None:
        self._path = Path(folder, "stop")

    def said(self) -> str:
        """Why no more tests may start; empty while they may."""
        try:
            return read_text(self._path)
        except OSError:
            return ""

    def __bool__(self) -> bool:
        return exists(self._path)

    def say(self, why: str) -> None:
        """Tell all processes."""
        with suppress(OSError):  # the run is over
            write_whole(self._path, why)


def reached(number: int) -> str:
    """Why a run with `--max-fail` stops."""
    return f"--max-fail: {plural(number, 'test')} failed"
