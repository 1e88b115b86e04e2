"""Read what a gate reports besides outcomes: diagnostics and coverage, from files of this run, or from its log."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gates.planning.discover import Gate
from gates.portable.regular import open_file, open_text
from gates.portable.values import GateOutcome
from gates.readers.diagnostics.reasons import excerpt
from gates.readers.sourcepaths import SourcePaths
from gates.results import Coverage, Diagnostic, Diagnostics, TestCounts
from gates.results.artifacts import KEPT
from gates.vcs.git import Git

if TYPE_CHECKING:
    Stamps = Mapping[str, tuple[int, ...] | None]

ENDED = (GateOutcome.PASSED, GateOutcome.FAILED)
"""Outcomes of a gate that did its work."""


READ = 1 << 20
"""How many bytes at the end of a log are searched for the reason of a failure."""


def stamps(root: Path, gate: Gate) -> Stamps:
    """The stamps, before a gate starts, of the files for its findings and coverage."""
    findings = gate.findings if isinstance(gate.findings, tuple) else ()
    names = (*findings, *gate.config.coverage)
    return {name: stamp_of(root / name) for name in names}


def stamp_of(path: Path) -> tuple[int, ...] | None:
    """A value that changes when a file is written; None if it does not exist."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


def diagnostics_of(gate: Gate, root: Path, log: Path, outcome: GateOutcome, before: Stamps) -> Diagnostics | None:
    """What a gate's tools found; None for a gate without diagnostics.

    Args:
        gate: the gate.
        root: the project's folder.
        log: its log, closed.
        outcome: how it ended.
        before: the stamps of its files before it started.
    """
    wanted = gate.findings
    if wanted in {"none", ()}:
        return None
    source = "log" if isinstance(wanted, str) else ", ".join(wanted)
    if outcome not in ENDED:
        return Diagnostics(source=source, unknown=_did_not_end(outcome))
    paths = _paths(root, gate)
    try:
        if isinstance(wanted, str):
            found = _in_log(log, paths, passed=outcome is GateOutcome.PASSED)
        else:
            found = _in_files(root, wanted, before, passed=outcome is GateOutcome.PASSED)
    except ValueError as error:
        return Diagnostics(source=source, unknown=str(error))
    kept = tuple(msgspec.structs.replace(each, path=_visible(paths.one(each.path))) for each in found[:KEPT])
    return Diagnostics(count=len(found), kept=kept, source=source)


def _in_log(log: Path, paths: SourcePaths, *, passed: bool) -> list[Diagnostic]:
    from gates.readers.diagnostics import read_log

    try:
        with open_text(log, errors="replace") as lines:
            found = list(read_log(lines, paths.exists))
    except OSError as error:
        raise ValueError(f"the log cannot be read: {error.strerror}") from None
    if not found and not passed:
        raise ValueError("the gate failed, and its log shows no diagnostic in a known format")
    return found


def _in_files(root: Path, names: Sequence[str], before: Stamps, *, passed: bool) -> list[Diagnostic]:
    from gates.readers.diagnostics import read_diagnostics

    found: list[Diagnostic] = []
    for name in names:
        path = _written(root, name, before)
        if path.stat().st_size == 0 and passed:
            continue  # an empty file means no findings for tools that print a line per finding; after a crash it is also empty, but the gate fails
        try:
            found += read_diagnostics(path)
        except (ValueError, OSError) as error:
            raise ValueError(f"{name} {_said(error)}") from None
    return found


def excerpt_of(log: Path, outcome: GateOutcome, counts: TestCounts | None) -> tuple[str, ...]:
    """Why a gate did not pass, from its log; empty if its tests show it, or if nothing failed.

    Args:
        log: its log, closed and already masked.
        outcome: how it ended.
        counts: of its tests; None for a gate without.
    """
    told_by_tests = counts is not None and counts.bad and outcome is not GateOutcome.TIMEOUT
    if told_by_tests or outcome in (GateOutcome.PASSED, GateOutcome.SKIPPED, GateOutcome.INTERRUPTED):
        return ()
    try:
        with open_file(log) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - READ))
            text = file.read(READ).decode("utf-8", "replace")
    except OSError:
        return ()
    return excerpt(text, stopped=outcome is GateOutcome.TIMEOUT)


def coverage_of(gate: Gate, root: Path, outcome: GateOutcome, before: Stamps) -> Coverage | None:
    """The combined coverage files of a gate; None if it names none. Arguments as for `diagnostics_of`."""
    names = gate.config.coverage
    if not names:
        return None
    if outcome not in ENDED:
        return Coverage(unknown=_did_not_end(outcome))
    from gates.readers.coverage import put_together, read_coverage

    found = []
    for name in names:
        try:
            found.append(read_coverage(_written(root, name, before)))
        except (ValueError, OSError) as error:
            words = str(error)
            return Coverage(unknown=words if words.startswith(name) else f"{name} {_said(error)}")
    return put_together(found, _paths(root, gate).find)


def _written(root: Path, name: str, before: Stamps) -> Path:
    """The path of a file that the gate wrote.

    Raises:
        ValueError: it did not.
    """
    stamp = stamp_of(root / name)
    if stamp is None:
        raise ValueError(f"{name} was not written")
    if stamp == before[name]:
        raise ValueError(f"{name} was not written by this run: it is an old file")
    return root / name


def _said(error: ValueError | OSError) -> str:
    return f"cannot be read: {error.strerror or error}" if isinstance(error, OSError) else str(error)


def _did_not_end(outcome: GateOutcome) -> str:
    return f"the gate did not finish ({outcome})"


def _paths(root: Path, gate: Gate) -> SourcePaths:
    def files() -> Iterator[str]:
        from gates.analysis.project import project_files

        yield from project_files(root, Git.of(root))

    return SourcePaths(root, files, (gate.config.cwd, "") if gate.config.cwd else ("",))


def _visible(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
