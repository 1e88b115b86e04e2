"""Which suppressions cover which faults, and which of them no longer hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from gates.analysis.mutants.choose import faults_of
from gates.analysis.mutants.source import Fault
from gates.config.values import Suppression
from gates.portable.filters.matchers import compile_path_matcher
from gates.portable.filters.nodes import Matcher
from gates.portable.regular import read_bytes


def covers(entry: Suppression, fault: Fault, line: str) -> bool:
    """Whether a suppression covers a fault, even after its date.

    Args:
        entry: the suppression.
        fault: the fault.
        line: the text of its line.
    """
    named = not entry.function or f".{fault.function}".endswith(f".{entry.function}")
    kind = not entry.operator or entry.operator == fault.operator
    return named and kind and entry.text in line and _matches(entry, fault.path)


def _matches(entry: Suppression, path: str) -> bool:
    return compile_path_matcher(Matcher("#", entry.path.removeprefix("/")))(path)


def out_of_order(entries: Sequence[Suppression], root: Path, files: Sequence[str], today: dt.date) -> tuple[str, ...]:
    """What is the matter with suppressions: those that expired, and those that no longer match anything.

    Args:
        entries: all of them.
        root: the project's folder.
        files: its files.
        today: the date that counts.
    """
    found = []
    for entry in entries:
        if entry.is_expired(today):
            found.append(f"the suppression {entry.name} expired on {entry.expires}: {entry.reason}")
        elif not _matches_any(entry, root, files):
            found.append(f"the suppression {entry.name} matches no mutant: remove it")
    return tuple(found)


def _matches_any(entry: Suppression, root: Path, files: Sequence[str]) -> bool:
    for path in files:
        if path.endswith(".py") and _matches(entry, path):
            data = read_bytes(root / path)
            lines = data.decode("utf-8", "replace").split("\n")
            if any(covers(entry, fault, lines[fault.line - 1]) for fault in faults_of(path, data)):
                return True
    return False
