"""Properties of the language, on expressions and texts that nobody thought of."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from hypothesis import given, settings
from hypothesis import strategies as st

from gates.filters import (
    And,
    Expression,
    FilterSyntaxError,
    Matcher,
    Not,
    Or,
    Predicate,
    Problem,
    TestName,
    compile_filter,
    parse,
    to_text,
)

LETTERS = "ab/=~#,()\\ \n\té日\u2003"
TEXTS = st.text(st.sampled_from(LETTERS), min_size=1, max_size=5) | st.text(min_size=1, max_size=5)
REGEXES = st.sampled_from(["a", "a|b", "^a", "[ab]$", "a/b", r"\(", r"\\", "a,", "é+", r"(a)\1"])

MATCHERS = st.builds(Matcher, st.sampled_from("=~"), TEXTS) | st.builds(Matcher, st.just("/"), REGEXES)
MATCHERS |= st.builds(Matcher, st.just("#"), st.text(st.sampled_from("ab*?é,)"), min_size=1, max_size=5))
LEAVES = st.sampled_from([Predicate("all"), Predicate("none")]) | st.builds(
    lambda matcher: Predicate("test", (matcher,)), MATCHERS
)


def branches(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(children, min_size=2, max_size=4).map(tuple)
    return st.builds(Not, children) | st.builds(And, several) | st.builds(Or, several)


EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(LEAVES, branches, max_leaves=12)
NAMES = st.text(st.sampled_from(LETTERS), max_size=8)


def naive(expression: Expression, name: str) -> bool:
    """What an expression means, written down as simply as can be."""
    if isinstance(expression, Not):
        return not naive(expression.operand, name)
    if isinstance(expression, And):
        return all(naive(operand, name) for operand in expression.operands)
    if isinstance(expression, Or):
        return any(naive(operand, name) for operand in expression.operands)
    if expression.name != "test":
        return expression.name == "all"
    (matcher,) = expression.arguments
    if matcher.kind == "/":
        return re.search(matcher.text, name) is not None
    return {"=": name == matcher.text, "~": matcher.text in name, "#": fnmatchcase(name, matcher.text)}[matcher.kind]


@given(EXPRESSIONS)
def test_printing_and_parsing_gives_the_same_expression(expression: Expression) -> None:
    assert parse(to_text(expression)) == expression


@given(EXPRESSIONS)
def test_the_canonical_form_is_stable(expression: Expression) -> None:
    text = to_text(expression)
    assert to_text(parse(text)) == text


@given(EXPRESSIONS, st.lists(NAMES, max_size=5))
def test_matching_means_what_the_naive_evaluator_says(expression: Expression, names: list[str]) -> None:
    compiled = compile_filter(expression)
    tests = [TestName(name) for name in names]
    assert [compiled.matches(test) for test in tests] == [naive(expression, name) for name in names]
    assert compiled.select(tests).matched == tuple(naive(expression, name) for name in names)


PIECES = st.sampled_from(
    [
        *"()!&|+-,/=~#\\ \n\u2003é",
        "not ",
        "and ",
        "or ",
        "AND",
        "test(",
        "all()",
        "none()",
        "a",
        "\\u{41}",
        "&&",
        "foo(",
    ]
)


@settings(max_examples=400)
@given(st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=30))
def test_parsing_never_raises_anything_but_the_language_s_own_error(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        expression = parse(text)
    except FilterSyntaxError as error:
        problems = error.problems
        message = str(error)
    else:
        message = to_text(expression)
        assert parse(message) == expression
    assert message
    starts = [problem.span.start for problem in problems]
    assert starts == sorted(starts)
    for problem in problems:
        assert 0 <= problem.span.start <= problem.span.end <= len(text)
