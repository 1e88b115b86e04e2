"""Events of the engine while gates run: live events, and data for the record."""

from __future__ import annotations

import msgspec

from gates.portable.filters import Described
from gates.results import TestResult
from gates.results.event_schema import GateEnded, GateStarted, TestsCollected, TestSlow, TestStarted


class TestsLanded(msgspec.Struct, frozen=True):
    """Results of a gate's tests; `expected` is how many tests it will have, as far as known."""

    __test__ = False

    gate: str
    results: tuple[TestResult, ...]
    expected: int


class TestsDescribed(msgspec.Struct, frozen=True):
    """The tests that a gate would run; only if it was asked just to list them."""

    __test__ = False

    gate: str
    tests: tuple[Described, ...]


EngineEvent = GateStarted | TestsCollected | TestStarted | TestsLanded | TestSlow | TestsDescribed | GateEnded
