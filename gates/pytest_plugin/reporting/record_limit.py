"""Keeps the record of one test below a limit, however many attempts and subtests it had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..text import cap, size, words

RECORD_LIMIT = 512 * 1024
"""Maximum bytes (as UTF-8) of all texts in one record, not counting the notes about cuts."""

_LINES = ("name", "message")
_TEXTS = ("details", "stdout", "stderr")


def fit(record: dict[str, Any], limit: int = RECORD_LIMIT) -> None:
    """Cut the longest texts of a record, of its attempts and of its subtests until all fit; each gets a note about its cut."""
    parts = [record, *record.get("attempts", ()), *record.get("subtests", ())]
    sizes = [size(part[key]) for part in parts for key in (*_LINES, *_TEXTS) if part.get(key)]
    if sum(sizes) <= limit:
        return
    share = fair_share(sizes, limit)
    for part in parts:
        for key in _TEXTS:
            if part.get(key):
                part[key] = cap(part[key], share)
        for key in _LINES:
            if part.get(key):
                part[key] = words(part[key], share)


def fair_share(sizes: Sequence[int], limit: int) -> int:
    """The length to which the longest must be cut so that the sum is below the limit; short ones stay complete."""
    rest, left = limit, len(sizes)
    for each in sorted(sizes):
        if each * left > rest:
            return rest // left
        rest -= each
        left -= 1
    return limit
