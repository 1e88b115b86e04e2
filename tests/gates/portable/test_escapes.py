from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.escapes import Commands, clean, clean_json, one_line
from tests.gates.readers.junit.sample import anything


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
        ("\u061c \u200b \ufeff \u00ad \u3164", "\\u061c \\u200b \\ufeff \\xad \\u3164"),
        ("tags \U000e0041\U000e0100", "tags \\U000e0041\\U000e0100"),
        ("a\u200db is no family", "a\\u200db is no family"),
        ("\u26a0\ufe0f warns, a\ufe0f hides", "\u26a0\ufe0f warns, a\\ufe0f hides"),
        ("\x1b]52;c;aGk=\x07 \x1b]8;;http://x\x1b\\y", "\\x1b]52;c;aGk=\\x07 \\x1b]8;;http://x\\x1b\\y"),
    ],
)
def test_shows_what_a_terminal_or_a_file_cannot(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(anything)
def test_cleaned_json_reads_as_before(text: str) -> None:
    document = json.dumps([text], ensure_ascii=False)
    assert json.loads(clean_json(document)) == [text]
    assert clean(clean_json(document)) == clean_json(document)


def test_no_format_character_is_invisible() -> None:
    hidden = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cf", "Cc", "Cs")]
    assert [letter for letter in hidden if letter in clean(f"a{letter}b") and letter not in "\t\n"] == []


COMMANDS = [
    ("::error::x", "\\u003a:error::x"),
    ("  ::stop-commands::x", None),
    ("a\n\t::set-output name=x::y", None),
    ("a\r::add-mask::y", None),
    ("##[set-env name=PATH]x", "##\\u005bset-env name=PATH]x"),
    ("in a line ##[error]x and ##vso[task.complete]", None),
    ("##teamcity[message]", None),
    ("\u3000::error::x", None),
    ("section_start:1:x\r", "section_start:\\u0031:x\r"),
]
MARK = re.compile(r"^\s*::|##(vso|teamcity)?\[|section_(start|end):\d", re.MULTILINE)


@pytest.mark.parametrize(("text", "shown"), COMMANDS)
def test_a_command_to_a_ci_system_is_none_any_more(text: str, shown: str | None) -> None:
    inert = Commands().inert(text)
    assert not MARK.search(inert.replace("\r", "\n")) or shown == inert
    assert json.loads(f'"{inert}"', strict=False) == text, "JSON reads it as it was"


@given(
    st.lists(
        st.sampled_from(["::", ":", "#", "##", "[", "vso", "vso[", "x", " ", "\n", "\r", "section_", "start:", "1"])
    )
)
def test_a_command_in_pieces_is_none_either(pieces: list[str]) -> None:
    commands = Commands()
    inert = "".join(map(commands.inert, pieces))
    assert not MARK.search(inert.replace("\r", "\n"))
    assert re.sub(r"\\u(\w{4})", lambda match: chr(int(match[1], 16)), inert) == "".join(pieces)


@pytest.mark.parametrize(
    "text", ["a::b", "std::vector", "C++: :", "## title", "# [link]", "::\nb".replace("::", "x::")]
)
def test_other_text_is_printed_as_it_is(text: str) -> None:
    assert Commands().inert(text) == text


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
