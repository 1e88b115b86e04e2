"""Read the files of a run, and refuse those that changed since gates wrote them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gates.files.digest import FileDigest
from gates.files.folders import Blocked, Folder
from gates.portable.errors import UsageError
from gates.portable.regular import read_bytes
from gates.portable.values import listed, plural
from gates.results import Run, TestResult
from gates.results.files import COMPARISON_FILE, RUN_FILE, TESTS_FILE, load_run, load_tests
from gates.storage.records import all_records


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it was written.

    Attributes:
        run: the run.
        tests: its tests.
        comparison: its `comparison.json`; None if there is none.
    """

    run: Run
    tests: tuple[TestResult, ...]
    comparison: bytes | None = None


def load_evidence(path: Path, records: Path | None = None) -> Evidence:
    """Read a run, and every file of it.

    Args:
        path: a `run.json`.
        records: where runs of the project are recorded, to check `run.json` itself; None does not.

    Raises:
        UsageError: there is no run, or files of it have changed; all of them are named.
    """
    run = load_run(path)
    folder = path.parent
    if not run.files and run.complete and (run.tests is not None or any(gate.log for gate in run.gates)):
        raise UsageError(
            "the run lists no digests, so changes to its files cannot be detected",
            place=str(path),
            expected="`files`, with the digest of every file of the run",
            remedy="run it again with this version of gates",
        )
    own = _own(folder, records) if path.name == RUN_FILE else {}
    _refuse(folder, run.files | own, complete=run.complete)
    tests = load_tests(folder / TESTS_FILE) if TESTS_FILE in run.files else ()
    comparison = read_bytes(folder / COMPARISON_FILE) if COMPARISON_FILE in run.files else None
    return Evidence(run=run, tests=tests, comparison=comparison)


def refuse_altered(file: Path, records: Path | None = None) -> None:
    """Refuse a results file that differs from the `run.json` next to it; without one, the file is accepted.

    Args:
        file: the results file.
        records: as in `load_evidence`.

    Raises:
        UsageError: it changed since gates wrote it.
    """
    try:
        run = load_run(file.parent / RUN_FILE)
    except UsageError:
        return
    known = {name: written for name, written in run.files.items() if name == file.name}
    _refuse(file.parent, known | _own(file.parent, records), complete=run.complete)


def _own(folder: Path, records: Path | None) -> dict[str, FileDigest]:
    """What `run.json` should contain, if that is recorded and differs."""
    here = folder.resolve()
    for record in all_records(records) if records is not None else ():
        if record.folder == here and record.kind == "run" and not record.busy:
            with Folder.of(folder) as place:
                last = record.last(RUN_FILE)
                # After a killed run, it may be the previous one.
                return {} if last is None or record.wrote(place, RUN_FILE) else {RUN_FILE: last}
    return {}


def _refuse(folder: Path, files: dict[str, FileDigest], *, complete: bool) -> None:
    found = [(name, written, _now(folder, name, written, complete=complete)) for name, written in files.items()]
    differing = [(name, written, now) for name, written, now in found if now is not None]
    if not differing:
        return
    raise UsageError(
        "changed since gates wrote it, so it proves nothing: " + listed([name for name, _, _ in differing], 5),
        place=str(folder / differing[0][0]),
        expected=f"{differing[0][1].sha256} ({plural(differing[0][1].size, 'byte')})",
        got=str(differing[0][2]),
        remedy="run it again with `gates run`, which keeps these files aside",
    )


def _now(folder: Path, name: str, written: FileDigest, *, complete: bool) -> str | None:
    """What a file contains instead; None if it is unchanged. A killed run may have appended to it."""
    part = None if complete or name == RUN_FILE else written.size
    try:
        with Folder.of(folder) as place:
            found = place.digest(name, part)
    except FileNotFoundError:
        return "no file"
    except (OSError, Blocked) as error:
        return str(error)
    return None if found == written else f"{found.sha256} ({plural(found.size, 'byte')})"
