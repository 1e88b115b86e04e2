"""Markdown as a reader sees it: parsed by a CommonMark parser with tables."""

from __future__ import annotations

import html as html_lib
import re
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


def tokens(markdown: str) -> list[Token]:
    return _PARSER.parse(markdown)


def html(markdown: str) -> str:
    text: str = _PARSER.render(markdown)
    return text


def headings(markdown: str) -> list[str]:
    found = tokens(markdown)
    return [found[at + 1].content for at, token in enumerate(found) if token.type == "heading_open"]


_FOLD = re.compile(r"<details>\n<summary>(?P<title>.*)</summary>\n|</details>\n")


def folds(markdown: str) -> list[str]:
    """The titles of folded parts, as HTML.

    Raises:
        ValueError: there is other HTML.
    """
    found = []
    for token in tokens(markdown):
        if token.type == "html_block":
            fold = _FOLD.fullmatch(token.content)
            if fold is None:
                raise ValueError(token.content)
            found += [fold["title"]] if fold["title"] else []
    return found


def visible(title: str) -> str:
    """The text of a title outside of code.

    Raises:
        ValueError: it has other elements than code.
    """
    rest = re.sub(r"<code>[^<>]*</code>", "", title)
    if "<" in rest or ">" in rest:
        raise ValueError(title)
    return html_lib.unescape(rest)


def rows(markdown: str) -> list[list[str]]:
    """The cells of every row of every table, header rows included."""
    found: list[list[str]] = []
    inside = False
    for token in tokens(markdown):
        if token.type == "tr_open":
            found.append([])
        if token.type in {"td_open", "th_open"}:
            inside = True
        elif token.type in {"td_close", "th_close"}:
            inside = False
        elif inside and token.type == "inline":
            found[-1].append(token.content)
    return found


def plain(markdown: str) -> str:
    """The text of an inline piece, without its markup."""
    (inline,) = [token for token in tokens(markdown) if token.type == "inline"]
    return "".join(child.content for child in inline.children or [] if child.type != "html_inline")


def blocks(markdown: str) -> list[str]:
    """The contents of all fenced blocks."""
    return [token.content for token in tokens(markdown) if token.type == "fence"]
