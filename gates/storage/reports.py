"""The reports of one run: recorded in the store first, published in a folder during the run and at its end."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from gates.files.digest import FileDigest
from gates.files.folders import Blocked, Folder, open_within
from gates.portable.errors import EnvironmentProblem, UsageError
from gates.portable.settings.paths import is_gits
from gates.portable.values import listed
from gates.results.files import COMPARISON_FILE, LOGS_FOLDER, RUN_FILE, VIEWS, reports_problem
from gates.storage.claims import NAMES, claim, need
from gates.storage.past_runs import PAST, keep_past
from gates.storage.published import Published
from gates.storage.records import ASIDE, RECORDS, OpenRecord, digest_of, key_of, prune
from gates.storage.streams import Stream


class Reports:
    """Writes the reports of a run.

    Reports of an earlier run are removed first, so that no stale summary is next to a new `run.json`.

    Attributes:
        folder: the reports folder.
        moved: a note about changed reports of an earlier run; empty if there were none.
    """

    def __init__(self, there: Published, record: OpenRecord, files: Mapping[str, FileDigest]) -> None:
        self._there, self._record = there, record
        self._streams: dict[str, Stream] = {}
        self._whole = dict(files)
        self.folder = there.path
        self.moved = ""

    @classmethod
    def begin(
        cls,
        folder: Path,
        records: Path,
        run: str,
        *,
        root: Path | None = None,
        kind: str = "run",
        needs: Iterable[str] = (),
        spare: Path | None = None,
    ) -> Reports:
        """Begin the reports of a run.

        Args:
            folder: where they are published.
            records: where runs are recorded.
            run: id of the run.
            root: the project's folder: inside it, no link is followed.
            kind: `run`, `stack`, `comparison` or `mutants`.
            needs: other names that will be written.
            spare: where it is recorded if the cache cannot be written.

        Raises:
            UsageError: a name is taken by what gates did not write, or by a link.
            EnvironmentProblem: another run writes there, or it cannot be written.
        """
        refuse_project(folder, root if kind != "comparison" else None)
        there = Published(folder, root)
        try:
            claimed = claim(there.folder, records, kind)
            changed = need(there.folder, (*NAMES[kind], *needs), claimed)
            moved = {name: f"{ASIDE}{run}/{name}" for name in changed}
            for name, aside in moved.items():
                there.folder.move(name, aside)
            # What a reader believes goes first: a kill in between must not leave a green summary without its run.
            for name in sorted(claimed.files, key=lambda name: (name not in VIEWS, name)):
                there.folder.remove(name)
            for old in claimed.records:
                there.remove_made(old.made)
                keep_past(old, there.path, records.with_name(PAST))
            record = _new_record(records, spare, run, there.path, kind)
            for made in (made for old in claimed.records for made in old.made if Path(made).is_dir()):
                record.note(made=made)  # gates may remove it, whichever run made it
            prune(records, record.path)
        except OSError as error:
            there.close()
            raise reports_problem(folder, error) from error
        except BaseException:
            there.close()
            raise
        self = cls(there, record, {})
        self.moved = _said_of(moved)
        if moved:
            sys.stderr.write(f"gates: {there.path}: {self.moved}\n")
        self._note_made()
        return self

    @classmethod
    def resume(
        cls, folder: Path, records: Path, run: str, files: Mapping[str, FileDigest], root: Path | None = None
    ) -> Reports:
        """Continue the reports of a run that has just ended.

        Args:
            folder: where they are published.
            records: where runs are recorded.
            run: id of the run.
            files: its files, from its value.
            root: the project's folder.

        Raises:
            EnvironmentProblem: its record is gone, or in use.
        """
        there = Published(folder, root)
        try:
            record = OpenRecord(records / key_of(run, there.path))
        except OSError as error:
            there.close()
            raise reports_problem(records, error) from error
        for name in (*files, RUN_FILE):
            if record.wrote(there.folder, name):
                there.trust(name)
        return cls(there, record, files)

    def __enter__(self) -> Reports:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all files and the folder; calling this again does nothing."""
        for stream in self._streams.values():
            stream.close()
        self._record.close()
        self._there.close()

    # During the run

    def log(self, name: str) -> Stream:
        """Begin the log of a gate. Raises as `stream`."""
        return self.stream(f"{LOGS_FOLDER}/{name}")

    def stream(self, name: str) -> Stream:
        """Begin a growing file; a file of this run with that name is started again.

        Raises:
            EnvironmentProblem: it cannot be written.
        """
        record, path = self._record, self._record.files / name
        try:
            if self._record.wrote(self._there.folder, name):
                self._there.folder.remove(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            record.note(stream=name)
            stream = self._streams[name] = Stream(path)
            stream.live = self._there.begin(name)
            self._note_made()
        except OSError as error:
            raise reports_problem(self.folder / name, error) from error
        return stream

    def put(self, name: str, data: bytes) -> None:
        """Write or replace a whole file; if something made by a gate is in the way, publishing waits for the end.

        Raises:
            EnvironmentProblem: it cannot be written; what was there before stays.
        """
        self._put({name: data}, at_last=False)

    def tell(self, line: bytes) -> None:
        """Add a line for those who follow the run; it is in none of its files."""
        self._record.tell(line)

    @property
    def digests(self) -> dict[str, FileDigest]:
        """Every file so far except `run.json`, as it was written, even if something else is there now."""
        found = self._whole | {name: stream.digest for name, stream in self._streams.items()}
        return {name: found[name] for name in sorted(found) if name != RUN_FILE}

    # At its end

    def altered(self) -> tuple[str, ...]:
        """Recorded files that were changed. Those still unchanged in the folder are recorded again."""
        found = []
        for stream in self._streams.values():
            stream.close()
        for name, written in self.digests.items():
            path = self._record.files / name
            if digest_of(path) == written:
                continue
            found.append(name)
            if not self._there.compare(name, written):
                with suppress(OSError, Blocked):
                    path.unlink(missing_ok=True)
                    path.write_bytes(self._there.folder.read(name))
        return tuple(found)

    def restore(self) -> dict[str, str]:
        """Publish again what a gate removed or changed in the folder; return the changes by name.

        Raises:
            EnvironmentProblem: a link or a file is where a folder should be, or there is no space.
        """
        there = self._there
        try:
            there.enter_again()
            for name, written in (self.digests | self._whole).items():
                done = there.compare(name, written)
                if not done:
                    there.trust(name)
                else:
                    there.disturbed[name] = done
                    path = self._record.files / name
                    if digest_of(path) == written:
                        there.put({name: path}, self._record, at_last=True)
            for name in NAMES["run"]:
                there.make_free(name, self._record)
        except Blocked as error:
            raise EnvironmentProblem(
                f"the reports cannot be published: {error.what}",
                place=error.place,
                expected=error.expected,
                got=error.got,
                remedy=f"remove it and run again; the recorded files are in {self._record.files}",
            ) from error
        except OSError as error:
            raise reports_problem(self.folder, error) from error
        return dict(there.disturbed)

    def publish(self, files: Mapping[str, bytes]) -> None:
        """Write the last files of the run, all of them or none, because they must agree.

        Raises:
            EnvironmentProblem: they cannot be written; then none with a verdict is left.
        """
        try:
            self._put(files, at_last=True)
            self._record.note(ended=True)
        except EnvironmentProblem:
            for name in (*files, *VIEWS, COMPARISON_FILE):
                self._there.withdraw(name)
                self._whole.pop(name, None)
            raise

    def give_up(self, data: bytes) -> None:
        """Leave a `run.json` that says that the run could not go on, or, if that cannot be written, no misleading one."""
        try:
            with suppress(EnvironmentProblem):
                self._put({RUN_FILE: data}, at_last=True)
                return
            self._there.put({RUN_FILE: data}, self._record, at_last=True)  # perhaps the record itself is gone
        except (OSError, Blocked):
            for name in (*VIEWS, COMPARISON_FILE):
                self._there.withdraw(name)

    def _put(self, files: Mapping[str, bytes], *, at_last: bool) -> None:
        record = self._record
        name, place = "", record.files
        try:
            with Folder.of(record.files) as recorded:
                for name, data in files.items():
                    recorded.put(name, data, [])
                    self._whole[name] = written = FileDigest.of(data)
                    record.note(name=name, size=written.size, sha256=written.sha256)
            place = self.folder
            self._there.put(files, record, at_last=at_last)
            self._note_made()
        except (OSError, Blocked) as error:
            known = error if isinstance(error, OSError) else OSError(str(error))
            raise reports_problem(place / name, known) from error

    def _note_made(self) -> None:
        for path in [*self._there.made, *(self.folder / name for name in self._there.subfolders)]:
            if str(path) not in self._record.made:
                self._record.note(made=str(path))


def refuse_taken(folder: Path, records: Path, *, root: Path | None, needs: Iterable[str], kind: str = "run") -> None:
    """Refuse a reports folder in which other files have needed names; nothing is created or removed. `kind` as in `Reports.begin`.

    Raises:
        UsageError: lists all such names.
        EnvironmentProblem: another run publishes there.
    """
    refuse_project(folder, root)
    try:
        with open_within(root, folder) as place:
            need(place, (*NAMES[kind], *needs), claim(place, records, kind))
    except FileNotFoundError:
        return
    except OSError as error:
        raise reports_problem(folder, error) from error


def refuse_project(folder: Path, root: Path | None) -> None:
    """Refuse git's folder, the project's own folder, and those above it: reports would become a part of them.

    Raises:
        UsageError: it is one of them.
    """
    if is_gits(folder.resolve().as_posix()):
        problem = "is inside the git folder"
    elif root is not None and root.resolve().is_relative_to(folder.resolve()):
        problem = "contains the project itself"
    else:
        return
    raise UsageError(
        f"the reports folder {problem}",
        place=str(folder),
        expected="a folder of its own",
        remedy="name another one with --reports FOLDER",
    )


def _said_of(moved: Mapping[str, str]) -> str:
    if not moved:
        return ""
    aside = next(iter(moved.values())).partition("/")[0]
    return f"reports that changed since gates wrote them were kept in {aside}: {listed(list(moved), 5)}"


def _new_record(records: Path, spare: Path | None, run: str, folder: Path, kind: str) -> OpenRecord:
    try:
        return OpenRecord.begin(records, run, folder, kind)
    except OSError:
        if spare is None:
            raise
        return OpenRecord.begin(spare / RECORDS, run, folder, kind)
