"""Every rule finds its examples, and nothing certain is found in its twins."""

from __future__ import annotations

import pytest

from gates.analysis.checks.rules import CLAIM_RULES, TEST_RULES
from gates.analysis.checks.rules.frame import ClaimRule, TestRule
from gates.analysis.checks.weaker import weaker_checks

RULES: list[ClaimRule | TestRule] = [*CLAIM_RULES, *TEST_RULES]
FILE = "tests/test_it.py"


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [(rule.name, *example) for rule in RULES for example in rule.examples],
)
def test_every_example_of_a_rule_is_found_by_it(name: str, before: str, after: str) -> None:
    found = weaker_checks({FILE: before}, {FILE: after})
    assert name in {one.rule for one in found.weakenings if one.strength == "certain"}, found


@pytest.mark.parametrize(("before", "after"), [twin for rule in RULES for twin in rule.twins])
def test_no_twin_of_a_rule_is_found_by_any(before: str, after: str) -> None:
    found = weaker_checks({FILE: before}, {FILE: after})
    assert not found.fires, found


def test_every_rule_has_examples() -> None:
    assert [rule.name for rule in RULES if not rule.examples] == []
