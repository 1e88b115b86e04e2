"""Write sessions to a file, which is complete or not there."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from kvcache.errors import SnapshotError
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.manager import KVCacheManager
from kvcache.snapshots.format import DTYPES, Facts, Plan, Side, header_of, plan, seal_of
from kvcache.values import Array


def save(manager: KVCacheManager, session: str, path: str | os.PathLike[str]) -> int:
    """Write the tokens of a session to a file, which is replaced if there is one. The session stays; it is not evicted meanwhile.

    No other thread may append to the session or truncate it meanwhile: `restore` would find the changed tokens damaged.

    Returns:
        The count of tokens.

    Raises:
        SnapshotError: the session has no entry, or a dtype that the format does not know.
        ClosedError: the manager is closed.
        OSError: the file cannot be written; a file that was there before is as it was.
    """
    return save_all(manager, path, [session])[session]


def save_all(
    manager: KVCacheManager, path: str | os.PathLike[str], sessions: Iterable[str] | None = None
) -> dict[str, int]:
    """Write the tokens of many sessions to one file, as `save` does with one.

    Args:
        manager: where they live.
        path: the file.
        sessions: which ones; None: all that the manager has, but for those that go meanwhile.

    Returns:
        The counts of tokens.

    Raises:
        SnapshotError, ClosedError, OSError: as for `save`.
    """
    with ExitStack() as pins:
        views = dict[str, tuple[Facts, Array, Array]]()
        for name in manager.sessions() if sessions is None else dict.fromkeys(sessions):
            entry = manager.get(name)
            if entry is None:
                if sessions is None:
                    continue
                raise SnapshotError(f"save {name!r}", expected="a session that has an entry", got="none")
            pins.enter_context(entry.pin())
            keys, values = (side.transpose(1, 2, 0, 3) for side in entry.key_and_value())
            views[name] = _facts(entry, keys, values), keys, values
        _write(Path(path), plan(facts for facts, _, _ in views.values()), views)
        return {name: facts.tokens for name, (facts, _, _) in views.items()}


def _facts(entry: KVCacheEntry, keys: Array, values: Array) -> Facts:
    dtype = str(entry.layout.dtype)
    if dtype not in DTYPES:
        expected = f"a dtype of {', '.join(DTYPES)}"
        raise SnapshotError(f"save {entry.session_id!r}", expected=expected, got=entry.layout.dtype)
    layers, heads, tokens, width = keys.shape
    dims = entry.layout.head_dim, entry.layout.value_dim
    return Facts(entry.session_id, tokens, layers, heads, (width, values.shape[3]), dims, dtype, entry.layout.encoding)


def _write(path: Path, places: Plan, views: dict[str, tuple[Facts, Array, Array]]) -> None:
    """Put a whole file into its place, or leave everything as it is."""
    header = header_of(places)
    checksums = np.zeros(places.pages, "<u4")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(header)
            for session, (_, keys, values) in views.items():
                stored = places.sessions[session]
                for side, rows in ((stored.keys, keys), (stored.values, values)):
                    _write_side(file, len(header), side, rows, checksums, places.page)
            file.seek(len(header) + places.checksums)
            file.write(checksums.tobytes() + seal_of(header, checksums))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    _keep_the_name(path.parent)


def _write_side(file: BinaryIO, start: int, side: Side, rows: Array, checksums: Array, page: int) -> None:
    """Write the rows of keys or of values, and note the checksums of their pages."""
    number, offset = side.first_page, start + side.offset
    for layer in rows:
        for head in layer:
            row = np.ascontiguousarray(head).view(np.uint8).reshape(-1).data
            file.seek(offset)
            file.write(row)
            for first in range(0, side.row_bytes, page):
                checksums[number] = checksum_of(row[first : first + page], page)
                number += 1
            offset += side.row_bytes


def checksum_of(content: memoryview, page: int) -> int:
    """Of a page, of which only the beginning is given: zeros follow."""
    found = zlib.crc32(content)
    missing = page - len(content)
    return zlib.crc32(bytes(missing), found) if missing else found


def _keep_the_name(folder: Path) -> None:
    """See to it that the file has its name after a power failure, too, where the system knows how to."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
