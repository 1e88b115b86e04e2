"""Compare a base run with a head run. Pure."""

from gates.compare.inputs import RecordedSide, RegressionPolicy, Remeasured, SourceChanges
from gates.compare.runs import compare_results, compare_runs
from gates.compare.values import BaseFailures, Comparison, TestsComparison

__all__ = [
    "BaseFailures",
    "Comparison",
    "RecordedSide",
    "RegressionPolicy",
    "Remeasured",
    "SourceChanges",
    "TestsComparison",
    "compare_results",
    "compare_runs",
]
