"""Keep the last runs whose reports a newer run has replaced, so that people can look at them again."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from gates.storage.records import Record, all_records

PAST = "past"
"""Folder of these runs in the store: each as its record, which proves what gates wrote."""

KEPT = 20
"""How many are kept."""

DISK = 200 * 10**6
"""Bytes that they may take."""


def keep_past(record: Record, folder: Path, past: Path) -> None:
    """Put a record that is no longer needed aside; remove it if its run did not end, or was only a part of another.

    Args:
        record: of a publication that a newer one replaces.
        folder: where the newer one is published; what is below it is part of a comparison or a stack.
        past: the folder of such runs; the oldest ones beyond the budget are removed.
    """
    if record.kind == "run" and record.ended and record.folder == folder:
        with suppress(OSError):
            past.mkdir(exist_ok=True)
            record.path.rename(past / record.path.name)
            _prune(past)
            return
    record.remove()


def _prune(past: Path) -> None:
    taken = 0
    for number, old in enumerate(all_records(past)):
        taken += sum(path.stat().st_size for path in old.path.rglob("*") if path.is_file())
        if number >= KEPT or taken > DISK:
            old.remove()
