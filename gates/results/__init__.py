"""Results: their values (`values`) and the files that hold them (`files`)."""

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
    TestCounts,
    TestResult,
    Witness,
    count_tests,
)

__all__ = [
    "Changes",
    "Environment",
    "EnvironmentChange",
    "ExclusionRecord",
    "FileChange",
    "FilterLeaf",
    "GateResult",
    "Run",
    "Subject",
    "TestCounts",
    "TestResult",
    "Witness",
    "count_tests",
]
