"""Find the files of gates in a reports folder: only these may be removed and replaced.

A file belongs to gates if its content is known to be written by gates: from the record of what was published there, or, if the
cache was lost, from the folder's own `run.json`, which names every file of its run with a digest.
"""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from gates.files.folders import Blocked, Folder
from gates.portable.errors import UsageError
from gates.portable.patterns import lazy_pattern
from gates.results import Run
from gates.results.files import (
    COMPARISON_FILE,
    CONFIRM_FOLDER,
    LOGS_FOLDER,
    MUTANTS_FILE,
    MUTANTS_SUMMARY_FILE,
    RED_GREEN_FOLDER,
    RUN_FILE,
    STACK_FILE,
    STACK_FOLDER,
    STACK_SUMMARY_FILE,
    TESTS_FILE,
    TIMING_FOLDER,
    VIEWS,
)
from gates.storage.published import busy
from gates.storage.records import ASIDE, Record, all_records
from gates.vcs.git import Git

NAMES = {
    "run": (RUN_FILE, TESTS_FILE, *VIEWS, COMPARISON_FILE),
    "stack": (STACK_FILE, STACK_SUMMARY_FILE),
    "comparison": (COMPARISON_FILE,),
    "mutants": (MUTANTS_FILE, MUTANTS_SUMMARY_FILE),
}
"""Kind of publication → the names that it uses in its folder."""

BELOW = {
    "run": (CONFIRM_FOLDER, TIMING_FOLDER, RED_GREEN_FOLDER),
    "stack": (STACK_FOLDER,),
    "comparison": (),
    "mutants": (),
}
"""Kind of publication → subfolders in which it also publishes."""


_TOP = frozenset({*(name for names in (*NAMES.values(), *BELOW.values()) for name in names), LOGS_FOLDER, ".gitignore"})


_ASIDE = lazy_pattern(rf"{ASIDE}\d{{8}}T\d{{6}}Z-[0-9a-f]{{6}}")


def is_report(path: str) -> bool:
    """Whether runs use this path in a reports folder: for a report, for a file before its renaming, or to keep a file aside."""
    first = path.partition("/")[0]
    return first in _TOP or _ASIDE.fullmatch(first) is not None or any(first.startswith(f".{name}.") for name in _TOP)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """The files of gates in a folder.

    Attributes:
        files: names that may be removed.
        changed: names under which gates published something that may have been replaced since.
        records: the records that show this.
    """

    files: frozenset[str]
    changed: frozenset[str]
    records: tuple[Record, ...]


def claim(folder: Folder, records: Path, kind: str) -> Claim:
    """Find what an earlier publication of this kind left in a folder and its subfolders.

    Raises:
        EnvironmentProblem: another run is publishing there.
    """
    files: set[str] = set()
    changed: set[str] = set()
    ended: list[Record] = []
    here = folder.path.resolve()
    for record in all_records(records):
        if record.folder != here and not any(record.folder.is_relative_to(here / name) for name in BELOW[kind]):
            continue
        if record.busy:
            raise busy(record.folder)
        above = record.folder.relative_to(here).as_posix()
        names = {name if above == "." else f"{above}/{name}": name for name in record.names}
        with_kind = record.kind == kind or record.folder != here
        for name, own in names.items():
            if own in NAMES[kind] or with_kind:
                (files if _wrote(record, folder, above, own) else changed).add(name)
        if with_kind:
            ended.append(record)
    recorded = frozenset(changed)
    for above in ("", *_runs_below(folder, kind)):
        if f"{above}{RUN_FILE}" not in files:
            known, others = _manifest(folder, above)
            if not above and kind != "run":
                known, others = known & set(NAMES[kind]), others & set(NAMES[kind])
            files |= {f"{above}{name}" for name in known} - recorded  # a record is more reliable
            changed |= {f"{above}{name}" for name in others}
    there = {name for name in changed - files if _there(folder, name)}
    return Claim(files=frozenset(files), changed=frozenset(there), records=tuple(ended))


def _wrote(record: Record, folder: Folder, above: str, name: str) -> bool:
    try:
        with folder.below("" if above == "." else above) as place:
            return record.wrote(place, name)
    except (OSError, Blocked):
        return False


def _there(folder: Folder, name: str) -> bool:
    try:
        return folder.about(name) is not None
    except Blocked:
        return True  # behind a link, or below a file


def _runs_below(folder: Folder, kind: str) -> Iterator[str]:
    """Subfolders that may contain runs of an earlier publication, each with its slash."""
    for name in BELOW[kind]:
        with suppress(OSError, Blocked), folder.below(name) as place:
            yield from (f"{name}/{each}/" for each in place.names())


def _manifest(folder: Folder, above: str) -> tuple[set[str], set[str]]:
    try:
        with folder.below(above) as place:
            return _by_manifest(place)
    except (OSError, Blocked):
        return set(), set()


def _by_manifest(folder: Folder) -> tuple[set[str], set[str]]:
    """Names from the folder's own `run.json`, if the cache was lost: unchanged files, and changed ones.

    A branch cannot forge one: git would track it. And it cannot name files that gates would not have written.
    """
    try:
        run = msgspec.json.decode(folder.read(RUN_FILE), type=Run)
    except (OSError, Blocked, ValueError, RecursionError):
        return set(), set()
    if _tracked(folder.path, (RUN_FILE,)):
        return set(), set()
    logs = {gate.log for gate in run.gates if gate.log.startswith(f"{LOGS_FOLDER}/") and gate.log.count("/") == 1}
    named = {*logs, *NAMES["run"]}
    # Gates that were still running are not named yet: it is unknown what wrote their logs.
    running = set() if run.complete else _logs_in(folder) - run.files.keys()
    known = [name for name in run.files if name in named]
    if not known:
        return set(), named | running  # from an earlier version: it is unknown what it wrote
    ours = {RUN_FILE}
    for name in known:
        written = run.files[name]
        # A killed run wrote more than it could record; without a beginning, there is no proof.
        part = None if run.complete or not written.size else written.size
        with suppress(OSError, Blocked):
            if folder.digest(name, part) == written:
                ours.add(name)
    return ours, running | set(known) - ours


def _logs_in(folder: Folder) -> set[str]:
    with suppress(OSError, Blocked), folder.below(LOGS_FOLDER) as logs:
        return {f"{LOGS_FOLDER}/{name}" for name in logs.names() if name.endswith(".log")}
    return set()


def _tracked(folder: Path, names: Iterable[str]) -> set[str]:
    """Which of these names git tracks."""
    git = Git.of(folder)
    if git is None:
        return set()
    said = git.answer("ls-files", "-z", "--", *(f":(literal){name}" for name in names))
    return {name for name in said.split("\0") if name}


def need(folder: Folder, names: Iterable[str], claimed: Claim) -> tuple[str, ...]:
    """Refuse to go on if something that gates did not write has a needed name.

    Returns:
        Names of files that gates published and that were changed since: they must be moved aside, never removed.

    Raises:
        UsageError: lists all taken names, and what to do.
    """
    taken: dict[str, str] = {}
    changed: list[str] = []
    for name in names:
        above = name.rpartition("/")[0]
        try:
            about = folder.about(name)
        except Blocked as error:
            taken[above] = error.got
            continue
        if about is None or name in claimed.files:
            continue
        if name in claimed.changed and stat.S_ISREG(about.st_mode):
            changed.append(name)
        else:
            taken[name] = "gates did not write it"
    tracked = _tracked(folder.path, (*taken, *changed)) if taken or changed else set()
    taken |= dict.fromkeys((name for name in (*taken, *changed) if name in tracked), "git tracks it")
    if taken:
        untrack = f"; git rm -r --cached {shlex.quote(str(folder.path))} takes reports out of git" if tracked else ""
        raise UsageError(
            "the names of the reports are taken, and gates replaces only files that it wrote itself",
            place=str(folder.path),
            got=", ".join(f"{name} ({why})" for name, why in sorted(taken.items())),
            remedy=f"move or remove these files, or name another folder with --reports FOLDER{untrack}",
        )
    return tuple(changed)
