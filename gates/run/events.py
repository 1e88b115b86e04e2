"""What the engine tells while gates run."""

from __future__ import annotations

import msgspec

from gates.results import GateResult, TestResult


class GateStarted(msgspec.Struct, frozen=True):
    """A gate's process runs."""

    gate: str
    command_line: str


class TestsLanded(msgspec.Struct, frozen=True):
    """Tests of a gate ended, in the order in which they did."""

    __test__ = False

    gate: str
    results: tuple[TestResult, ...]
    expected: int


class GateEnded(msgspec.Struct, frozen=True):
    """A gate has its result, whether it was started or not."""

    result: GateResult


Event = GateStarted | TestsLanded | GateEnded
