"""Distinguish new diagnostics from old ones whose lines have moved. Pure.

A diagnostic of the head is old if the base has one of the same rule, file (renames followed) and message, in
which numbers do not matter: as many as the base has of them, and those first whose line is the same line there. What is
left over on lines that were moved to another file, with their texts, is old, too. The rest is new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from gates.compare.values import DiagnosticsComparison
from gates.portable.failure_signature import normalise
from gates.portable.patterns import lazy_pattern
from gates.results import Diagnostic, Diagnostics, GateResult
from gates.vcs.hunks import FileDifference

if TYPE_CHECKING:
    Key = tuple[str, str, str, frozenset[str]]

_QUOTED = lazy_pattern(r"""["'`]([A-Za-z_][\w.]*)["'`]""")

NOT_RUN = "the gate was not run"


class Lines:
    """Where lines of the head are on the base."""

    def __init__(self, differences: Sequence[FileDifference]) -> None:
        self._by_head = {file.after: file for file in differences if file.after}
        self._removed = {file.before: dict(file.removed()) for file in differences if file.before}
        self._added = {path: dict(file.added()) for path, file in self._by_head.items()}

    def before(self, path: str) -> str:
        """The name on the base of a file of the head."""
        file = self._by_head.get(path)
        return file.before or path if file is not None else path

    def back(self, path: str, line: int) -> int:
        """The number of the same line on the base; 0 for none."""
        file = self._by_head.get(path)
        return line if file is None else file.back(line)

    def text_added(self, path: str, line: int) -> str:
        """The text of a line that only the head has; empty for others."""
        return self._added.get(path, {}).get(line, "").strip()

    def text_removed(self, path: str, line: int) -> str:
        """The text of a line that only the base has; `path` as named there."""
        return self._removed.get(path, {}).get(line, "").strip()


def compare_diagnostics(
    base: Sequence[GateResult], head: Sequence[GateResult], differences: Sequence[FileDifference]
) -> tuple[DiagnosticsComparison, ...]:
    """What is new in each gate that has diagnostics on either side.

    Args:
        base: gates of the base.
        head: gates of the head.
        differences: between the two subjects.
    """
    lines = Lines(differences)
    before = {gate.name: gate.diagnostics for gate in base}
    after = {gate.name: gate.diagnostics for gate in head}
    names = dict.fromkeys([*after, *before])
    return tuple(
        _of_gate(name, before.get(name), after.get(name), lines)
        for name in names
        if before.get(name) or after.get(name)
    )


def _of_gate(name: str, base: Diagnostics | None, head: Diagnostics | None, lines: Lines) -> DiagnosticsComparison:
    why = [
        f"{side}: {found.unknown if found is not None else NOT_RUN}"
        for side, found in (("base", base), ("head", head))
        if found is None or found.unknown
    ]
    told = DiagnosticsComparison(gate=name, base=_count(base), head=_count(head), unknown="; ".join(why))
    if why or base is None or head is None:
        return told
    if base.count > len(base.kept):
        cut = f"base: only the first {len(base.kept)} of {base.count} are kept"
        return msgspec.structs.replace(told, unknown=cut)
    new, gone = new_and_gone(base.kept, head.kept, lines)
    cut = f"head: only the first {len(head.kept)} of {head.count} are kept" if head.count > len(head.kept) else ""
    return msgspec.structs.replace(told, new=new, gone=gone, unknown=cut)


def _count(found: Diagnostics | None) -> int | None:
    return None if found is None or found.unknown else found.count


def new_and_gone(
    base: Sequence[Diagnostic], head: Sequence[Diagnostic], lines: Lines
) -> tuple[tuple[Diagnostic, ...], int]:
    """The diagnostics that only the head has, in its order, and how many only the base has."""
    before = _grouped((key_of(each, each.path), each) for each in base)
    after = _grouped((key_of(each, lines.before(each.path)), each) for each in head)
    surplus: set[int] = set()
    gone: list[Diagnostic] = []
    for key, found in after.items():
        left = _unmatched(before.pop(key, []), found, lines)
        surplus |= {id(each) for each in left[1]}
        gone += left[0]
    gone += [each for group in before.values() for each in group]
    new = [each for each in head if id(each) in surplus]
    return _without_moved(new, gone, lines)


def key_of(diagnostic: Diagnostic, path: str) -> Key:
    """The parts that stay the same when lines move: rule, path on the base, message with its names."""
    names = frozenset(_QUOTED.findall(diagnostic.message))
    return diagnostic.rule, path, normalise(diagnostic.message), names


def _grouped(pairs: Iterable[tuple[Key, Diagnostic]]) -> dict[Key, list[Diagnostic]]:
    found: dict[Key, list[Diagnostic]] = {}
    for key, each in pairs:
        found.setdefault(key, []).append(each)
    return found


def _unmatched(
    base: list[Diagnostic], head: list[Diagnostic], lines: Lines
) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """The rest of each side after pairing as many as possible."""
    there: dict[int, list[Diagnostic]] = {}
    for each in base:
        there.setdefault(each.line, []).append(each)
    left = []
    for each in head:
        same = there.get(lines.back(each.path, each.line))
        if same:
            same.pop()
        else:
            left.append(each)
    waiting = [each for same in there.values() for each in same]
    # A diagnostic on a line that the base also has is less likely new than one on an added line; and if a
    # removed line has the same text as an added one, it was moved.
    texts = Counter(text for each in waiting if (text := lines.text_removed(each.path, each.line)))
    left.sort(key=lambda each: _newness(each, texts, lines))
    pairs = min(len(left), len(waiting))
    return waiting[pairs:], left[pairs:]


def _newness(each: Diagnostic, removed: Mapping[str, int], lines: Lines) -> tuple[bool, bool]:
    text = lines.text_added(each.path, each.line)
    return not (text and removed.get(text)), bool(text)


def _without_moved(new: list[Diagnostic], gone: list[Diagnostic], lines: Lines) -> tuple[tuple[Diagnostic, ...], int]:
    """The diagnostics without those whose lines moved unchanged to another file."""

    def key(each: Diagnostic, text: str) -> tuple[object, ...]:
        rule, _, message, names = key_of(each, "")
        return rule, message, names, text

    moved = Counter(key(each, text) for each in gone if (text := lines.text_removed(each.path, each.line)))
    left = []
    for each in new:
        text = lines.text_added(each.path, each.line)
        if text and moved[key(each, text)] > 0:
            moved[key(each, text)] -= 1
        else:
            left.append(each)
    return tuple(left), len(gone) - (len(new) - len(left))
