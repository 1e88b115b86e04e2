"""Make a session again from a file, so that a restart needs no prefill."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeAlias

from kvcache import checks
from kvcache.errors import KVCacheError, SnapshotError, UnknownSessionError
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
        count = _whole(manager.layout, found, snapshot.path, salvage=salvage)
        name = checks.session_name(found.session_id if session is None else session)
        manager.evict(name)
        entry = manager.get_or_create(name, ttl_seconds=ttl_seconds, sequences=sequences)
        try:
            if not (mapped and entry.can_show and _shown(entry, snapshot, found, count)):
                entry.begin(found.contents(count))
        except BaseException:
            with suppress(KVCacheError):
                manager.evict(name)
            raise
        return entry


def extend(manager: KVCacheManager, path: str | os.PathLike[str], session: str, *, saved: str) -> KVCacheEntry:
    """Put the tokens of a file behind those of a session, which must be those that `save_all(..., behind=...)` left out.

    Args:
        manager: where the session lives.
        path: the file.
        session: its id.
        saved: its id in the file.

    Raises:
        SnapshotError: not such a file, of another layout, damaged, or its tokens begin elsewhere; the session is as it was.
        UnknownSessionError: the session has no entry.
        OutOfMemoryError: there is no room and no way to make it; the session is as it was.
        ClosedError: the manager is closed.
        OSError: the file cannot be read.
    """
    with Snapshot(path) as snapshot:
        found = snapshot.session(saved, copied=True)
        groups = tuple(replace(group, first=0) for group in found.facts.groups)  # what was left out is there
        sequences_for(manager.layout, replace(found.facts, groups=groups), snapshot.path)
        count = _whole(manager.layout, found, snapshot.path, salvage=False)
        entry = manager.get(session)
        if entry is None:
            raise UnknownSessionError("extend", expected="a session that has an entry", got=session)
        if {group.first for group in found.facts.groups} != {len(entry)}:
            expected = f"tokens from number {len(entry)} on, as {session!r} has those before"
            got = [group.first for group in found.facts.groups]
            raise SnapshotError(f"{snapshot.path}: session {saved!r}", expected=expected, got=got)
        for layer in range(found.facts.layers):
            entry.write(layer, found.keys(layer, tokens=count), found.values(layer, tokens=count))
        entry.commit()
        return entry


def _shown(entry: KVCacheEntry, snapshot: Snapshot, found: MappedSession, count: int) -> bool:
    """Show the pages of the file in the block; False where they are to be copied after all."""
    with suppress(OSError):  # there are no descriptors or mappings left
        beginning = snapshot.beginning(found, count)
        if beginning is not None:
            entry.begin(beginning)
            return True
    return False


def sequences_for(layout: KVLayout, facts: Facts, place: str) -> int:
    """How many sequences a session of these facts holds in a manager of this layout.

    Raises:
        SnapshotError: it does not fit the layout.
    """
    sequences = facts.groups[0].heads // layout.groups[0].shape.kv_heads if facts.groups else 0
    wanted = _described(layout.for_batch(max(sequences, 1))), str(layout.dtype)
    got = [(len(group.layers), group.heads, group.widths, group.layers) for group in facts.groups], facts.dtype
    if not _alike(wanted[0], got[0]) or wanted[1] != got[1]:
        raise SnapshotError(place, expected=_in_words(*wanted), got=_in_words(*got))
    if facts.encoding != layout.encoding:
        expected = f"numbers in {layout.encoding or layout.dtype}"
        raise SnapshotError(place, expected=expected, got=facts.encoding or "numbers that are not encoded")
    if facts.tokens > layout.max_context:
        raise SnapshotError(place, expected=f"at most {layout.max_context} tokens", got=facts.tokens)
    firsts = [group.first for group in facts.groups]
    if not layout.has_enough(facts.tokens, firsts):
        expected = f"all tokens that the windows {sorted({group.window or 0 for group in layout.groups})} need (0: all)"
        raise SnapshotError(place, expected=expected, got=f"those from {sorted(set(firsts))} on")
    return sequences


_Described: TypeAlias = Sequence[tuple[int, int, tuple[int, int], Sequence[int]]]
"""Of each group of layers: how many, heads, widths, and which ones."""


def _described(layout: KVLayout) -> _Described:
    return [
        (len(group.layers), group.shape.kv_heads, (group.keys.shape[3], group.values.shape[3]), group.layers)
        for group in layout.groups
    ]


def _alike(one: _Described, other: _Described) -> bool:
    sizes = [[group[:3] for group in side] for side in (one, other)]
    return sizes[0] == sizes[1] and all(list(a[3]) == list(b[3]) for a, b in zip(one, other, strict=True))


def _in_words(groups: _Described, dtype: str) -> str:
    parts = (
        f"{f'layers {list(layers)}' if len(groups) > 1 else f'{count} layers'} of {heads} heads, {widths} elements"
        for count, heads, widths, layers in groups
    )
    return f"{', '.join(parts)}, in {dtype}"


def _whole(layout: KVLayout, found: MappedSession, place: str, *, salvage: bool) -> int:
    """How many tokens are as saved.

    Raises:
        SnapshotError: not all, and that will not do.
    """
    for damage in found.damage():
        if damage.first > damage.last:  # no token is in it
            continue
        firsts = [group.first for group in found.facts.groups]
        enough = damage.first == 0 or layout.has_enough(damage.first, firsts)
        if not (salvage and enough):
            remedy = "" if not enough else f"restore(..., salvage=True) takes the {damage.first} tokens before them"
            subject = f"{place}: session {found.session_id!r}"
            raise SnapshotError(subject, expected=f"{damage} as saved", got="damaged", remedy=remedy)
        return damage.first
    return len(found)
