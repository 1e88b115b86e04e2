"""The rules, in the order in which they are asked: the first that speaks names the finding."""

from __future__ import annotations

from gates.analysis.checks.rules import (
    broader_exception,
    cases_left_out,
    computed_expectation,
    demand_dropped,
    guarded,
    hollow,
    hypothesis,
    looser_limit,
    looser_pattern,
    lossy_comparison,
    marks,
    not_awaited,
    own_expectation,
    replaced_by_mock,
    weaker_comparison,
    wider_tolerance,
    wrapped,
)
from gates.analysis.checks.rules.frame import ClaimRule, TestRule

CLAIM_RULES: tuple[ClaimRule, ...] = (
    *hollow.RULES,
    not_awaited.RULE,
    broader_exception.RULE,
    looser_pattern.RULE,
    looser_limit.RULE,
    wider_tolerance.RULE,
    lossy_comparison.RULE,
    wrapped.RULE,
    weaker_comparison.RULE,
    computed_expectation.RULE,
    cases_left_out.SHARED,
    guarded.RULE,
)

TEST_RULES: tuple[TestRule, ...] = (
    marks.SKIPPED,
    marks.EXPECTED_TO_FAIL,
    marks.TRIED_AGAIN,
    cases_left_out.RULE,
    cases_left_out.MORE,
    hypothesis.RULE,
    own_expectation.RULE,
    replaced_by_mock.RULE,
    demand_dropped.LOOSER,
    demand_dropped.WARNINGS,
)
