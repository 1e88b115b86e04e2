from __future__ import annotations

import re

import pytest
from hypothesis import example, given

from gates.render.markup import cell, code, escape, fenced, table
from gates.render.text import clean, one_line
from tests.gates.readers.junit.sample import nasty
from tests.gates.render.reader import blocks, headings, html, plain, rows, tokens


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("plain snake_case words, 3.5 of them", "plain snake_case words, 3.5 of them"),
        ("*bold* _under_ `code`", r"\*bold\* \_under\_ \`code\`"),
        ("a | b", "a &#124; b"),
        ("<script>", r"\<script\>"),
        ("[x](y)", r"\[x\](y)"),
        ("# title", "&#35; title"),
        ("- item", "&#45; item"),
        ("12. item", "&#49;2. item"),
        ("ends in #", "ends in &#35;"),
        ("two\nlines", "two lines"),
        ("thanks to @you, fixes #9", "thanks to `@you`, fixes `#9`"),
        ("see a/b#12, GH-3 and https://example.org/a|b", "see `a/b#12`, `GH-3` and `https://example.org/a`&#124;`b`"),
        ("me@example.org :+1: 0123abc www.example.org", "`me@example.org` `:+1:` `0123abc` `www.example.org`"),
        ("main (0123456789ab): 1 more", "main (`0123456789ab`): 1 more"),
        ("[#12](http://x)", r"\[`#12](http://x`)"),
        ("a::b, 12 tests, #ready", "a::b, 12 tests, #ready"),
        ("AT&T &lt;", "AT&amp;T &amp;lt;"),
    ],
)
def test_text_is_escaped_no_more_than_needed(text: str, markdown: str) -> None:
    assert escape(text) == markdown


@given(nasty)
def test_escaped_text_reads_as_it_was(text: str) -> None:
    if one_line(text):
        assert plain(escape(text)) == one_line(text)
        assert headings(f"# {escape(text)}") == [escape(text)]
        assert plain(f"- {escape(text)}") == one_line(text)


@pytest.mark.parametrize(
    ("text", "span", "in_table"),
    [
        ("nox -s lint", "`nox -s lint`", "`nox -s lint`"),
        ("a|b", "`a|b`", r"`a\|b`"),
        ("a`b", "``a`b``", "``a`b``"),
        ("`", "`` ` ``", "`` ` ``"),
        ("a\nb", "`a⏎b`", "`a⏎b`"),
        ("  ", "", ""),
        ("\\|", r"`\|`", r"`\`&#124;"),
        ("`|", "`` `| ``", "`` ` ``&#124;"),
    ],
)
def test_code_spans_hold_what_they_are_given(text: str, span: str, in_table: str) -> None:
    assert (code(text), cell(text)) == (span, in_table)


@given(nasty)
@example("\\|")
@example("a\\")
@example("`a| `")
def test_any_cell_stays_one_cell_and_shows_its_text(text: str) -> None:
    lines = table(("A", "B", "C"), [(escape(text), cell(text), "x")])
    # What separates cells, to a reader that lets a backslash escape itself and to one that does not.
    assert len(re.findall(r"(?<!\\)\|", lines[2])) == 4
    assert "\\\\|" not in lines[2]
    found = rows("\n".join(lines))
    assert [len(row) for row in found] == [3, 3]
    assert found[1][2] == "x"


@given(nasty)
def test_code_outside_of_a_table_shows_its_text(text: str) -> None:
    line = clean(text).replace("\n", "⏎").replace("\t", " ").strip()
    if line:
        assert plain(f"- {code(text)}") == line


@given(nasty)
@example("```\n# out?\n````")
@example("~~~")
def test_a_fence_is_never_closed_by_its_text(text: str) -> None:
    markdown = "\n".join([*fenced(text, "text"), "", "# after"])
    assert blocks(markdown) == [clean(text) + "\n"]
    assert headings(markdown) == ["after"]


@given(nasty)
def test_no_text_becomes_markup(text: str) -> None:
    kinds = {child.type for token in tokens(escape(text)) for child in token.children or []}
    assert kinds <= {"text", "text_special", "code_inline"}
    assert "<script" not in html(f"{escape(text)} {code(text)}".replace("<code>", ""))
