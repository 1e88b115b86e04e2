"""Compare a base run with a head run. Pure."""

from gates.compare.runs import compare_runs
from gates.compare.values import Comparison, GateTimes, TestsComparison, WiderExclusion

__all__ = ["Comparison", "GateTimes", "TestsComparison", "WiderExclusion", "compare_runs"]
