"""What the engine tells while gates run."""

from __future__ import annotations

import msgspec

from gates.portable.filters import Described
from gates.results import GateResult, TestResult


class GateStarted(msgspec.Struct, frozen=True):
    """A gate's process runs; `workers` says how many `pytest -n auto` will have, and why, where that is known."""

    gate: str
    command_line: str
    workers: str = ""


class TestsLanded(msgspec.Struct, frozen=True):
    """Tests of a gate ended, in the order in which they did."""

    __test__ = False

    gate: str
    results: tuple[TestResult, ...]
    expected: int


class TestsFound(msgspec.Struct, frozen=True):
    """It is known how many tests a gate runs, or that there are more."""

    __test__ = False

    gate: str
    number: int


class TestStarted(msgspec.Struct, frozen=True):
    """A test runs; `worker` is empty without xdist."""

    __test__ = False

    gate: str
    test: str
    worker: str
    time: float


class TestSlow(msgspec.Struct, frozen=True):
    """A test still runs, after another period of its `slow-timeout`."""

    __test__ = False

    gate: str
    test: str
    seconds: float


class TestsDescribed(msgspec.Struct, frozen=True):
    """What is known of the tests of a gate, where they were listed instead of run."""

    __test__ = False

    gate: str
    tests: tuple[Described, ...]


class GateEnded(msgspec.Struct, frozen=True):
    """A gate has its result, whether it was started or not."""

    result: GateResult


EngineEvent = GateStarted | TestsFound | TestStarted | TestsLanded | TestSlow | TestsDescribed | GateEnded
