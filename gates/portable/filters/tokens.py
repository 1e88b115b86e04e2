"""Text → tokens. A predicate with its arguments is one token: only its name decides how its text is read."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ..patterns import lazy_pattern
from ..quick_dataclass import dataclass
from ..values import plural
from .arguments import read_argument
from .cursor import Cursor
from .nearest import nearest
from .nodes import Predicate, Span
from .predicates import PREDICATES, PredicateForm

if TYPE_CHECKING:
    from .errors import Problem
    from .nodes import Argument

OPERATORS = {"!": "not", "&": "and", "-": "difference", "|": "or", "+": "or", "(": "(", ")": ")", ",": ","}
DOUBLED = {"&&": "and", "||": "or"}
WORDS = ("not", "and", "or")
HOLE = Predicate("?")
"""Replaces an operand whose error is already reported."""

_WORD = lazy_pattern(r"[^\W\d]\w*")
_BARE = lazy_pattern(r"[^\s()!&|+,]+")


@dataclass(frozen=True)
class Token:
    """A piece of the expression.

    Attributes:
        kind: `not`, `and`, `or`, `difference`, `(`, `)`, `,` or `operand`.
        span: where it stands.
        operand: the predicate of an `operand`; `HOLE` if it is invalid.
    """

    kind: str
    span: Span
    operand: Predicate = HOLE


class Lexer:
    """Reads the tokens of one text; collects problems instead of stopping at the first."""

    def __init__(self, text: str, without: Collection[str] = ()) -> None:
        self._cursor = Cursor(text)
        self._without = without

    @property
    def problems(self) -> list[Problem]:
        """The problems so far."""
        return self._cursor.problems

    def tokens(self) -> list[Token]:
        """All tokens of the text."""
        found: list[Token] = []
        while True:
            self._cursor.skip_space()
            if self._cursor.done:
                return found
            found.append(self._token())

    def _token(self) -> Token:
        cursor = self._cursor
        start = cursor.at
        pair = cursor.text[start : start + 2]
        if pair in DOUBLED:
            cursor.at += 2
            cursor.problem(start, cursor.at, f"unknown operator `{pair}`", f"write `{DOUBLED[pair]}` or `{pair[0]}`")
            return Token(DOUBLED[pair], Span(start, cursor.at))
        if pair[0] in OPERATORS:
            cursor.at += 1
            return Token(OPERATORS[pair[0]], Span(start, cursor.at))
        match = _WORD.match(cursor.text, start)
        if match is None:
            return self._bare(start)
        word, after = match[0], match.end()
        opens = cursor.space_after(after)
        called = cursor.text.startswith("(", opens) and (opens == after or word in PREDICATES)
        if word in WORDS or (word.lower() in WORDS and not self._goes_on(after)):
            cursor.at = after
            if word not in WORDS:
                hint = f"operators are lower case: `{word.lower()}`"
                cursor.problem(start, after, f"unknown operator `{word}`", hint)
            return Token(word.lower(), Span(start, after))
        if not called:
            return self._bare(start)
        predicate = self._call(word, start, opens + 1)
        return Token("operand", Span(start, cursor.at), predicate)

    def _goes_on(self, after: int) -> bool:
        """Whether a word is only the beginning of something like `OR-tools`."""
        return _BARE.match(self._cursor.text, after) is not None

    def _bare(self, start: int) -> Token:
        cursor = self._cursor
        cursor.at = cursor.end_of(_BARE, start)
        word = cursor.text[start : cursor.at]
        if word in PREDICATES:
            habit = "" if word in ("all", "none") else f", or mark({word}) or test({word})"
            cursor.problem(start, cursor.at, f"`{word}` needs parentheses", f"write {PREDICATES[word].example}{habit}")
        else:
            meant = word.strip("\"'") or "name"
            shown = meant if len(meant) <= 60 else "…"
            cursor.problem(start, cursor.at, "not an expression", f"did you mean test({shown})? or mark({shown})?")
        return Token("operand", Span(start, cursor.at))

    def _call(self, name: str, start: int, opened: int) -> Predicate:
        """A predicate with its arguments; `HOLE` if it is invalid."""
        cursor = self._cursor
        form = PREDICATES.get(name)
        before = len(cursor.problems)
        if form is None:
            self._unknown(name, start)
        elif name in self._without:
            cursor.problem(
                start, start + len(name), f"`{name}()` cannot stand here", "it would be defined in terms of itself"
            )
        cursor.at = opened
        arguments, closed = self._arguments(form)
        if form is not None:
            self._check_count(form, arguments, Span(opened, cursor.at - closed))
        if not closed:
            cursor.problem(len(cursor.text), len(cursor.text), "missing `)`", f"it closes `{name[:60]}(`")
        if form is None or len(cursor.problems) > before:
            return HOLE
        given = tuple(argument for argument, _ in arguments) if form.arguments != "none" else ()
        return Predicate(name, given, Span(start, cursor.at))

    def _arguments(self, form: PredicateForm | None) -> tuple[list[tuple[Argument, Span]], bool]:
        cursor = self._cursor
        found: list[tuple[Argument, Span]] = []
        closed = False
        while not closed and not cursor.done:
            nested = self._nested(form)
            found.append(nested or read_argument(cursor, form, len(found)))
            closed = cursor.sees(")")
            cursor.at += not cursor.done
        return found, closed

    def _nested(self, form: PredicateForm | None) -> tuple[Predicate, Span] | None:
        """A predicate instead of an argument's text, if the form allows that."""
        if form is None or not form.nested:
            return None
        cursor = self._cursor
        cursor.skip_space()
        start = cursor.at
        match = _WORD.match(cursor.text, start)
        opens = cursor.space_after(match.end()) if match is not None else start
        if match is None or match[0] not in PREDICATES or not cursor.text.startswith("(", opens):
            return None
        if match[0] not in form.nested:
            hint = f"`{form.name}` takes {' or '.join(f'{name}(…)' for name in form.nested)}, or a name"
            cursor.problem(start, match.end(), f"`{match[0]}` cannot stand inside `{form.name}`", hint)
        found = self._call(match[0], start, opens + 1)
        span = Span(start, cursor.at)
        cursor.skip_space()
        rest = cursor.at
        while not cursor.done and cursor.text[cursor.at] not in "),":
            cursor.at += 1
        if cursor.at > rest:
            cursor.problem(rest, cursor.at, f"text after `{match[0]}(…)`")
        return found, span

    def _unknown(self, name: str, start: int) -> None:
        near = nearest(name, PREDICATES)
        hint = f"did you mean `{near}`?" if near else f"known: {', '.join(PREDICATES)}"
        for operator in WORDS:
            rest = name[len(operator) :]
            if name.startswith(operator) and rest in PREDICATES:
                hint = f"did you mean `{operator} {rest}`? A word operator needs a space after it"
        self._cursor.problem(start, start + len(name), f"unknown predicate `{name[:60]}`", hint)

    def _check_count(self, form: PredicateForm, arguments: list[tuple[Argument, Span]], inside: Span) -> None:
        problem = self._cursor.problem
        empty = [span for argument, span in arguments if not isinstance(argument, Predicate) and not argument.text]
        if form.arguments == "none":
            if len(arguments) > 1 or len(empty) < len(arguments):
                problem(inside.start, inside.end, f"`{form.name}` takes no argument", f"write {form.example}")
            return
        if not arguments:
            empty = [inside]
        for span in empty:
            problem(span.start, span.end, f"`{form.name}` has an empty argument", f"for example {form.example}")
        if len(arguments) > form.most:
            extra = arguments[form.most][1]
            hint = "a comma in the text is written `\\,`"
            many = plural(form.most, "argument")
            problem(extra.start, inside.end, f"`{form.name}` takes {many}", hint)
