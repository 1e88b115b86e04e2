"""Make a session again from a file, so that a restart needs no prefill."""

from __future__ import annotations

import os
from contextlib import suppress

import numpy as np

from kvcache import checks
from kvcache.errors import KVCacheError, SnapshotError
from kvcache.sessions.entry import KVCacheEntry
from kvcache.sessions.layout import KVLayout
from kvcache.sessions.manager import KVCacheManager
from kvcache.snapshots.format import Facts
from kvcache.snapshots.mapped import MappedSession, Snapshot


def restore(
    manager: KVCacheManager,
    path: str | os.PathLike[str],
    session: str | None = None,
    *,
    saved: str | None = None,
    salvage: bool = False,
    mapped: bool = False,
    ttl_seconds: float | None = None,
) -> KVCacheEntry:
    """Make a session with the tokens of a file; what it had is evicted.

    Args:
        manager: where it shall live; its layout must have the shape, dtype and encoding of the file's.
        path: the file.
        session: its id; None: the one under which it was saved.
        saved: the id of a session in a file of several; None: the only one, or else `session`.
        salvage: take the tokens before the first damaged ones, rather than refuse the file.
        mapped: show the pages of the file in the session's block rather than copy them, where the layout's `alignment` is a multiple of
            `SYSTEM_PAGE`, on Linux: that takes no memory but for pages that are written to. They are checked first; do not change the file.
        ttl_seconds: the session's own time to live; None: the manager's.

    Raises:
        SnapshotError: not such a file, of another layout, or damaged; the session that was there stays.
        PinnedEntryError: the session is there, and it is pinned.
        OutOfMemoryError: there is no room and no way to make it.
        ClosedError: the manager is closed.
        OSError: the file cannot be read.
    """
    with Snapshot(path) as snapshot:
        if saved is None and len(snapshot.sessions()) != 1:
            saved = session
        found = snapshot.session(saved, copied=not mapped)
        sequences = sequences_for(manager.layout, found.facts, snapshot.path)
        count = _whole(found, snapshot.path, salvage=salvage)
        name = checks.session_name(found.session_id if session is None else session)
        manager.evict(name)
        entry = manager.get_or_create(name, ttl_seconds=ttl_seconds, sequences=sequences)
        try:
            if not (mapped and entry.can_show and _shown(entry, snapshot, found, count)):
                _append(entry, found, count)
        except BaseException:
            with suppress(KVCacheError):
                manager.evict(name)
            raise
        return entry


def _shown(entry: KVCacheEntry, snapshot: Snapshot, found: MappedSession, count: int) -> bool:
    """Show the pages of the file in the block; False where they are to be copied after all."""
    with suppress(OSError):  # there are no descriptors or mappings left
        beginning = snapshot.beginning(found, count)
        if beginning is not None:
            entry.begin(beginning)
            return True
    return False


def _append(entry: KVCacheEntry, found: MappedSession, count: int) -> None:
    if count:
        layers, sides = range(found.facts.layers), (found.keys, found.values)
        keys, values = (np.stack([side(layer, tokens=count) for layer in layers]) for side in sides)
        entry.append(keys.transpose(2, 0, 1, 3), values.transpose(2, 0, 1, 3))


def sequences_for(layout: KVLayout, facts: Facts, place: str) -> int:
    """How many sequences a session of these facts holds in a manager of this layout.

    Raises:
        SnapshotError: it does not fit the layout.
    """
    known = layout.layers, (layout.keys.shape[3], layout.values.shape[3]), str(layout.dtype)
    if (facts.layers, facts.widths, facts.dtype) != known or facts.heads < 1 or facts.heads % layout.kv_heads:
        expected = f"a session of {known[0]} layers, {layout.kv_heads} heads, {known[1]} elements of {known[2]}"
        got = f"{facts.layers} layers, {facts.heads} heads, {facts.widths} elements of {facts.dtype}"
        raise SnapshotError(place, expected=expected, got=got)
    if facts.encoding != layout.encoding:
        expected = f"numbers in {layout.encoding or layout.dtype}"
        raise SnapshotError(place, expected=expected, got=facts.encoding or "numbers that are not encoded")
    if facts.tokens > layout.max_context:
        raise SnapshotError(place, expected=f"at most {layout.max_context} tokens", got=facts.tokens)
    return facts.heads // layout.kv_heads


def _whole(found: MappedSession, place: str, *, salvage: bool) -> int:
    """How many tokens are as saved.

    Raises:
        SnapshotError: not all, and that will not do.
    """
    for damage in found.damage():
        if damage.first > damage.last:  # no token is in it
            continue
        if not salvage:
            remedy = f"restore(..., salvage=True) takes the {damage.first} tokens before them"
            subject = f"{place}: session {found.session_id!r}"
            raise SnapshotError(subject, expected=f"{damage} as saved", got="damaged", remedy=remedy)
        return damage.first
    return len(found)
