"""Results: their values (`values`, `tests`) and their files (`files`)."""

from gates.results.artifacts import Coverage, Diagnostic, Diagnostics, TestWarning, TestWarnings
from gates.results.mutation import FAULT_OPERATORS, Mutant, MutantReport, Mutation
from gates.results.red_green import RedGreen, RedGreenTest
from gates.results.tests import AttemptResult, SubtestResult, TestCounts, TestResult, count_tests, counts_line
from gates.results.values import (
    Changes,
    Environment,
    EnvironmentChange,
    ExclusionRecord,
    FileChange,
    FilterLeaf,
    GateResult,
    LeftOut,
    Run,
    Subject,
    Witness,
)
from gates.results.weakening import SettingChange, Weakening

__all__ = [
    "FAULT_OPERATORS",
    "AttemptResult",
    "Changes",
    "Coverage",
    "Diagnostic",
    "Diagnostics",
    "Environment",
    "EnvironmentChange",
    "ExclusionRecord",
    "FileChange",
    "FilterLeaf",
    "GateResult",
    "LeftOut",
    "Mutant",
    "MutantReport",
    "Mutation",
    "RedGreen",
    "RedGreenTest",
    "Run",
    "SettingChange",
    "Subject",
    "SubtestResult",
    "TestCounts",
    "TestResult",
    "TestWarning",
    "TestWarnings",
    "Weakening",
    "Witness",
    "count_tests",
    "counts_line",
]
