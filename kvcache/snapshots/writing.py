"""Write sessions to a file, which is complete or not there."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from kvcache.errors import SnapshotError
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.manager import KVCacheManager
from kvcache.sessions.sharing import Beginning
from kvcache.snapshots.format import DTYPES, Facts, GroupFacts, Plan, Side, header_of, plan, seal_of
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
    manager: KVCacheManager,
    path: str | os.PathLike[str],
    sessions: Iterable[str] | None = None,
    *,
    behind: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Write the tokens of many sessions to one file, as `save` does with one.

    Args:
        manager: where they live.
        path: the file.
        sessions: which ones; None: all that the manager has, but for those that go meanwhile.
        behind: of some sessions, how many of their first tokens are left out; `extend` puts the others behind them again.

    Returns:
        The counts of tokens.

    Raises:
        SnapshotError, ClosedError, OSError: as for `save`.
    """
    with ExitStack() as pins:
        found = dict[str, tuple[Facts, Beginning]]()
        for name in manager.sessions() if sessions is None else dict.fromkeys(sessions):
            entry = manager.get(name)
            if entry is None:
                if sessions is None:
                    continue
                raise SnapshotError(f"save {name!r}", expected="a session that has an entry", got="none")
            pins.enter_context(entry.pin())
            contents = _without(entry, entry.contents(), (behind or {}).get(name, 0))
            found[name] = _facts(entry, contents), contents
        _write(Path(path), plan(facts for facts, _ in found.values()), found)
        return {name: facts.tokens for name, (facts, _) in found.items()}


def _without(entry: KVCacheEntry, contents: Beginning, first: int) -> Beginning:
    """The same without its first tokens."""
    if not first:
        return contents
    entry.layout.refuse_windows(f"save {entry.session_id!r}", "save all tokens")
    if not first < contents.tokens:
        raise SnapshotError(f"save {entry.session_id!r}", expected=f"more than {first} tokens", got=contents.tokens)
    tails = [
        rows[:, first * region.token_bytes :] for region, rows in zip(entry.layout.regions, contents.tails, strict=True)
    ]
    return replace(contents, firsts=[first] * len(contents.firsts), tails=tails)


def _facts(entry: KVCacheEntry, contents: Beginning) -> Facts:
    facts = facts_of(entry, contents)
    if facts is None:
        expected = f"a dtype of {', '.join(DTYPES)}"
        raise SnapshotError(f"save {entry.session_id!r}", expected=expected, got=entry.layout.dtype)
    return facts


def facts_of(entry: KVCacheEntry, contents: Beginning) -> Facts | None:
    """What a session is; None where the format has no name for its dtype."""
    layout = entry.layout
    dtype = str(layout.dtype)
    if dtype not in DTYPES:
        return None
    groups = (
        GroupFacts(
            group.layers,
            group.shape.kv_heads,
            (group.keys.shape[3], group.values.shape[3]),
            group.shape.widths,
            first,
        )
        for group, first in zip(layout.groups, contents.firsts, strict=True)
    )
    return Facts(entry.session_id, contents.tokens, tuple(groups), dtype, layout.encoding)


def _write(path: Path, places: Plan, found: dict[str, tuple[Facts, Beginning]]) -> None:
    """Put a whole file into its place, or leave everything as it is."""
    header = header_of(places)
    checksums = np.zeros(places.pages, "<u4")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(header)
            for session, (_, contents) in found.items():
                for side, rows in zip(places.sessions[session].sides, contents.tails, strict=True):
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
    before = bytes((side.first - side.begin) * side.token_bytes)
    for content in rows:
        row = memoryview(before + content.tobytes()) if before else content.data
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
