"""Text → tokens. A predicate with its arguments is one token: only its name decides how its text is read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import Problem
from .matchers import PatternError, compile_pattern
from .nearest import nearest
from .nodes import Matcher, Predicate, Span
from .predicates import PREDICATES, PredicateForm

OPERATORS = {"!": "not", "&": "and", "-": "difference", "|": "or", "+": "or", "(": "(", ")": ")", ",": ","}
DOUBLED = {"&&": "and", "||": "or"}
WORDS = ("not", "and", "or")
HOLE = Predicate("?")
"""Stands where an operand is so wrong that its error is reported already."""

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[^\W\d]\w*")
_BARE = re.compile(r"[^\s()!&|+,]+")
_PLAIN = re.compile(r"[^\\),]+")
_PLAIN_REGEX = re.compile(r"[^\\/]+")
_UNICODE = re.compile(r"u\{([0-9A-Fa-f]{1,6})\}")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "/": "/", ")": ")", ",": ","}


@dataclass(frozen=True)
class Token:
    """A piece of the expression.

    Attributes:
        kind: `not`, `and`, `or`, `difference`, `(`, `)`, `,` or `operand`.
        span: where it stands.
        operand: the predicate of an `operand`; `HOLE` where it is wrong.
    """

    kind: str
    span: Span
    operand: Predicate = HOLE


class Lexer:
    """Reads the tokens of one text; collects what is wrong instead of stopping at it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.problems: list[Problem] = []
        self._at = 0

    def tokens(self) -> list[Token]:
        """All tokens of the text."""
        found: list[Token] = []
        while True:
            self._skip_space()
            if self._at >= len(self.text):
                return found
            found.append(self._token())

    def _problem(self, start: int, end: int, label: str, hint: str = "") -> None:
        self.problems.append(Problem(Span(start, end), label, hint))

    def _skip_space(self) -> None:
        self._at = _end(_SPACE, self.text, self._at)

    def _token(self) -> Token:
        start = self._at
        pair = self.text[start : start + 2]
        if pair in DOUBLED:
            self._at += 2
            self._problem(start, self._at, f"unknown operator `{pair}`", f"write `{DOUBLED[pair]}` or `{pair[0]}`")
            return Token(DOUBLED[pair], Span(start, self._at))
        if pair[0] in OPERATORS:
            self._at += 1
            return Token(OPERATORS[pair[0]], Span(start, self._at))
        match = _WORD.match(self.text, start)
        if match is None:
            return self._bare(start)
        word, after = match[0], match.end()
        opens = _end(_SPACE, self.text, after)
        called = self.text.startswith("(", opens) and (opens == after or word in PREDICATES)
        if word in WORDS or (word.lower() in WORDS and not self._goes_on(after)):
            self._at = after
            if word not in WORDS:
                self._problem(start, after, f"unknown operator `{word}`", f"operators are lower case: `{word.lower()}`")
            return Token(word.lower(), Span(start, after))
        return self._call(word, start, opens + 1) if called else self._bare(start)

    def _goes_on(self, after: int) -> bool:
        """Whether a word is only the beginning of something like `OR-tools`."""
        return _BARE.match(self.text, after) is not None

    def _bare(self, start: int) -> Token:
        self._at = _end(_BARE, self.text, start)
        word = self.text[start : self._at]
        if word in PREDICATES:
            self._problem(start, self._at, f"`{word}` needs parentheses", f"write {PREDICATES[word].example}")
        else:
            meant = word.strip("\"'") or "name"
            shown = meant if len(meant) <= 60 else "…"
            self._problem(start, self._at, "not an expression", f"did you mean test({shown})?")
        return Token("operand", Span(start, self._at))

    # Predicates

    def _call(self, name: str, start: int, opened: int) -> Token:
        form = PREDICATES.get(name)
        if form is None:
            self._unknown(name, start)
        self._at = opened
        before = len(self.problems)
        arguments: list[tuple[Matcher, Span]] = []
        closed = False
        while not closed and self._at < len(self.text):
            argument, span = self._argument(form.default if form is not None and form.default else "~")
            arguments.append((argument, span))
            closed = self.text.startswith(")", self._at)
            self._at += self._at < len(self.text)
        if form is not None:
            self._check_count(form, arguments, Span(opened, self._at - closed))
        if not closed:
            self._problem(len(self.text), len(self.text), "missing `)`", f"it closes `{name[:60]}(`")
        if form is None or len(self.problems) > before:
            return Token("operand", Span(start, self._at))
        matchers = tuple(matcher for matcher, _ in arguments) if form.arguments else ()
        span = Span(start, self._at)
        return Token("operand", span, Predicate(name, matchers, span))

    def _unknown(self, name: str, start: int) -> None:
        near = nearest(name, PREDICATES)
        hint = f"did you mean `{near}`?" if near else f"known: {', '.join(PREDICATES)}"
        for operator in WORDS:
            rest = name[len(operator) :]
            if name.startswith(operator) and rest in PREDICATES:
                hint = f"did you mean `{operator} {rest}`? A word operator needs a space behind it"
        self._problem(start, start + len(name), f"unknown predicate `{name[:60]}`", hint)

    def _check_count(self, form: PredicateForm, arguments: list[tuple[Matcher, Span]], inside: Span) -> None:
        empty = [span for matcher, span in arguments if not matcher.text]
        if not form.arguments:
            if len(arguments) > 1 or len(empty) < len(arguments):
                self._problem(inside.start, inside.end, f"`{form.name}` takes no argument", f"write {form.example}")
            return
        if not arguments:
            empty = [inside]
        for span in empty:
            self._problem(span.start, span.end, f"`{form.name}` has an empty argument", f"for example {form.example}")
        if len(arguments) > form.arguments:
            extra = arguments[form.arguments][1]
            hint = "a comma in the text is written `\\,`"
            many = "one argument" if form.arguments == 1 else f"{form.arguments} arguments"
            self._problem(extra.start, inside.end, f"`{form.name}` takes {many}", hint)

    # Arguments

    def _argument(self, default: str) -> tuple[Matcher, Span]:
        self._skip_space()
        start = self._at
        kind = self.text[start : start + 1]
        if kind == "/":
            return self._regex(start)
        if kind and kind in "=~#":
            self._at += 1
            self._skip_space()
        else:
            kind = default
        body = self._at
        matcher = Matcher(kind, self._text())
        if kind == "#":
            self._check_pattern(matcher, list(range(body, self._at)), Span(body, self._at))
        return matcher, Span(start, self._at)

    def _text(self) -> str:
        parts = []
        while self._at < len(self.text) and self.text[self._at] not in "),":
            plain = _PLAIN.match(self.text, self._at)
            if plain is not None:
                parts.append(plain[0])
                self._at = plain.end()
            else:
                parts.append(self._escape())
        return "".join(parts)

    def _escape(self) -> str:
        start = self._at
        letter = self.text[start + 1 : start + 2]
        self._at += 2 if letter else 1
        if letter in _ESCAPES:
            return _ESCAPES[letter]
        match = _UNICODE.match(self.text, start + 1)
        if match is not None:
            self._at = match.end()
            number = int(match[1], 16)
            if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF:
                return chr(number)
            self._problem(start, self._at, "not a Unicode character")
            return "?"
        known = "known: \\n \\r \\t \\\\ \\/ \\) \\, \\u{1F600}"
        hint = "`(` needs no escape" if letter == "(" else f"a backslash is written `\\\\`; {known}"
        self._problem(start, self._at, "unknown escape", hint)
        return "?"

    def _regex(self, start: int) -> tuple[Matcher, Span]:
        self._at += 1
        parts: list[str] = []
        places: list[int] = []  # where each character of the pattern stands in the text
        while self._at < len(self.text) and self.text[self._at] != "/":
            plain = _PLAIN_REGEX.match(self.text, self._at)
            end = plain.end() if plain is not None else min(self._at + 2, len(self.text))
            piece = self.text[self._at : end]
            parts.append("/" if piece == "\\/" else piece)
            places += range(end - len(parts[-1]), end)
            self._at = end
        matcher = Matcher("/", "".join(parts))
        if self._at >= len(self.text):
            self._problem(start, start + 1, "this regular expression is never closed", "it ends with `/`")
            self._at = start + 1
            return Matcher("/", self._text() or "?"), Span(start, self._at)
        span = Span(start, self._at + 1)
        self._check_pattern(matcher, places, span)
        self._at += 1
        self._skip_space()
        after = self._at
        if self._text():
            self._problem(after, self._at, "text after the regular expression", "a `/` inside it is written `\\/`")
        return matcher, span

    def _check_pattern(self, matcher: Matcher, places: list[int], whole: Span) -> None:
        try:
            compile_pattern(matcher)
        except PatternError as error:
            span = whole
            if matcher.kind == "/" and error.position is not None and error.position < len(places):
                span = Span(places[error.position], places[error.position] + 1)
            kind = "regular expression" if matcher.kind == "/" else "glob"
            self._problem(span.start, span.end, f"wrong {kind}: {error.words}")


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match is not None else start
