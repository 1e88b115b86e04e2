"""What is kept between runs, outside the project: durations, worktrees, runs of bases."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gates.errors import GatesError
from gates.results.files import write_whole

if TYPE_CHECKING:
    from gates.git import Git
    from gates.results import Run, TestResult

CACHE_VARIABLE = "GATES_CACHE_DIR"


class GateHistory(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate took last time: seconds, and number, summed and longest seconds of its tests."""

    seconds: float
    tests: int = 0
    test_seconds: float = 0.0
    longest: float = 0.0

    def test_durations(self) -> list[float]:
        """A list of durations with this number, sum and longest: enough to choose a number of workers."""
        if self.tests < 2:
            return [self.test_seconds] * self.tests
        rest = (self.test_seconds - self.longest) / (self.tests - 1)
        return [self.longest] + [max(rest, 0.0)] * (self.tests - 1)


class Store:
    """The folder of one project in the user's cache. Losing it costs time, never truth."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def of(root: Path, git: Git | None) -> Store:
        """The store of a project; all worktrees of a repository share one."""
        key = root.resolve()
        if git is not None:
            key = git.common_folder / git.prefix
        name = hashlib.sha256(os.fsencode(key)).hexdigest()[:16]
        return Store(cache_folder() / f"{root.name[:32]}-{name}")

    def history(self) -> dict[str, GateHistory]:
        """What gates took last time; empty when nothing is known."""
        try:
            return msgspec.json.decode((self.folder / "history.json").read_bytes(), type=dict[str, GateHistory])
        except (OSError, ValueError, RecursionError):
            return {}

    def remember(self, run: Run, tests: tuple[TestResult, ...]) -> None:
        """Keep what gates took. A cache that cannot be written is no reason to fail."""
        known = self.history()
        for gate in run.gates:
            if gate.outcome.value in ("passed", "failed") and gate.duration:
                own = [test.duration for test in tests if test.gate == gate.name and test.duration]
                known[gate.name] = GateHistory(
                    seconds=round(gate.duration, 3),
                    tests=len(own),
                    test_seconds=round(sum(own), 3),
                    longest=round(max(own, default=0.0), 3),
                )
        try:
            write_whole(self.folder / "history.json", msgspec.json.encode(known))
        except GatesError:
            return


def cache_folder() -> Path:
    """Where stores lie: `$GATES_CACHE_DIR`, or the user's cache. Absolute: git is run in other folders."""
    own = os.environ.get(CACHE_VARIABLE)
    if own:
        return Path(own).absolute()
    from platformdirs import user_cache_path

    return Path(user_cache_path("gates"))
