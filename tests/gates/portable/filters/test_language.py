"""The language, case by case: `cases.toml` says what is accepted and what is refused."""

from __future__ import annotations

import pickle
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gates.portable.filters import (
    Candidate,
    Described,
    FilterSyntaxError,
    Resolution,
    TableFacts,
    compile_filter,
    parse,
    to_text,
)
from gates.portable.values import ExitCode

CASES = tomllib.loads(Path(__file__).with_name("cases.toml").read_text(encoding="utf-8"))
TESTS = {letter: Described(about) for letter, about in CASES["tests"].items()}
FACTS = TableFacts({text: Resolution.from_json(about) for text, about in CASES["facts"].items()}, "nobody asked")
NAMED = {name: parse(text) for name, text in CASES["named"].items()}


def refused(text: str) -> FilterSyntaxError:
    with pytest.raises(FilterSyntaxError) as caught:
        parse(text)
    return caught.value


# Without underscores: the id of a case must not be what this project's own exclusions look for.
@pytest.mark.parametrize("case", CASES["accepted"], ids=lambda case: case["text"].replace("_", " "))
def test_an_accepted_expression_has_a_canonical_form_and_matches(case: dict[str, Any]) -> None:
    expression = parse(case["text"])
    assert to_text(expression) == case["canonical"]
    assert parse(case["canonical"]) == expression
    compiled = compile_filter(case["text"], FACTS, NAMED)
    answers = {letter: compiled.evaluate(test) for letter, test in TESTS.items()}
    assert "".join(letter for letter, answer in answers.items() if answer) == case["matches"]
    assert "".join(letter for letter, answer in answers.items() if answer is None) == case.get("unknown", "")


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["text"] or "nothing")
def test_a_refused_expression_names_every_problem_and_its_place(case: dict[str, Any]) -> None:
    problems = refused(case["text"]).problems
    marked = [case["text"][problem.span.start : problem.span.end] for problem in problems]
    assert marked == [stretch for stretch, _ in case["problems"]]
    for problem, (_, words) in zip(problems, case["problems"], strict=True):
        assert words in f"{problem.label}; {problem.hint}"


def test_the_message_has_a_caret_under_every_place() -> None:
    assert str(refused("test(a) && tset(b)")) == (
        "the filter expression has 2 errors\n"
        "  test(a) && tset(b)\n"
        "          ^^ unknown operator `&&`\n"
        "          hint: write `and` or `&`\n"
        "  test(a) && tset(b)\n"
        "             ^^^^ unknown predicate `tset`\n"
        "             hint: did you mean `test`?"
    )


def test_the_caret_stands_right_under_wide_and_combining_characters() -> None:
    lines = str(refused("test(日本e\u0301) foo")).splitlines()
    assert lines[2] == " " * (2 + len("test(") + 4 + 1 + len(") ")) + "^^^ not an expression"


def test_only_the_line_with_the_problem_is_shown() -> None:
    lines = str(refused("test(a)\n\tor foo\nor test(b)")).splitlines()
    assert lines[1:3] == ["   or foo", "      ^^^ not an expression"]


def test_a_long_line_is_shown_around_the_problem() -> None:
    text = " or ".join(["test(abcdefgh)"] * 50) + " or foo or " + " or ".join(["test(abcdefgh)"] * 50)
    lines = str(refused(text)).splitlines()
    assert len(lines[1]) < 120
    assert lines[1].strip().startswith("…")
    assert lines[1].endswith("…")
    column = lines[2].index("^^^")
    assert lines[1][column : column + 3] == "foo"


def test_a_problem_at_the_end_of_a_long_line_is_shown_too() -> None:
    lines = str(refused("test(x) or " * 50)).splitlines()
    assert lines[2].index("^") == len(lines[1])


def test_what_cannot_be_printed_is_replaced_in_the_message() -> None:
    message = str(refused("\x1b[31m\udc80"))
    message.encode("utf-8")
    assert "\x1b" not in message


def test_many_problems_are_counted_and_not_all_shown() -> None:
    error = refused(" or ".join(["foo"] * 100))
    assert len(error.problems) == 100
    assert str(error).endswith("… and 80 more")


def test_a_syntax_error_is_wrong_usage_and_can_be_pickled() -> None:
    error = refused("foo")
    assert error.exit_code is ExitCode.USAGE
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    ["(" * 100_000, "not " * 100_000 + "all()", "(" * 5000 + "all()" + ")" * 5000, "all() - " * 15_000 + "!" * 101],
    ids=["open", "not", "closed", "difference"],
)
def test_deep_nesting_is_an_error_of_the_language(text: str) -> None:
    assert "nested deeper than 100 levels" in str(refused(text))


def test_nesting_up_to_the_limit_works() -> None:
    text = "not (" * 50 + "all() or none()" + ")" * 50
    assert parse(to_text(parse(text))) == parse(text)
    assert compile_filter(text).matches(Candidate("x"))


@pytest.mark.slow
def test_a_long_chain_is_not_deep() -> None:
    text = " or ".join(f"test({number})" for number in range(5000))
    assert compile_filter(text).matches(Candidate("test_4999"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "unit", ["foo ", ")", "(", "test(/a", "test(\\", "&&", "or(", "test(a) ", "x(", "\\", "=", "not -", "é\u0301"]
)
def test_a_long_hostile_input_is_refused_with_a_message(unit: str) -> None:
    # That the time grows with the length, and no faster, is measured by `python -m benchmarks filter-linear`.
    assert len(str(refused(unit * (30_000 // len(unit))))) < 30_000


def test_a_regular_expression_that_python_warns_of_is_accepted() -> None:
    assert compile_filter("test(/[[a]/)").matches(Candidate("[a"))
