"""Combine coverage files. Pure, except for finding the file that a path means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from gates.portable.values import plural
from gates.readers.ranges import to_ranges
from gates.results.artifacts import Coverage, FileCoverage

if TYPE_CHECKING:
    from gates.readers.coverage.read import LineHits

SHOWN = 3
"""How many paths a note names."""


def put_together(found: Iterable[LineHits], find: Callable[[str, Sequence[str]], tuple[str, ...]]) -> Coverage:
    """The combined coverage of the project's files: a line ran if one of the files says so.

    Args:
        found: the files.
        find: finds the project's files that a path may mean, given possible base folders.
    """
    lines: dict[str, dict[int, bool]] = {}
    unclear: dict[str, tuple[str, ...]] = {}
    foreign: dict[str, None] = {}
    ran = total = 0
    for each in found:
        for name, hits in each.files.items():
            meant = find(name, each.folders)
            if len(meant) == 1:
                known = lines.setdefault(meant[0], {})
                for line, hit in hits.items():
                    known[line] = known.get(line, False) or hit
            elif meant:
                unclear[name] = meant
            else:
                foreign[name] = None
    files = {
        name: FileCoverage(
            ran=to_ranges(line for line, hit in hits.items() if hit),
            missed=to_ranges(line for line, hit in hits.items() if not hit),
        )
        for name, hits in sorted(lines.items())
    }
    for hits in lines.values():
        ran += sum(hits.values())
        total += len(hits)
    notes = [f"{name} may be any of {_some(meant)}" for name, meant in unclear.items()][:SHOWN]
    if len(unclear) > SHOWN:
        notes.append(f"{plural(len(unclear) - SHOWN, 'further path')} may be any of several files")
    if foreign:
        notes.append(f"{plural(len(foreign), 'path')} outside the files of the project: {_some(list(foreign))}")
    if not files:
        return Coverage(notes=tuple(notes), unknown="the coverage files contain no file of the project")
    return Coverage(files=files, ran=ran, lines=total, notes=tuple(notes))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
