from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.readers.junit.text import clean
from tests.gates.readers.junit.sample import anything


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, ünïcode, 漢字, 😀", "plain, ünïcode, 漢字, 😀"),
        ("tab\tand\nnewline", "tab\tand\nnewline"),
        ("nul\x00", "nul#x00"),
        ("\x1b[31mred\x1b[0m", "#x1B[31mred#x1B[0m"),
        ("dos\r\nline", "dos#x0D\nline"),
        ("form\x0cfeed \x0b", "form#x0Cfeed #x0B"),
        ("\x7f\x85\x9f", "#x7F#x85#x9F"),
        ("no byte \udcff, high \ud800", "no byte #xDCFF, high #xD800"),
        ("\ufffe\uffff\ufdd0", "#xFFFE#xFFFF#xFDD0"),
        ("\U0001fffe\U0010ffff", "#x01FFFE#x10FFFF"),
        ("]]> <a> &amp; stay", "]]> <a> &amp; stay"),
        ("\ufeff\ufffd\ue000", "\ufeff\ufffd\ue000"),
    ],
)
def test_shows_what_xml_cannot_carry(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(anything)
def test_cleaned_text_comes_back_from_a_parser_as_it_is(text: str) -> None:
    element = ET.Element("a", {"b": clean(text)})
    element.text = clean(text)
    read = ET.fromstring(ET.tostring(element, encoding="unicode"))
    assert (read.text or "") == read.get("b") == clean(text)


@given(anything)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert clean(text) == text
