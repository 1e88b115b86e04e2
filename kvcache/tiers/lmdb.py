"""Keep sessions in a database of LMDB; needs the extra `lmdb`."""

from __future__ import annotations

import os
from typing import SupportsIndex

import lmdb

from kvcache import checks
from kvcache.values import Unique


class LmdbStore(Unique):
    """Keeps sessions in one file, which several processes can use at once.

    Args:
        folder: of the database; it is made if it is not there.
        capacity_bytes: of the whole file. LMDB removes nothing by itself: what does not fit is not kept.

    Raises:
        InvalidSizeError: `capacity_bytes` is not a whole number above 0.
        lmdb.Error: it cannot be opened.
    """

    def __init__(self, folder: str | os.PathLike[str], *, capacity_bytes: SupportsIndex) -> None:
        size = checks.whole_number("capacity_bytes", capacity_bytes, minimum=1)
        self._database = lmdb.open(os.fspath(folder), map_size=size, max_dbs=0, sync=False, metasync=False)

    def get(self, key: str) -> bytes | None:
        """What was put under the key, or None."""
        with self._database.begin() as transaction:
            found: bytes | None = transaction.get(key.encode())
            return found

    def put(self, key: str, content: bytes) -> None:
        """Keep bytes.

        Raises:
            lmdb.Error: they cannot be written; the file is full.
        """
        with self._database.begin(write=True) as transaction:
            transaction.put(key.encode(), content)

    def delete(self, key: str) -> None:
        """Keep nothing under the key.

        Raises:
            lmdb.Error: it cannot be removed.
        """
        with self._database.begin(write=True) as transaction:
            transaction.delete(key.encode())

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
