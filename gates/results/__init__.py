"""Results: their values (`values`, `tests`) and the files that hold them (`files`)."""

from gates.results.tests import AttemptResult, PhaseResult, SubtestResult, TestCounts, TestResult, count_tests
from gates.results.values import (
    Changes,
    Environment,
    EnvironmentChange,
    ExclusionRecord,
    FileChange,
    FilterLeaf,
    GateResult,
    Run,
    Subject,
    Witness,
)

__all__ = [
    "AttemptResult",
    "Changes",
    "Environment",
    "EnvironmentChange",
    "ExclusionRecord",
    "FileChange",
    "FilterLeaf",
    "GateResult",
    "PhaseResult",
    "Run",
    "Subject",
    "SubtestResult",
    "TestCounts",
    "TestResult",
    "Witness",
    "count_tests",
]
