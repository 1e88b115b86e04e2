"""The rules, in the order in which they are asked: the first that speaks names the finding."""

from __future__ import annotations

from gates.analysis.checks.rules import (
    broader_exception,
    computed_expectation,
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
    weaker_comparison.RULE,
    computed_expectation.RULE,
    guarded.RULE,
)

TEST_RULES: tuple[TestRule, ...] = (
    marks.SKIPPED,
    marks.EXPECTED_TO_FAIL,
    marks.TRIED_AGAIN,
    hypothesis.RULE,
    own_expectation.RULE,
    replaced_by_mock.RULE,
)
