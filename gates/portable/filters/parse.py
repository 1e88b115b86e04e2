r"""Tokens → Expression.

    expression := and-chain (("or" | "|" | "+") and-chain)*
    and-chain  := negation (("and" | "&" | "-") negation)*
    negation   := ("not" | "!") negation | "(" expression ")" | predicate

There is no recursion: open parentheses are frames on a list, so hostile input hits `DEEPEST`, not Python's own limit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ..values import plural
from .errors import FilterSyntaxError, Problem
from .nodes import DEEPEST, And, Expression, Not, Or, Span
from .tokens import HOLE, Lexer, Token


def parse(text: str, without: Collection[str] = ()) -> Expression:
    """The tree of an expression.

    Args:
        text: the expression.
        without: predicates that it may not contain, because it defines them.

    Raises:
        FilterSyntaxError: the text is not an expression; it contains every problem that was found.
    """
    lexer = Lexer(text, without)
    tokens = lexer.tokens()
    if not tokens and not lexer.problems:
        raise FilterSyntaxError(
            text, [Problem(Span(0, len(text)), "the expression is empty", "for example test(cache)")]
        )
    parser = _Parser(text, tokens)
    expression = parser.run()
    problems = merged(text, lexer.problems + parser.problems)
    if problems:
        raise FilterSyntaxError(text, problems)
    return expression


def merged(text: str, problems: Sequence[Problem]) -> list[Problem]:
    """Problems in the order of the text; adjacent equal ones are merged."""
    result: list[Problem] = []
    for problem in sorted(problems, key=lambda one: (one.span.start, one.span.end)):
        last = result[-1] if result else None
        if (
            last is not None
            and (last.label, last.hint) == (problem.label, problem.hint)
            and (last.span.end >= problem.span.start or text[last.span.end : problem.span.start].isspace())
        ):
            result[-1] = Problem(Span(last.span.start, max(last.span.end, problem.span.end)), last.label, last.hint)
        else:
            result.append(problem)
    return result


@dataclass
class _Frame:
    """The state between two parentheses.

    Attributes:
        opened: the `(`; None for the outermost frame.
        alternatives: finished and-chains of the or-chain.
        chain: operands of the and-chain so far.
        negations: spans of pending `not` operators; a difference adds one.
        operator: the token after which an operand must come; None if an operator must come.
        complete: whether the last thing was an operand.
        listed: whether commas separate operands, after the mistake `and(a, b)`.
    """

    opened: Token | None
    alternatives: list[Expression] = field(default_factory=list)
    chain: list[Expression] = field(default_factory=list)
    negations: list[Span] = field(default_factory=list)
    operator: Token | None = None
    complete: bool = False
    listed: bool = False

    def add(self, operand: Expression) -> None:
        for span in reversed(self.negations):
            operand = Not(operand, Span(span.start, operand.span.end))
        self.negations.clear()
        self.chain.append(operand)
        self.complete = True

    def end_chain(self) -> None:
        chain = self.chain
        span = Span(chain[0].span.start, chain[-1].span.end)
        self.alternatives.append(chain[0] if len(chain) == 1 else And(tuple(chain), span))
        self.chain = []

    def finish(self) -> Expression:
        if not self.complete:
            self.add(HOLE)
        self.end_chain()
        found = self.alternatives
        return found[0] if len(found) == 1 else Or(tuple(found), Span(found[0].span.start, found[-1].span.end))


class _Parser:
    """Folds tokens into frames; each method takes one kind of token."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text, self.tokens = text, tokens
        self.problems: list[Problem] = []
        self._frames = [_Frame(None)]
        self._depth = 0  # open parentheses and pending negations of all frames
        self._called = False  # `and(`: the parenthesis is to be read as a list of operands

    def run(self) -> Expression:
        for position, token in enumerate(self.tokens):
            if token.kind == "operand":
                self._operand(token)
            elif token.kind == "(":
                self._open(token)
            elif token.kind == ")":
                self._close(token)
            elif token.kind == "not":
                self._negation(token)
            else:
                following = self.tokens[position + 1] if position + 1 < len(self.tokens) else None
                self._operator(token, following)
            if self._depth > DEEPEST:
                self._problem(
                    token.span, f"nested deeper than {plural(DEEPEST, 'level')}", "give the parts their own names"
                )
                return HOLE
        return self._end()

    @property
    def _frame(self) -> _Frame:
        return self._frames[-1]

    def _problem(self, span: Span, label: str, hint: str = "") -> None:
        self.problems.append(Problem(span, label, hint))

    def _shown(self, token: Token) -> str:
        return self.text[token.span.start : token.span.end]

    def _needs_operator(self, token: Token) -> None:
        frame = self._frame
        if not frame.complete:
            return
        # Next to a word that already is an error, a second error about the same words does not help.
        if not (token.kind == "operand" and token.operand is HOLE) and frame.chain[-1] is not HOLE:
            self._problem(token.span, "an operator is missing before this", "write `and` or `or`")
        frame.complete = False

    def _operand(self, token: Token) -> None:
        self._needs_operator(token)
        self._depth -= len(self._frame.negations)
        self._frame.add(token.operand)

    def _negation(self, token: Token) -> None:
        self._needs_operator(token)
        self._frame.operator = token
        self._frame.negations.append(token.span)
        self._depth += 1

    def _open(self, token: Token) -> None:
        self._needs_operator(token)
        self._frames.append(_Frame(token, listed=self._called))
        self._called = False
        self._depth += 1

    def _close(self, token: Token) -> None:
        frame = self._frame
        if frame.opened is None:
            self._problem(token.span, "this `)` has no `(`")
            return
        self._check_complete(frame, token.span, "before this `)`", frame.opened.span)
        self._depth -= 1 + len(frame.negations)
        self._frames.pop()
        self._depth -= len(self._frame.negations)
        self._frame.add(frame.finish())

    def _check_complete(self, frame: _Frame, span: Span, where: str, opened: Span | None) -> None:
        if frame.complete:
            return
        if frame.operator is not None:
            self._problem(span, f"an expression is missing {where}", f"`{self._shown(frame.operator)}` needs one")
        elif opened is not None:
            self._problem(Span(opened.start, max(span.end, opened.end)), "nothing in these parentheses")

    def _operator(self, token: Token, following: Token | None) -> None:
        frame = self._frame
        if token.kind == "," and not frame.listed:
            self._problem(token.span, "unexpected `,`", "write `and` or `or`")
        if not frame.complete:
            shown = self._shown(token)
            if shown in ("and", "or") and following is not None and following.kind == "(":
                self._called = True
                self._problem(token.span, f"`{shown}` goes between two expressions", f"write `(…) {shown} (…)`")
                return
            if token.kind != ",":
                self._problem(token.span, f"an expression is missing before `{shown}`")
            self._depth -= len(frame.negations)
            frame.add(HOLE)
        frame.complete = False
        frame.operator = token
        if token.kind == "or":
            frame.end_chain()
        elif token.kind == "difference":
            frame.negations.append(token.span)
            self._depth += 1

    def _end(self) -> Expression:
        end = Span(len(self.text), len(self.text))
        self._check_complete(self._frame, end, "at the end", None)
        while len(self._frames) > 1:
            frame = self._frames.pop()
            if frame.opened is not None:
                self._problem(frame.opened.span, "this `(` is never closed")
            self._frame.add(frame.finish())
        return self._frame.finish()
