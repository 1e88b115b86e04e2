"""Run a plan: start gates, watch them, end them, collect their results. Plan → stream of events."""

from gates.run.engine import Engine, EngineOptions
from gates.run.events import TestsDescribed, TestsLanded
from gates.run.executor import Executor
from gates.run.verdict import conclude, leaves_of

__all__ = [
    "Engine",
    "EngineOptions",
    "Executor",
    "TestsDescribed",
    "TestsLanded",
    "conclude",
    "leaves_of",
]
