"""What the engine tells while gates run: live events, and what it hands over for the record."""

from __future__ import annotations

import msgspec

from gates.portable.filters import Described
from gates.results import TestResult
from gates.results.event_schema import GateEnded, GateStarted, TestsCollected, TestSlow, TestStarted


class TestsLanded(msgspec.Struct, frozen=True):
    """Results of a gate's tests; `expected` says how many tests it will have, as far as is known."""

    __test__ = False

    gate: str
    results: tuple[TestResult, ...]
    expected: int


class TestsDescribed(msgspec.Struct, frozen=True):
    """The tests that a gate would run; only told when nothing else was asked of it."""

    __test__ = False

    gate: str
    tests: tuple[Described, ...]


EngineEvent = GateStarted | TestsCollected | TestStarted | TestsLanded | TestSlow | TestsDescribed | GateEnded
