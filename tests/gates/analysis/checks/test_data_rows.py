"""Rows that are gone from a file of cases are found, with certainty where a test goes through them."""

from __future__ import annotations

import pytest

from gates.analysis.checks.data_rows import rows_of
from gates.analysis.checks.weaker import weaker_checks

LOOP = "from shop import f\n\n\ndef test_f():\n    for x in load('cases.json'):\n        assert f(x) == 2 * x\n"
PLAIN = "from shop import f\n\n\ndef test_f():\n    assert f(load('cases.json')) == 2\n"


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        ("a.json", '[1, 2, {"b": 1, "a": 2}, {"a": 2, "b": 1}]', 3),
        ("a.json", '{"cases": [1, 2]}', 2),
        ("a.json", '{"a": 1, "b": 2, "c": 3}', 3),
        ("a.jsonl", '{"a": 1}\n\n{"a": 2}\n', 2),
        ("a.csv", "x,y\n1,2\n3,4\n\n1,2\n", 2),
        ("a.tsv", "x\ty\n1\t2\n", 1),
        ("a.toml", "[[case]]\nx = 1\n[[case]]\nx = 2\n", 2),
        ("a.yaml", "- x: 1\n  y: 2\n- x: 2\n", 2),
        ("a.json", '{"title": "t", "cases": [1, 2, 3]}', 3),
        ("a.txt", "a\n\n b\na\n", 2),
        ("a.json", '{"a": 1, "b": "two", "c": [3]}', 1),
        ("a.json", '{"a": 1, "b": "two", "c": null}', 0),
        ("a.toml", 'truth = "a"\nours = "b"\nwhy = "c"\n', 0),
        ("a.json", "[1, 2", 0),
        ("a.toml", "= 1", 0),
        ("a.json", " ", 0),
        ("a.json", "7", 0),
    ],
)
def test_a_file_has_its_distinct_rows(name: str, text: str, number: int) -> None:
    assert len(rows_of(name, text)) == number


@pytest.mark.parametrize(
    ("before", "after", "strengths"),
    [
        ("[1, 2, 3]", "[1]", ["certain"]),
        ("[1, 2, 3]", "[1, 7]", ["hint"]),
        ("[1, 2]", "[2, 1]", []),
        ("[1, 2, 2]", "[1, 2]", []),
        ("[1, 2]", "[1, 3]", []),
        ("[1, 2]", "[1, 2, 3]", []),
        ("[1, 2]", "[1, 2", ["certain"]),
    ],
    ids=["fewer", "fewer and another", "another order", "twice", "another", "more", "unreadable"],
)
def test_fewer_rows_are_found(before: str, after: str, strengths: list[str]) -> None:
    sides = [{"tests/test_f.py": LOOP, "tests/cases.json": text} for text in (before, after)]
    assert [one.strength for one in weaker_checks(*sides).weakenings] == strengths


def test_it_is_a_hint_unless_an_unchanged_test_goes_through_the_rows() -> None:
    base, head = "[1, 2]", "[1]"
    for tests in ((PLAIN, PLAIN), (LOOP, LOOP.replace("2 * x", "x + x"))):
        sides = [
            {"tests/test_f.py": test, "tests/cases.json": text} for test, text in zip(tests, (base, head), strict=True)
        ]
        assert {one.strength for one in weaker_checks(*sides).weakenings if one.rule == "fewer-rows"} == {"hint"}


def test_rows_in_another_file_and_files_outside_the_tests_are_not_gone() -> None:
    base = {"tests/test_f.py": LOOP, "tests/cases.json": "[1, 2]", "data/rows.json": "[1, 2]"}
    head = {**base, "tests/cases.json": "[1]", "tests/more.json": "[2]", "data/rows.json": "[1]"}
    assert weaker_checks(base, head).weakenings == ()
