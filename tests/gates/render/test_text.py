from __future__ import annotations

import pytest
from hypothesis import given, settings

from gates.render.text import clean, duration, one_line, plural, useful_lines
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


def test_a_long_traceback_keeps_its_end_and_a_stack_dump_its_head() -> None:
    lines = [f"line {number}" for number in range(10)]
    assert useful_lines("\n".join(lines), 10) == tuple(lines)
    assert useful_lines("\n".join(lines), 3) == ("… 7 lines cut …", "line 7", "line 8", "line 9")
    dump = ["Thread 0x1 (most recent call first):", *lines]
    assert useful_lines("\n".join(dump), 2) == (dump[0], dump[1], "… 9 lines cut …")
    assert useful_lines("") == ()


def test_numbers_agree_with_their_word() -> None:
    assert [plural(number, "gate") for number in (0, 1, 2, 1200)] == ["0 gates", "1 gate", "2 gates", "1,200 gates"]


def test_only_real_durations_are_shown() -> None:
    shown = [duration(seconds) for seconds in (0.5, 0.0, -1.0, float("nan"), float("inf"))]
    assert shown == ["0.50s", "-", "-", "-", "-"]
