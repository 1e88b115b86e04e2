from __future__ import annotations

import pytest
from hypothesis import given, settings

from gates.escapes import clean, one_line
from tests.gates.junit.sample import anything


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain 漢字 😀", "plain 漢字 😀"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("bell\x07 nul\x00", "bell\\x07 nul\\x00"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("no byte \udcff", "no byte \\udcff"),
        ("turn \u202eback", "turn \\u202eback"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_shows_what_a_terminal_or_a_file_cannot(text: str, shown: str) -> None:
    assert clean(text) == shown


@settings(deadline=None)
@given(anything)
def test_cleaned_text_can_be_written_and_has_one_kind_of_line_end(text: str) -> None:
    shown = clean(text)
    shown.encode()
    assert shown.splitlines() == shown.split("\n")[: len(shown.splitlines())]


@pytest.mark.parametrize(
    ("text", "limit", "line"),
    [("a\n  b\t c ", 0, "a b c"), ("abcdef", 4, "abc…"), ("abcd", 4, "abcd"), ("", 5, "")],
)
def test_one_line_is_one_line(text: str, limit: int, line: str) -> None:
    assert one_line(text, limit) == line
