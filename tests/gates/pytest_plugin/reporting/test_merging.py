from __future__ import annotations

from itertools import permutations

import pytest

from gates.pytest_plugin.reporting.merging import worst_of

PASSED, FAILED = {"outcome": "passed", "worker": "gw0"}, {"outcome": "failed", "worker": "gw1"}


def test_the_worst_word_counts_in_whatever_order_words_come() -> None:
    for results in permutations([PASSED, FAILED, PASSED]):
        worst = worst_of(results, 3)
        assert (worst["outcome"], worst["worker"]) == ("failed", "gw1")
        assert worst["reason"] == "failed on 1 of 3 workers"


def test_words_that_agree_are_one() -> None:
    assert worst_of([PASSED, PASSED], 2) == PASSED


@pytest.mark.parametrize(("known", "outcome"), [(PASSED, "not-run"), (FAILED, "failed")])
def test_a_worker_that_says_nothing_leaves_the_test_unknown_unless_it_failed_elsewhere(
    known: dict[str, str], outcome: str
) -> None:
    assert worst_of([known], 2)["outcome"] == outcome
