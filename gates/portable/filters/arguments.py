"""The arguments of a predicate: keys, matchers, escapes, durations, nested predicates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..patterns import lazy_pattern
from ..values import parse_duration
from .matchers import PatternError, compile_pattern
from .nearest import nearest
from .nodes import Matcher, Span

if TYPE_CHECKING:
    from .cursor import Cursor
    from .predicates import PredicateForm

_PLAIN = lazy_pattern(r"[^\\),]+")
_PLAIN_REGEX = lazy_pattern(r"[^\\/]+")
_UNICODE = lazy_pattern(r"u\{([0-9A-Fa-f]{1,6})\}")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "/": "/", ")": ")", ",": ","}
KEY = lazy_pattern(r"([^\W\d]\w*|\d+)=")
_COMPARISON = lazy_pattern(r"[<>]=?")
FOREIGN = lazy_pattern(r"(regexp?|re|glob|fnmatch|exact|equals|contains|substring):")
_WRITTEN = {"g": "#…", "f": "#…", "e": "=…", "c": "~…", "s": "~…", "r": "/…/"}
"""Prefix of a matcher in other languages → how it is written here."""

KEY_DEFAULT = "="
"""The matcher of `key=text`: `reason=network` is the whole reason."""


def read_argument(cursor: Cursor, form: PredicateForm | None, position: int) -> tuple[Matcher, Span]:
    """Read one argument, up to the `,` or `)` after it.

    Args:
        cursor: is after the `(` or the `,`.
        form: of the predicate; None for an unknown one.
        position: of the argument, counted from 0.
    """
    cursor.skip_space()
    start = cursor.at
    kind = form.arguments if form is not None else "text"
    if kind == "duration":
        return _duration(cursor, form, start)
    if kind == "name":
        return _name(cursor, form, start)
    key = _key(cursor, form)
    default = KEY_DEFAULT if key else form.default if form is not None else "~"
    matcher = replace(_matcher(cursor, default), key=key)
    span = Span(start, cursor.at)
    if form is not None and matcher.text:
        _check(cursor, form, matcher, position, span)
    return matcher, span


def _key(cursor: Cursor, form: PredicateForm | None) -> str:
    if form is None or form.keyed == "no":
        return ""
    match = KEY.match(cursor.text, cursor.at)
    if match is None:
        return ""
    cursor.at = match.end()
    cursor.skip_space()
    return match[1]


def _check(cursor: Cursor, form: PredicateForm, matcher: Matcher, position: int, span: Span) -> None:
    if form.keyed == "rest" and bool(matcher.key) is (position == 0):
        name = form.name
        if matcher.key:
            cursor.problem(span.start, span.end, f"`{name}` must begin with a name", f"for example {form.example}")
        else:
            hint = f"write `and {name}({matcher.text[:40]})`; a value is written key=text"
            cursor.problem(span.start, span.end, f"`{name}` takes one name", hint)
    if form.choices and matcher.kind == "=" and matcher.text not in form.choices:
        near = nearest(matcher.text, form.choices)
        hint = f"did you mean `{near}`?" if near else f"known: {', '.join(form.choices)}"
        cursor.problem(span.start, span.end, f"unknown {form.name} `{matcher.text[:60]}`", hint)
    foreign = FOREIGN.match(matcher.text)
    if foreign is not None and cursor.text.startswith(foreign[0], span.start):
        hint = f"write `{_WRITTEN[foreign[0][0]]}`, or `~{foreign[0]}…` for exactly these letters"
        cursor.problem(span.start, span.start + foreign.end(), f"unknown matcher `{foreign[0]}`", hint)


def _matcher(cursor: Cursor, default: str) -> Matcher:
    kind = cursor.text[cursor.at : cursor.at + 1]
    if kind == "/":
        return _regex(cursor)
    if kind and kind in "=~#":
        cursor.at += 1
        cursor.skip_space()
    else:
        kind = default
    body = cursor.at
    matcher = Matcher(kind, read_text(cursor))
    if kind == "#":
        _check_pattern(cursor, matcher, [], Span(body, cursor.at))
    return matcher


def read_text(cursor: Cursor) -> str:
    """Text up to the next `)` or `,` that is not escaped."""
    parts = []
    while not cursor.done and cursor.text[cursor.at] not in "),":
        plain = _PLAIN.match(cursor.text, cursor.at)
        if plain is not None:
            parts.append(plain[0])
            cursor.at = plain.end()
        else:
            parts.append(_escape(cursor))
    return "".join(parts)


def _escape(cursor: Cursor) -> str:
    start = cursor.at
    letter = cursor.text[start + 1 : start + 2]
    cursor.at += 2 if letter else 1
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    match = _UNICODE.match(cursor.text, start + 1)
    if match is not None:
        cursor.at = match.end()
        number = int(match[1], 16)
        if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF:
            return chr(number)
        cursor.problem(start, cursor.at, "not a Unicode character")
        return "?"
    known = "known: \\n \\r \\t \\\\ \\/ \\) \\, \\u{1F600}"
    hint = "`(` needs no escape" if letter == "(" else f"a backslash is written `\\\\`; {known}"
    cursor.problem(start, cursor.at, "unknown escape", hint)
    return "?"


def _regex(cursor: Cursor) -> Matcher:
    start = cursor.at
    cursor.at += 1
    parts: list[str] = []
    places: list[int] = []  # the position of each character of the pattern in the text
    while not cursor.done and cursor.text[cursor.at] != "/":
        plain = _PLAIN_REGEX.match(cursor.text, cursor.at)
        end = plain.end() if plain is not None else min(cursor.at + 2, len(cursor.text))
        piece = cursor.text[cursor.at : end]
        parts.append("/" if piece == "\\/" else piece)
        places += range(end - len(parts[-1]), end)
        cursor.at = end
    matcher = Matcher("/", "".join(parts))
    if cursor.done:
        cursor.problem(start, start + 1, "this regular expression is never closed", "it ends with `/`")
        cursor.at = start + 1
        return Matcher("/", read_text(cursor) or "?")
    _check_pattern(cursor, matcher, places, Span(start, cursor.at + 1))
    cursor.at += 1
    cursor.skip_space()
    after = cursor.at
    if read_text(cursor):
        cursor.problem(after, cursor.at, "text after the regular expression", "a `/` inside it is written `\\/`")
    return matcher


def _check_pattern(cursor: Cursor, matcher: Matcher, places: list[int], whole: Span) -> None:
    try:
        compile_pattern(matcher)
    except PatternError as error:
        span = whole
        if error.position is not None and error.position < len(places):
            span = Span(places[error.position], places[error.position] + 1)
        kind = "regular expression" if matcher.kind == "/" else "glob"
        cursor.problem(span.start, span.end, f"wrong {kind}: {error.words}")


def _name(cursor: Cursor, form: PredicateForm | None, start: int) -> tuple[Matcher, Span]:
    """A word that names a run, a base or a commit; spaces around it are ignored."""
    prefix = cursor.text[start : start + 1]
    if prefix == "=":
        cursor.at += 1
        cursor.skip_space()
    text = read_text(cursor).rstrip()
    span = Span(start, cursor.at)
    if form is not None and prefix and prefix in "~/#" and text:
        cursor.problem(start, start + 1, f"`{form.name}` takes a name, not a matcher", f"for example {form.example}")
    return Matcher("=", text), span


def _duration(cursor: Cursor, form: PredicateForm | None, start: int) -> tuple[Matcher, Span]:
    match = _COMPARISON.match(cursor.text, start)
    kind = match[0] if match is not None else ">"
    cursor.at = match.end() if match is not None else start
    cursor.skip_space()
    body = cursor.at
    text = " ".join(read_text(cursor).split())
    if text:
        try:
            parse_duration(text)
        except ValueError:
            example = form.example if form is not None else ""
            hint = f"a duration such as 250ms, 1s or 2m, for example {example}"
            cursor.problem(body, cursor.at, "not a duration", hint)
    return Matcher(kind, text), Span(start, cursor.at)
