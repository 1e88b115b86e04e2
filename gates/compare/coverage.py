"""Find which changed lines a test ran. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gates.compare.values import CoverageComparison, FileLines
from gates.readers.ranges import from_ranges, to_ranges
from gates.results import Coverage, GateResult
from gates.vcs.git import kind_of_file
from gates.vcs.hunks import FileDifference


def compare_coverage(
    base: Sequence[GateResult], head: Sequence[GateResult], changed: Sequence[FileDifference]
) -> CoverageComparison | None:
    """Coverage of the production lines that only the head has; None if the head names no coverage file.

    Args:
        base: gates of the base.
        head: gates of the head.
        changed: what the head changed since it left the base.
    """
    after = [(gate.name, gate.coverage) for gate in head if gate.coverage is not None]
    if not after:
        return None
    before = [gate.coverage for gate in base if gate.coverage is not None]
    base_total = _total(*_lines_of(before)) if before and not any(each.unknown for each in before) else None
    unknown = [f"{name}: {each.unknown}" for name, each in after if each.unknown]
    notes = tuple(f"{name}: {note}" for name, each in after for note in each.notes)
    if unknown:
        # The file of another gate may show that lines ran, but never that others did not.
        return CoverageComparison(unknown="; ".join(unknown), notes=notes, base_total=base_total)
    ran, missed = _lines_of([each for _, each in after])
    uncovered, unmeasured, covered = [], [], 0
    for file in changed:
        added = {line for line, text in file.added() if text.strip()}
        if not added or not file.after or kind_of_file(file.after) != "production":
            continue
        if file.after not in ran:
            unmeasured.append(FileLines(path=file.after, lines=to_ranges(added), count=len(added)))
            continue
        covered += len(added & ran[file.after])
        bad = added & missed[file.after]
        if bad:
            uncovered.append(FileLines(path=file.after, lines=to_ranges(bad), count=len(bad)))
    return CoverageComparison(
        covered=covered,
        executable=covered + sum(each.count for each in uncovered),
        uncovered=tuple(uncovered),
        unmeasured=tuple(unmeasured),
        base_total=base_total,
        head_total=_total(ran, missed),
        notes=notes,
    )


def _total(ran: Mapping[str, set[int]], missed: Mapping[str, set[int]]) -> tuple[int, int]:
    covered = sum(map(len, ran.values()))
    return covered, covered + sum(map(len, missed.values()))


def _lines_of(found: Sequence[Coverage]) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
    """The lines of each file that a gate ran, and those that none did."""
    ran: dict[str, set[int]] = {}
    missed: dict[str, set[int]] = {}
    for each in found:
        for path, lines in each.files.items():
            ran.setdefault(path, set()).update(from_ranges(lines.ran))
            missed.setdefault(path, set()).update(from_ranges(lines.missed))
    for path, lines_ran in ran.items():
        missed[path] -= lines_ran
    return ran, missed
