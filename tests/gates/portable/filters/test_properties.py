"""Properties of the language, on expressions and texts that nobody thought of."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.portable.filters import (
    Candidate,
    Described,
    Expression,
    FilterSyntaxError,
    Matcher,
    Not,
    Or,
    Predicate,
    compile_filter,
    parse,
    to_text,
)
from gates.portable.filters.errors import Problem
from gates.portable.filters.explain import explain
from gates.portable.filters.nodes import And

if TYPE_CHECKING:
    import random

    from gates.portable.filters.resolution import Answer
from tests.gates.portable.filters import fuzz

LETTERS = "ab/=~#,()\\ \n\té日\u2003"
TEXTS = st.text(st.sampled_from(LETTERS), min_size=1, max_size=5) | st.text(min_size=1, max_size=5)
SHORT = st.text(st.sampled_from("ab"), min_size=1, max_size=2)
REGEXES = st.sampled_from(["a", "a|b", "^a", "[ab]$", "a/b", r"\(", r"\\", "a,", "é+", r"(a)\1"])
KEYS = st.sampled_from(["a", "b", "0", "1"])
DURATIONS = st.sampled_from(["1s", "250ms", "1m 30s"])

MATCHERS = st.builds(Matcher, st.sampled_from("=~"), TEXTS) | st.builds(Matcher, st.just("/"), REGEXES)
MATCHERS |= st.builds(Matcher, st.just("#"), st.text(st.sampled_from("ab*?é,)"), min_size=1, max_size=5))
KEYED = st.builds(lambda matcher, key: replace(matcher, key=key), MATCHERS, KEYS)
WORDS = st.builds(Matcher, st.just("="), st.text(st.sampled_from("ab/=~#(),\\"), min_size=1, max_size=4))


def called(name: str, *arguments: st.SearchStrategy[Matcher]) -> st.SearchStrategy[Predicate]:
    return st.tuples(*arguments).map(lambda given: Predicate(name, given))


ONE_TEXT = ["test", "name", "module", "class", "fixture", "docstring", "group", "platform"]
INSIDE = st.sampled_from(["all", "none"]).map(Predicate)
INSIDE |= st.sampled_from(ONE_TEXT).flatmap(lambda name: called(name, MATCHERS))
INSIDE |= called("mark", MATCHERS) | called("mark", MATCHERS, KEYED) | called("mark", MATCHERS, KEYED, KEYED)
INSIDE |= called("param", MATCHERS) | called("param", KEYED) | called("param", KEYED, MATCHERS)
INSIDE |= called("kind", st.sampled_from(["function", "method"]).map(lambda text: Matcher("=", text)))
OUTSIDE = st.sampled_from(["failed", "new", "changed"]).flatmap(lambda name: called(name, WORDS))
OUTSIDE |= called("slow", st.builds(Matcher, st.sampled_from([">", ">=", "<", "<="]), DURATIONS))
OUTSIDE |= st.sampled_from(["flaky", "default", "quarantined"]).map(Predicate)
OUTSIDE |= st.sampled_from(["owner", "rdeps", "file", "binary_id"]).flatmap(lambda name: called(name, MATCHERS))
OUTSIDE |= called("changed", WORDS).map(lambda inner: Predicate("rdeps", (inner,)))


def branches(children: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    several = st.lists(children, min_size=2, max_size=4).map(tuple)
    return st.builds(Not, children) | st.builds(And, several) | st.builds(Or, several)


EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(INSIDE | OUTSIDE, branches, max_leaves=12)
DECIDABLE: st.SearchStrategy[Expression] = st.recursive(INSIDE, branches, max_leaves=12)
NAMES = st.text(st.sampled_from(LETTERS), max_size=8) | st.just("a/b.py::ab::a[b]")


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


MARKS = st.tuples(SHORT, st.lists(SHORT, max_size=2), st.dictionaries(st.sampled_from("ab"), SHORT, max_size=2))
TESTS = st.fixed_dictionaries(
    {
        "id": NAMES,
        "module": maybe(SHORT),
        "kind": maybe(st.sampled_from(["function", "method"])),
        "marks": maybe(st.lists(MARKS, max_size=3)),
        "fixtures": maybe(st.lists(SHORT, max_size=3)),
        "params": maybe(st.dictionaries(st.sampled_from("ab"), SHORT, max_size=2)),
        "docstring": maybe(TEXTS),
        "platform": maybe(st.lists(SHORT, max_size=2)),
    }
).map(Described)


def naive(expression: Expression, test: Candidate) -> Answer:
    """What an expression means, written down as simply as can be."""
    if isinstance(expression, Not):
        answer = naive(expression.operand, test)
        return None if answer is None else not answer
    if isinstance(expression, Predicate):
        return naive_leaf(expression, test)
    answers = [naive(operand, test) for operand in expression.operands]
    decisive = isinstance(expression, Or)
    return decisive if decisive in answers else None if None in answers else not decisive


def naive_leaf(leaf: Predicate, test: Candidate) -> Answer:
    if leaf.name in ("all", "none"):
        return leaf.name == "all"
    first = leaf.matchers[0]
    if leaf.name == "mark":
        if test.marks is None:
            return None
        return any(
            compare(first, mark.name)
            and all(compare(one, value) for one in leaf.matchers[1:] for value in [mark.value(one.key)])
            for mark in test.marks
        )
    if leaf.name == "param":
        return naive_param(leaf, test)
    group = None
    if test.marks is not None:
        group = [m.value("name") or m.value("0") or "default" for m in test.marks if m.name == "xdist_group"]
    parts = test.id.partition("::")[2].partition("[")[0].split("::")
    classes = parts[:-1]
    file = test.id.partition("::")[0]
    name = parts[-1] if "::" in test.id else file.rpartition("/")[2]
    values: dict[str, Any] = {
        "test": [test.id],
        "name": [name],
        "module": test.module and [test.module],
        "class": [*classes, "::".join(classes)] if len(classes) > 1 else classes,
        "kind": test.kind and [test.kind],
        "fixture": test.fixtures,
        "docstring": None if test.docstring is None else [test.docstring],
        "group": group,
        "platform": test.platform,
    }
    found = values[leaf.name]
    return None if found is None else any(compare(first, value) for value in found)


def naive_param(leaf: Predicate, test: Candidate) -> Answer:
    param = test.names.param
    answers: list[Answer] = []
    for one in leaf.matchers:
        if not param:
            answers.append(False)
        elif not one.key:
            answers.append(compare(one, param))
        else:
            answers.append(None if test.params is None else compare(one, test.params.get(one.key)))
    return False if False in answers else None if None in answers else True


def compare(matcher: Matcher, name: str | None) -> bool:
    if name is None:
        return False
    if matcher.kind == "/":
        return re.search(matcher.text, name) is not None
    return {"=": name == matcher.text, "~": matcher.text in name, "#": fnmatchcase(name, matcher.text)}[matcher.kind]


@pytest.mark.slow
@given(EXPRESSIONS)
def test_printing_and_parsing_gives_the_same_expression(expression: Expression) -> None:
    assert parse(to_text(expression)) == expression


@pytest.mark.slow
@given(EXPRESSIONS)
def test_the_canonical_form_is_stable(expression: Expression) -> None:
    text = to_text(expression)
    assert to_text(parse(text)) == text


@pytest.mark.slow
@given(DECIDABLE, st.lists(TESTS, max_size=4))
def test_matching_means_what_the_naive_evaluator_says(expression: Expression, tests: list[Candidate]) -> None:
    compiled = compile_filter(expression)
    wanted = [naive(expression, test) for test in tests]
    assert [compiled.evaluate(test) for test in tests] == wanted
    selection = compiled.select(tests)
    assert selection.matched == tuple(answer is not False for answer in wanted)
    assert selection.certain == tuple(answer is True for answer in wanted)
    # What a person is told of it agrees with what is done.
    for test, answer in zip(tests, wanted, strict=True):
        assert explain(compiled, test).answer is answer


@given(TESTS)
def test_a_test_survives_json(test: Candidate) -> None:
    data = json.loads(json.dumps(test.to_json()))
    assert Described(data).to_json() == test.to_json()


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
        "mark(",
        "slow(>1s)",
        "rdeps(",
        "changed(",
        "key=",
        "kind(",
        "regex:",
    ]
)


@pytest.mark.slow
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


@pytest.mark.parametrize(
    "text",
    [
        "file(x[/**b-a]y)",
        "file(**/*[\udcddz[zC-\udccc?**/*/[]m)",
        "test(#" + "[" * 3000 + ")",
        "file([**/)",
        "file([!-a])",
    ],
    ids=["a set over folders", "found by fuzzing", "no set at all", "half a set", "no range of slashes"],
)
def test_texts_that_once_broke_a_promise_break_it_no_more(text: str) -> None:
    fuzz.check(text)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.randoms(use_true_random=False))
def test_texts_near_the_table_of_cases_break_no_promise(dice: random.Random) -> None:
    fuzz.check(fuzz.mutated(dice))
