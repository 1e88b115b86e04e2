"""Say what a store is, and keep sessions in plain files."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, SupportsIndex

from kvcache import checks
from kvcache.values import Unique

_OURS: Final = re.compile(r"[0-9a-f]{40}\.kv")
_HALF: Final = re.compile(r"\.[0-9a-f]{40}\..*\.half")


class Store(Protocol):
    """Keeps bytes by a key of 40 letters and digits. Called from several threads at once; what it raises is a miss, never an error.

    It may lose what it likes, at any time: it is a cache.
    """

    def get(self, key: str, /) -> bytes | None:
        """What was put under the key, or None."""

    def put(self, key: str, content: bytes, /) -> None:
        """Keep bytes in place of what the key had."""

    def delete(self, key: str, /) -> None:
        """Keep nothing under the key; return only if that is sure."""

    def close(self) -> None:
        """Let go of files and connections."""


class FileStore(Unique):
    """Keeps each session in its own file. Files that it did not make are left alone.

    Args:
        folder: where; it is made if it is not there. One process at a time.
        capacity_bytes: what all files may take together; those that were put or read longest ago go. None: as much as there is.

    Raises:
        InvalidSizeError: `capacity_bytes` is not a whole number above 0.
        OSError: the folder cannot be made or read.
    """

    def __init__(self, folder: str | os.PathLike[str], *, capacity_bytes: SupportsIndex | None = None) -> None:
        self._folder = Path(folder)
        self._capacity = (
            None if capacity_bytes is None else checks.whole_number("capacity_bytes", capacity_bytes, minimum=1)
        )
        self._lock = threading.Lock()
        self._folder.mkdir(parents=True, exist_ok=True)
        found = list[tuple[float, str, int]]()
        for path in self._folder.iterdir():
            if _HALF.fullmatch(path.name):  # what a process left that died while it wrote
                path.unlink(missing_ok=True)
            elif _OURS.fullmatch(path.name):
                facts = path.stat()
                found.append((facts.st_mtime, path.name[:40], facts.st_size))
        self._sizes = OrderedDict((key, size) for _, key, size in sorted(found))  # in order of use
        self._used = sum(self._sizes.values())

    @property
    def used_bytes(self) -> int:
        """Bytes of all files."""
        return self._used

    def __len__(self) -> int:
        return len(self._sizes)

    def get(self, key: str) -> bytes | None:
        """What was put under the key, or None."""
        try:
            content = self._place(key).read_bytes()
        except FileNotFoundError:
            return None
        with self._lock, suppress(KeyError):
            self._sizes.move_to_end(key)
        return content

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes, which are whole or not there.

        Raises:
            OSError: they cannot be written, or are more than `capacity_bytes`.
        """
        if self._capacity is not None and len(content) > self._capacity:
            raise OSError(f"{len(content)} bytes are more than the {self._capacity} of {self._folder}")
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=f".{key}.", suffix=".half")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            with self._lock:
                Path(name).replace(self._place(key))
                self._used += len(content) - self._sizes.pop(key, 0)
                self._sizes[key] = len(content)
                while self._capacity is not None and self._used > self._capacity:
                    self._forget(next(iter(self._sizes)))
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise

    def delete(self, key: str) -> None:
        """Keep nothing under the key.

        Raises:
            OSError: the file cannot be removed.
        """
        with self._lock:
            self._forget(key)

    def close(self) -> None:
        """Nothing is held."""

    def _forget(self, key: str) -> None:
        self._place(key).unlink(missing_ok=True)
        self._used -= self._sizes.pop(key, 0)

    def _place(self, key: str) -> Path:
        return self._folder / f"{key}.kv"
