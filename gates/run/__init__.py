"""Run a plan: start gates, watch them, end them, collect what they say. Plan → stream of events."""

from gates.run.engine import Engine, Settings
from gates.run.events import EngineEvent, GateEnded, GateStarted, TestsDescribed, TestsLanded
from gates.run.verdict import conclude, leaves_of

__all__ = [
    "Engine",
    "EngineEvent",
    "GateEnded",
    "GateStarted",
    "Settings",
    "TestsDescribed",
    "TestsLanded",
    "conclude",
    "leaves_of",
]
