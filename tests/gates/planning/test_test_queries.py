"""Listing and explaining work on tests from anywhere."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from gates.planning.test_queries import Tests, explanation, find_test, listing, settings_of
from gates.portable.errors import NothingSelected, UsageError
from gates.portable.exclusions import Exclusion, named_expressions
from gates.portable.filters import Candidate, Described
from gates.portable.filters.resolution import TableFacts
from gates.portable.rules import ALL_THREADS, Override


def an_entry(name: str, expression: str) -> Exclusion:
    return Exclusion(name, expression, "why", "todo", "ada", dt.date(2099, 1, 1))


def some_tests(*names: str, **more: object) -> Tests:
    candidates = tuple(Described({"id": name, "kind": "function", "marks": []}) for name in names)
    return Tests(candidates=candidates, facts=TableFacts({}, "nobody knows"), named={}, **more)  # type: ignore[arg-type]


def test_what_matches_is_listed_and_counted() -> None:
    text, said = listing(some_tests("a.py::x", "a.py::y", "b.py::x"), "test(x) and flaky()")
    assert text == "a.py::x\nb.py::x\n"
    assert said == [
        "flaky(): unknown for 3 tests, and therefore selected: nobody knows",
        "matched: 2 of 3 tests",
    ]


def test_a_listing_for_programs_holds_what_is_known() -> None:
    text, _ = listing(some_tests("a.py::x"), "all()", as_json=True)
    (test,) = json.loads(text)
    assert (test["id"], test["file"], test["kind"], test["params"]) == ("a.py::x", "a.py", "function", None)


def test_every_wrong_name_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        listing(some_tests("a.py::x"), "mark(a) or file(b) or test(c)")
    assert caught.value.got.split("\n       ") == ["mark(a) matches no test", "file(b) matches no test"]


def test_an_empty_listing_is_no_success() -> None:
    with pytest.raises(NothingSelected) as caught:
        listing(some_tests("a.py::cache"), "test(cahce)")
    assert "test(cahce) matches no test; did you mean test(cache)?; matched: 0 of 1 test" in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "verdict"),
    [
        ("test(x)", "is excluded by gone"),
        ("test(z)", "is not selected by the filter"),
        ("default()", "is excluded by gone"),
    ],
)
def test_an_explanation_ends_with_what_becomes_of_the_test(expression: str, verdict: str) -> None:
    tests = some_tests("a.py::x", exclusions=(an_entry("gone", "test(x)"),))
    assert explanation(tests, "a.py::x", expression).endswith(f"→ {verdict}\n")


def test_a_quarantined_test_runs_and_an_unknown_exclusion_excludes_nothing() -> None:
    ledgers = {"exclusions": (an_entry("maybe", "flaky()"),), "quarantine": (an_entry("shaky", "test(x)"),)}
    said = explanation(some_tests("a.py::x", **ledgers), "x", "")
    assert "unknown flaky()  (nobody knows)" in said
    assert said.endswith("→ runs, quarantined by shaky\n")


def test_named_expressions_are_shown_with_what_they_stand_for() -> None:
    tests = some_tests("a.py::x")
    tests = Tests(candidates=tests.candidates, facts=tests.facts, named=named_expressions("test(x)", ()))
    assert "true    default()\ntrue      test(x)\n" in explanation(tests, "x", "default()")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("cahce", "no test is named 'cahce'\n  hint: did you mean 'cache'?"),
        ("zzz", "no test is named 'zzz'\n  hint: gates list -E 'all()' shows them"),
        ("c", "'c' means 2 tests\n  got: a.py::cache\n       a.py::cold\n  hint: name one of them"),
    ],
)
def test_a_name_must_mean_one_test(name: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_test([Candidate("a.py::cache"), Candidate("a.py::cold")], name)
    assert str(caught.value) == problem


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("a.py::x", ("a.py::xx", "sub/a.py::x")),
        ("x", ("a.py::xx", "b.py::test_x")),
        ("x", ("a.py::xx[1]", "b.py::x_more")),
        ("A::x", ("a.py::AA::x",)),
    ],
)
def test_an_exact_name_wins_over_those_that_contain_it(name: str, others: tuple[str, ...]) -> None:
    wanted = "a.py::A::x" if "A" in name else "a.py::x"
    assert find_test([*map(Candidate, others), Candidate(wanted)], name).id == wanted


def test_the_name_of_a_function_wins_over_parts_of_others() -> None:
    tests = [Candidate("a.py::test_size_big"), Candidate("a.py::test_size[1]")]
    assert find_test(tests, "test_size").id == "a.py::test_size[1]"
    assert find_test([*tests, Candidate("a.py::test_size[2]")], "test_size[2]").id == "a.py::test_size[2]"


def test_settings_are_shown_as_a_config_has_them() -> None:
    layer = Override("here", "", {"threads_required": ALL_THREADS, "setup": ["a", "b"], "group": "db"})
    lines = {tuple(line.split()) for line in settings_of(some_tests("a.py::x", rules=(layer,)), "x").splitlines()}
    assert lines >= {
        ("threads-required", "=", "'num-test-threads'", "#", "here"),
        ("setup", "=", "['a',", "'b']", "#", "here"),
        ("group", "=", "'db'", "#", "here"),
        ("priority", "=", "0", "#", "default"),
    }
