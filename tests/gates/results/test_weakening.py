"""A changed setting as a finding."""

from __future__ import annotations

import pytest

from gates.results import SettingChange


@pytest.mark.parametrize(
    ("tool", "before", "after", "texts"),
    [
        ("gates", "fail", "pass", ("no-tests = fail", "no-tests = pass")),
        ("gates", "lint", "", ("no-tests = lint", "")),
        ("comment", "", "x = 1  # noqa", ("", "x = 1  # noqa")),
    ],
)
def test_a_value_is_shown_with_its_key_and_a_line_as_it_is(
    tool: str, before: str, after: str, texts: tuple[str, str]
) -> None:
    change = SettingChange(
        tool=tool, key="no-tests", path="a", before=before, after=after, direction="weaker", what="w", strength="hint"
    )
    found = change.weakening
    assert (found.before, found.after) == texts
    assert (found.rule, found.strength, found.counts) == (f"{tool}-setting", "hint", False)
