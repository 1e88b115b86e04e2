"""Compare a base run with a head run. Pure."""

from gates.compare.runs import Side, compare_results, compare_runs
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
    "Renamed",
    "Side",
    "TestsComparison",
    "WiderExclusion",
    "compare_results",
    "compare_runs",
]
