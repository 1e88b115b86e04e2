"""Small parts of Markdown: each converts any text into Markdown that shows it and cannot break the text around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from html import escape as html_escape

from gates.portable.patterns import lazy_pattern
from gates.render.text import clean, one_line

_ACTIVE = lazy_pattern(r"[\\`*\[\]<>&~$]|(?<![^\W_])_|_(?![^\W_])")
_LIVE = lazy_pattern(
    r"@\w|#\d|\bGH-\d|\bGHSA-|://|\bwww\.|\b(?:mailto|xmpp):"
    r"|(?<![0-9A-Za-z])[0-9a-f]{7,64}(?![0-9A-Za-z])"  # may be a commit
    r"|:[\w+-]+:",  # an emoji
    re.IGNORECASE,
)
_LEADING = lazy_pattern(r"^(\s*)([-+#=]|\d+(?=[.)]))")


def escape(text: str) -> str:
    """Text on one line, with every character shown as it is, even at the beginning or end of a line."""
    shown = _LEADING.sub(_guard, inline(text))
    if shown.endswith("#"):
        shown = f"{shown[:-1]}&#35;"  # would close a heading and disappear
    return shown


def inline(text: str) -> str:
    """Text on one line inside a table cell, where nothing at the beginning or end of a line has a meaning.

    A hosting service finds names, issues, commits and addresses in the rendered text, after Markdown and its entities,
    and notifies people. It ignores code, so each word of that kind becomes code.
    """
    return " ".join(_marked(word, _span, _escaped) for word in one_line(text).split(" "))


def summary_of(text: str) -> str:
    """Text on one line as HTML, for the title of a folded part, where Markdown has no meaning; what `inline` makes code is code here, too."""
    return " ".join(
        _marked(word, lambda live: f"<code>{html_escape(live)}</code>", html_escape)
        for word in one_line(text).split(" ")
    )


def _marked(word: str, as_code: Callable[[str], str], as_text: Callable[[str], str]) -> str:
    """A word that a service would find is code; brackets and punctuation around it are not."""
    if not _LIVE.search(word):
        return as_text(word)
    inner = word.lstrip("([").rstrip(")].,;:")
    if not _LIVE.search(inner):
        return as_code(word)
    before, _, after = word.partition(inner)
    return f"{as_text(before)}{as_code(inner)}{as_text(after)}"


def _escaped(word: str) -> str:
    """A pipe becomes an entity, because readers disagree on whether a backslash can escape it in a table."""
    shown = _ACTIVE.sub(lambda match: "&amp;" if match[0] == "&" else f"\\{match[0]}", word)
    return shown.replace("|", "&#124;")


def _span(text: str) -> str:
    """Text as code, inside or outside a table: its pipes are outside the spans, where entities work."""
    return "&#124;".join(map(code, text.split("|")))


def _guard(match: re.Match[str]) -> str:
    # Its first character as an entity, so that it cannot start a list, a heading or an underline.
    return f"{match[1]}&#{ord(match[2][0])};{match[2][1:]}"


def code(text: str) -> str:
    """Text as a code span; empty text stays empty. For a table, see `cell`.

    A line end shows as `⏎`: a code span has none.
    """
    line = clean(text).replace("\n", "⏎").replace("\t", " ").strip()
    if not line:
        return ""
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def cell(text: str) -> str:
    """Text as a code span inside a table, where a pipe separates cells unless it is escaped."""
    if "|" in text and ("\\" in text or "`" in text):
        return _span(text)  # readers disagree on a pipe after a backslash
    return code(text).replace("|", "\\|")


def fenced(text: str, language: str = "") -> list[str]:
    """Lines of a fenced block; the fence is longer than any run of backticks in the text."""
    shown = clean(text)
    fence = "`" * max(3, _longest_run(shown) + 1)
    return [f"{fence}{language}", *shown.split("\n"), fence]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table whose cells are already Markdown, with an empty line after it."""
    lines = [_row(header), _row(["---"] * len(header))]
    lines += [_row(row) for row in rows]
    return [*lines, ""]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
