"""Live events: what `--events` writes, one JSON object per line, as things happen. `gates schema events` prints the schema."""

from __future__ import annotations

import msgspec

from gates.portable.values import SCHEMA_VERSION
from gates.results.tests import TestCounts, TestResult
from gates.results.values import GateResult, Subject


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", omit_defaults=True):
    """An event of a run, at `time` (seconds since the epoch)."""

    time: float


class RunStarted(Event, frozen=True, kw_only=True, tag="run-started"):
    """The first event.

    Attributes:
        run: id of the run.
        gates: names of all gates of the plan, in order.
    """

    schema_version: int = SCHEMA_VERSION
    run: str
    project: str
    subject: Subject
    gates: tuple[str, ...]
    command_line: str


class GateStarted(Event, frozen=True, kw_only=True, tag="gate-started"):
    """A gate's process runs; `workers` tells how many `pytest -n auto` will have, and why, if known."""

    gate: str
    command_line: str
    workers: str = ""


class TestsCollected(Event, frozen=True, kw_only=True, tag="tests-collected"):
    """The number of tests of a gate is known, or has grown."""

    __test__ = False

    gate: str
    tests: int


class TestStarted(Event, frozen=True, kw_only=True, tag="test-started"):
    """A test runs; `worker` is empty without xdist."""

    __test__ = False

    gate: str
    test: str
    worker: str = ""


class TestSlow(Event, frozen=True, kw_only=True, tag="test-slow"):
    """A test is still running after this many seconds."""

    __test__ = False

    gate: str
    test: str
    seconds: float


class TestEnded(Event, frozen=True, kw_only=True, tag="test-ended"):
    """A test has its result, which names its gate."""

    __test__ = False

    result: TestResult


class GateEnded(Event, frozen=True, kw_only=True, tag="gate-ended"):
    """A gate has a result, whether it started or not."""

    result: GateResult


class RunEnded(Event, frozen=True, kw_only=True, tag="run-ended"):
    """The last event; missing if the run was killed."""

    run: str
    outcome: str
    exit_code: int
    duration: float
    tests: TestCounts | None = None


class EventsDropped(Event, frozen=True, kw_only=True, tag="events-dropped"):
    """The reader was too slow, and this many events are missing."""

    number: int


AnyEvent = (
    RunStarted
    | GateStarted
    | TestsCollected
    | TestStarted
    | TestSlow
    | TestEnded
    | GateEnded
    | RunEnded
    | EventsDropped
)
