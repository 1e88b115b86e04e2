"""What the reference says of nextest's features is shown by tests."""

from __future__ import annotations

import pytest

from tests.documentation import ROOT, assert_claimed, assert_shown, rows

PAGE = (ROOT / "docs" / "reference" / "nextest.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", rows(PAGE, "Features"), ids=lambda row: row[0][:40])
def test_each_tick_names_a_test_that_exists_and_each_cross_a_reason(row: list[str]) -> None:
    _, ours, shown = row
    assert_claimed(ours, shown)


@pytest.mark.parametrize("row", rows(PAGE, "What nextest does not have"), ids=lambda row: row[0][:40])
def test_what_nextest_has_no_word_for_is_shown_by_a_test(row: list[str]) -> None:
    assert_shown(row[1])
