"""Compare a base run with a head run. Pure."""

from gates.compare.inputs import RecordedSide, RegressionPolicy, Remeasured, SourceChanges
from gates.compare.runs import compare_results, compare_runs
from gates.compare.values import (
    BaseFailures,
    Comparison,
    Confirmation,
    GateTimes,
    Renamed,
    TestsComparison,
    WiderExclusion,
)

__all__ = [
    "BaseFailures",
    "Comparison",
    "Confirmation",
    "GateTimes",
    "RecordedSide",
    "RegressionPolicy",
    "Remeasured",
    "Renamed",
    "SourceChanges",
    "TestsComparison",
    "WiderExclusion",
    "compare_results",
    "compare_runs",
]
