"""Follow a run that goes on, by the files that it writes: its gates, the number of its tests, its failures so far."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock
from typing import TypeVar

import msgspec

from gates.portable.regular import open_file
from gates.portable.values import BAD_TESTS, GateOutcome
from gates.results import GateResult, Run, TestResult
from gates.results.event_schema import AnyEvent, GateStarted, TestsCollected
from gates.results.files import TESTS_FILE
from gates.run.estimate import seconds_left
from gates.serve.runs import KnownRun
from gates.storage.cache import GateHistory
from gates.storage.records import LIVE

FAILURES = 100
"""How many failures are kept."""

_Line = TypeVar("_Line")


class GateState(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate does now.

    Attributes:
        name: of the gate.
        result: None until it ended.
        started: seconds since the epoch; 0 if it waits.
        usual: seconds that it took last time; None if that is not known.
        tests: how many have a result.
        bad: how many of these failed.
        expected: how many tests it has; 0 if that is not known yet.
    """

    name: str
    result: GateResult | None = None
    started: float = 0.0
    usual: float | None = None
    tests: int = 0
    bad: int = 0
    expected: int = 0

    @property
    def word(self) -> str:
        """Its state, as it is shown."""
        if self.result is not None:
            return self.result.outcome.word
        return "running" if self.started else "waiting"


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """What a run does now.

    Attributes:
        run: as in its `run.json` so far.
        gates: all planned ones, in order.
        failures: the first ones.
        bad: number of all failures.
        tests: number of tests with a result.
        left: seconds until it probably ends; None if that is not known.
    """

    run: Run
    gates: tuple[GateState, ...]
    failures: tuple[TestResult, ...] = ()
    bad: int = 0
    tests: int = 0
    left: float | None = None

    @property
    def failed(self) -> int:
        """Number of gates that ended and did not pass."""
        ended = [gate.result for gate in self.gates if gate.result is not None]
        fine = (GateOutcome.PASSED, GateOutcome.SKIPPED)
        return sum(result.outcome not in fine and not result.accepted for result in ended)

    @property
    def ended(self) -> int:
        """Number of gates that ended."""
        return sum(gate.result is not None for gate in self.gates)


class _Tail:
    """Whole lines of a growing file, each read once; `begun` counts how often a new file was there."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0
        self.file = self.begun = 0

    def lines(self) -> Iterator[bytes]:
        """The new lines; from the start if another file is there."""
        try:
            with open_file(self._path) as file:
                about = os.fstat(file.fileno())
                if about.st_ino != self.file or about.st_size < self._at:
                    self.file, self._at = about.st_ino, 0
                    self.begun += 1
                file.seek(self._at)
                for line in file:
                    if not line.endswith(b"\n"):
                        return  # it is being written
                    self._at += len(line)
                    yield line
        except OSError:
            return


class Follower:
    """Follows one run. Several threads may ask."""

    def __init__(self, known: KnownRun) -> None:
        self._tests, self._live = _Tail(known.files / TESTS_FILE), _Tail(known.record / LIVE)
        self._lock = Lock()
        self._started: dict[str, float] = {}
        self._expected: dict[str, int] = {}
        self._begin()

    def _begin(self) -> None:
        self._counts: dict[str, list[int]] = {}
        self._failures: list[TestResult] = []

    def state(self, run: Run, history: dict[str, GateHistory], now: float) -> RunState:
        """The state of the run.

        Args:
            run: as in its `run.json` now.
            history: what its gates took last time.
            now: seconds since the epoch.
        """
        with self._lock:
            self._read()
            return self._state(run, history, now)

    def _read(self) -> None:
        for event in _decoded(self._live.lines(), _EVENT.decode):
            if isinstance(event, GateStarted):
                self._started[event.gate] = event.time
            elif isinstance(event, TestsCollected):
                self._expected[event.gate] = event.tests
        before = self._tests.begun
        for line in self._tests.lines():
            if self._tests.begun != before:
                before = self._tests.begun
                self._begin()
            for test in _decoded([line], _TEST.decode):
                counts = self._counts.setdefault(test.gate, [0, 0])
                counts[0] += 1
                if test.outcome in BAD_TESTS:
                    counts[1] += 1
                    if len(self._failures) < FAILURES:
                        self._failures.append(test)

    def _state(self, run: Run, history: dict[str, GateHistory], now: float) -> RunState:
        ended = {gate.name: gate for gate in run.gates}
        usual = {name: history[name].seconds if name in history else None for name in run.planned}
        gates = []
        for name in run.planned:
            tests, bad = self._counts.get(name, (0, 0))
            gates.append(
                GateState(
                    name=name,
                    result=ended.get(name),
                    started=self._started.get(name, 0.0),
                    usual=usual[name],
                    tests=tests,
                    bad=bad,
                    expected=self._expected.get(name, 0),
                )
            )
        return RunState(
            run=run,
            gates=tuple(gates),
            failures=tuple(self._failures),
            bad=sum(bad for _, bad in self._counts.values()),
            tests=sum(number for number, _ in self._counts.values()),
            left=seconds_left(usual, self._started, ended, run.jobs, now),
        )


_EVENT: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_TEST = msgspec.json.Decoder(TestResult)


def _decoded(lines: Iterator[bytes] | list[bytes], decode: Callable[[bytes], _Line]) -> Iterator[_Line]:
    for line in lines:
        try:
            yield decode(line)
        except (ValueError, RecursionError):
            continue
