"""The cache between runs, outside the project: durations, worktrees, runs of bases."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TypeVar

import msgspec

from gates.portable.errors import GatesError, UsageError
from gates.portable.patterns import lazy_pattern
from gates.portable.values import TestOutcome
from gates.results import Run, TestResult
from gates.results.duplicates import worst_of
from gates.results.outstanding import Outstanding
from gates.storage.records import RECORDS
from gates.storage.sealed import read_sealed, write_sealed
from gates.vcs.git import Git

CACHE_VARIABLE = "GATES_CACHE_DIR"
_NAME = lazy_pattern(r".*-[0-9a-f]{16}", re.DOTALL)
_Kept = TypeVar("_Kept")
"""The name that `Store.of` gives a store."""

KEPT_RECORDS = 20
"""How many subjects have their outcomes kept: the base, and those between it and now."""


class GateHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Costs of a gate last time: seconds; number, total and longest seconds of its tests; peak memory of its largest test process.

    `injected`: its tests came from the plugin of gates in a pytest.
    """

    seconds: float
    tests: int = 0
    test_seconds: float = 0.0
    longest: float = 0.0
    peak: int = 0
    injected: bool = False

    def test_durations(self) -> list[float]:
        """A list of durations with this number, total and maximum: enough to choose a number of workers."""
        if self.tests < 2:
            return [self.test_seconds] * self.tests
        rest = (self.test_seconds - self.longest) / (self.tests - 1)
        return [self.longest] + [max(rest, 0.0)] * (self.tests - 1)


class TestMemory(msgspec.Struct, frozen=True, array_like=True):
    """The result of a test when it last ran.

    Attributes:
        outcome: as in its result.
        seconds: what it took.
        flaky: when it last failed and then passed in one run, in seconds since the epoch; 0 for never.
    """

    __test__ = False

    outcome: str
    seconds: float = 0.0
    flaky: float = 0.0


class RecordedOutcomes(msgspec.Struct, frozen=True, kw_only=True):
    """Outcomes of one run, stored by the validated tree.

    Attributes:
        run: its id.
        whole: every gate ran, without a filter: a test missing here does not exist in that tree.
        outcomes: by test.
    """

    run: str
    whole: bool
    outcomes: dict[str, str]


class Store:
    """The folder of one project in the user's cache. Losing it costs only time."""

    def __init__(self, folder: Path, root: Path | None = None) -> None:
        self.folder = folder
        # All worktrees of a repository share the folder, but each has its own outstanding tests.
        place = hashlib.sha256(os.fsencode(root)).hexdigest()[:16] if root is not None else "root"
        self._outstanding = folder / "outstanding" / f"{place}.json"
        self._made = folder / "made" / f"{place}.json"

    @staticmethod
    def of(root: Path, git: Git | None) -> Store:
        """The store of a project; all worktrees of a repository share one."""
        key, label = root.resolve(), root.name
        if git is not None:
            key = git.common_folder / git.prefix
            # For people. The name of a worktree would give each a separate store.
            label = PurePath(git.prefix).name or git.common_folder.parent.name
        name = hashlib.sha256(os.fsencode(key)).hexdigest()[:16]
        folder = cache_folder() / f"{label[:32]}-{name}"
        if git is not None and folder.is_relative_to(root.absolute()):
            _refuse_tracked(folder, root.absolute(), git)
        return Store(folder, root.resolve())

    def make(self) -> None:
        """Make the folder, if possible; if the cache is inside a project, git ignores it there."""
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / ".gitignore").open("x") as file:
                file.write("*\n")

    @property
    def records(self) -> Path:
        """The folder in which runs are recorded."""
        return self.folder / RECORDS

    def history(self) -> dict[str, GateHistory]:
        """The costs of gates last time; empty if unknown."""
        return _kept(self.folder / "history.json", dict[str, GateHistory]) or {}

    def tests(self) -> dict[str, TestMemory]:
        """The previous result of each test of the working tree; empty if unknown."""
        return _kept(self.folder / "tests.json", dict[str, TestMemory]) or {}

    def outstanding(self) -> Outstanding | None:
        """What is outstanding after the last run of this working tree; None if no run is known."""
        try:
            return msgspec.convert(json.loads(read_sealed(self._outstanding)), Outstanding)
        except (OSError, ValueError, RecursionError):
            return None

    def made(self) -> frozenset[str]:
        """Files that gates made in this working tree, that git did not ignore, and that runs reported."""
        try:
            return frozenset(str(name) for name in json.loads(read_sealed(self._made)))
        except (OSError, ValueError, TypeError, RecursionError):
            return frozenset()

    def remember_made(self, names: Collection[str]) -> None:
        """Record which files gates made: writing them again is not a change of the subject."""
        if not names:
            return
        with suppress(GatesError, OSError):
            write_sealed(self._made, json.dumps(sorted(self.made() | set(names))).encode())

    def recorded(self, identity: str) -> RecordedOutcomes | None:
        """The last run of a subject with this identity; None if there was none."""
        return _kept(self._record(identity), RecordedOutcomes)

    def _record(self, identity: str) -> Path:
        return self.folder / "outcomes" / f"{identity.rpartition(':')[2]}.json"

    def remember(self, run: Run, tests: tuple[TestResult, ...], *, part: bool = False) -> None:
        """Record costs of gates and results of tests. A cache that cannot be written is not a reason to fail.

        Args:
            run: the run.
            tests: its tests.
            part: only some of the tests were run, so gates took less time than usual.
        """
        try:
            if not run.filter:
                self._remember_gates(run, tests, only_without_tests=part)
            if tests and run.complete:
                self._remember_tests(run, tests)
        except (GatesError, OSError):
            return

    def remember_outstanding(self, left: Outstanding) -> None:
        """Record what is outstanding. If that cannot be written, a rerun would repeat too much or know nothing."""
        with suppress(GatesError, OSError):
            # Not with msgspec: an expression from the command line may contain bytes that are not UTF-8.
            write_sealed(self._outstanding, json.dumps(msgspec.to_builtins(left)).encode())

    def _remember_tests(self, run: Run, tests: tuple[TestResult, ...]) -> None:
        ran = [test for test in tests if not test.exclusion]
        if run.subject.kind in ("worktree", "folder"):
            known = self.tests()
            for test in worst_of(ran, _id).values():
                before = known.get(test.id)
                flaky = run.started if test.outcome is TestOutcome.FLAKY else before.flaky if before else 0.0
                known[test.id] = TestMemory(str(test.outcome), round(test.duration, 6), flaky)
            write_sealed(self.folder / "tests.json", msgspec.json.encode(known))
        ended = {gate.name for gate in run.gates if gate.outcome.value in ("passed", "failed")}
        whole = not run.filter and not run.include_excluded and run.whole and ended == set(run.planned)
        outcomes = {name: str(test.outcome) for name, test in worst_of(tests, _id).items()}
        record = self._record(run.subject.identity)
        write_sealed(record, msgspec.json.encode(RecordedOutcomes(run=run.id, whole=whole, outcomes=outcomes)))
        old = sorted(record.parent.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in old[KEPT_RECORDS:]:
            path.unlink(missing_ok=True)

    def _remember_gates(self, run: Run, tests: tuple[TestResult, ...], *, only_without_tests: bool) -> None:
        known = self.history()
        for gate in run.gates:
            if only_without_tests and gate.tests is not None:
                continue
            if gate.outcome.value in ("passed", "failed") and gate.duration:
                own = [test.duration for test in tests if test.gate == gate.name and test.duration]
                known[gate.name] = GateHistory(
                    seconds=round(gate.duration, 3),
                    tests=len(own),
                    test_seconds=round(sum(own), 3),
                    longest=round(max(own, default=0.0), 3),
                    peak=gate.peak,
                    injected=gate.injected,
                )
        write_sealed(self.folder / "history.json", msgspec.json.encode(known))


def _kept(path: Path, kind: type[_Kept]) -> _Kept | None:
    try:
        return msgspec.json.decode(read_sealed(path), type=kind)
    except (OSError, ValueError, RecursionError):
        return None


def _refuse_tracked(folder: Path, root: Path, git: Git) -> None:
    """Refuse a cache that git tracks: a branch could contain runs that never happened.

    Raises:
        UsageError: git tracks files in the cache.
    """
    name = folder.relative_to(root).as_posix()
    if git.answer("ls-files", "-z", "--", f":(literal){name}"):
        raise UsageError(
            "git tracks files in the cache, which may hold only runs of this machine",
            place=str(folder),
            remedy=f"git rm -r --cached -- {shlex.quote(name)}, or name another folder in {CACHE_VARIABLE}",
        )


def all_stores(cache: Path) -> Iterator[Store]:
    """The stores of all projects. The cache folder may also contain other things."""
    for path in sorted(cache.glob("*-*")):
        if _NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            yield Store(path)


def _id(test: TestResult) -> str:
    return test.id


def cache_folder() -> Path:
    """The folder of all stores: `$GATES_CACHE_DIR`, or the user's cache. Absolute, because git runs in other folders."""
    own = os.environ.get(CACHE_VARIABLE)
    if own:
        return Path(own).absolute()
    from platformdirs import user_cache_path

    return Path(user_cache_path("gates"))
