"""Runs kept for reuse, so that the same tree is not run twice for the same question."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import msgspec

from gates.files.digest import FileDigest
from gates.files.folders import Folder
from gates.portable.errors import GatesError
from gates.portable.regular import open_file, read_bytes
from gates.portable.values import ExitCode, GateOutcome
from gates.results import Run, TestResult
from gates.results.files import (
    COMPARISON_FILE,
    RUN_FILE,
    VIEWS,
    encoded,
    reports_problem,
    to_json,
    write_whole,
)
from gates.storage.evidence import load_evidence
from gates.storage.records import RECORDS, digest_of
from gates.storage.reports import Reports
from gates.storage.run_key import RunKey
from gates.storage.sealed import read_sealed, write_sealed
from gates.storage.streams import Stream

KEPT_RUNS = 40
"""How many runs are kept."""

FOLDER = "runs"
"""Folder of the runs in the store."""


KEY_FILE = "key.json"
"""Binds a kept run to its key."""


class _Bound(msgspec.Struct, frozen=True, kw_only=True):
    """The key of a kept run, and the digest of its `run.json`, which has those of all its other files."""

    key: RunKey
    run: FileDigest | None


class StoredRuns:
    """Runs in the store, each under a key made of everything that affects its result.

    Args:
        store: the folder of the store.
        fresh: find none.
    """

    def __init__(self, store: Path, *, fresh: bool = False) -> None:
        self.folder, self.fresh = store / FOLDER, fresh
        self._records = store / RECORDS

    def find(self, key: RunKey | None) -> tuple[Run, tuple[TestResult, ...]] | None:
        """A run and its tests; None if there is none, or it cannot be read, or it was changed."""
        if self.fresh or key is None:
            return None
        folder = self.folder / key.name
        try:
            bound = msgspec.json.decode(read_sealed(folder / KEY_FILE), type=_Bound)
            if bound != _Bound(key=key, run=digest_of(folder / RUN_FILE)):
                return None
            found = load_evidence(folder / RUN_FILE)
            folder.touch()
        except (GatesError, OSError, ValueError):
            return None
        return found.run, found.tests

    def lay_out(self, key: RunKey, run: Run, target: Path, root: Path) -> Run:
        """Copy the reports of a kept run to where those of a new one would be.

        Args:
            key: of the run.
            run: the value for `run.json`.
            target: a reports folder; other files in it stay.
            root: the project's folder.

        Returns:
            The run as in its `run.json`.

        Raises:
            UsageError: something that gates did not write has one of the names.
            EnvironmentProblem: they cannot be written, or another run writes its reports there.
        """
        with Reports.begin(target, self._records, run.id, root=root, needs=run.files) as reports:
            try:
                for name in run.files:
                    if name not in VIEWS:
                        _pour(self.folder / key.name / name, reports.stream(name))
                last = {name: read_bytes(self.folder / key.name / name) for name in VIEWS if name in run.files}
            except OSError as error:
                raise reports_problem(target, error) from error
            files = reports.digests | {name: FileDigest.of(data) for name, data in last.items()}
            run = msgspec.structs.replace(run, files=files)
            reports.publish({RUN_FILE: to_json(run), **last})
        return run

    def keep(self, key: RunKey | None, run: Run, reports: Path) -> str:
        """Keep a run, if its result is reproducible; return why it could not be kept, or nothing."""
        if key is None or not _came_to_an_end(run) or not run.subject.identity.endswith(f":{key.tree}"):
            return ""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=".", dir=self.folder))
            _copy_reports(run, reports, aside)
            shutil.rmtree(self.folder / key.name, ignore_errors=True)
            aside.replace(self.folder / key.name)
            # Last, because its place is sealed, too: without it, there is no run.
            bound = _Bound(key=key, run=digest_of(self.folder / key.name / RUN_FILE))
            write_sealed(self.folder / key.name / KEY_FILE, encoded(bound))
            old = sorted(self.folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
            for path in old[KEPT_RUNS:]:
                shutil.rmtree(path, ignore_errors=True)
        except (GatesError, OSError) as error:
            return f"the run is not kept: {error}"
        return ""


def _came_to_an_end(run: Run) -> bool:
    """Whether all of it ran: anything stopped by the environment or the user may run the next time."""
    if run.changed or run.altered or not run.complete or run.exit_code not in (ExitCode.PASSED, ExitCode.GATE_FAILED):
        return False
    ended = (GateOutcome.PASSED, GateOutcome.FAILED, GateOutcome.SKIPPED)
    return not (run.tests and run.tests.lost) and all(gate.outcome in ended for gate in run.gates)


def _copy_reports(run: Run, source: Path, target: Path) -> None:
    """Copy only the files of a run; `run.json` comes last, so that a partial copy does not count.

    Raises:
        GatesError: a file changed since the run wrote it.
        OSError: a file cannot be copied.
    """
    files = {name: written for name, written in run.files.items() if name != COMPARISON_FILE}
    with Folder.of(source) as folder:
        for name, written in files.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            with folder.reader(name) as file, (target / name).open("wb") as copy:
                shutil.copyfileobj(file, copy)
            if digest_of(target / name) != written:
                raise GatesError("changed since the run wrote it", place=str(source / name))
    write_whole(target / RUN_FILE, to_json(msgspec.structs.replace(run, files=files)))


def _pour(source: Path, stream: Stream) -> None:
    with open_file(source) as file:
        while data := file.read(1 << 20):
            stream.write(data)
    stream.close()
