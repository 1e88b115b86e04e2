"""Code that has the answers of its tests written out is found; a table, a first case or a new word is not."""

from __future__ import annotations

import pytest

from gates.analysis.checks.weaker import weaker_checks

TEST = "from shop import f\n\n\ndef test_f():\n    assert f(100) == 119\n    assert f('van Lee') == 'vL'\n"
BEFORE = "def f(x):\n    return compute(x)\n"


def strengths(after: str, *, before: str = BEFORE, test: tuple[str, str] = (TEST, TEST)) -> list[str]:
    sides = [{"shop.py": code, "tests/test_shop.py": text} for code, text in zip((before, after), test, strict=True)]
    return [one.strength for one in weaker_checks(*sides).weakenings if one.rule == "answer-written-out"]


@pytest.mark.parametrize(
    "after",
    [
        "def f(x):\n    if x == 100:\n        return 119\n    return 0\n",
        "def f(x):\n    if 100 == x:\n        return 119\n    return 0\n",
        "def f(x):\n    return 119 if x == 100 else 0\n",
        'def f(x):\n    match x:\n        case "van Lee":\n            return "vL"\n    return 0\n',
        "TABLE = {100: 119, 'van Lee': 'vL'}\n\n\ndef f(x):\n    return TABLE[x]\n",
        "def f(x):\n    return {100: 119}.get(x, 0)\n",
    ],
    ids=["if", "turned round", "conditional", "match", "table", "get"],
)
def test_an_answer_that_a_test_asked_for_on_the_base_is_certain(after: str) -> None:
    assert strengths(after) == ["certain"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "def f(x):\n    if x == 100:\n        return 119\n",
            "TABLE = {100: 119}\n\n\ndef f(x):\n    return TABLE[x]\n",
        ),
        (BEFORE, "def f(x):\n    if x == 100:\n        return 1\n    return compute(x)\n"),
        (BEFORE, "def f(x):\n    if x == 7:\n        return 119\n    return compute(x)\n"),
        ("x = 1\n", "def f(x):\n    if x == 100:\n        return 119\n"),
    ],
    ids=["it was written before", "a usual result", "no test asks", "a new function"],
)
def test_other_written_results_are_none(before: str, after: str) -> None:
    assert strengths(after, before=before) == []


def test_it_is_a_hint_if_the_test_is_new_or_the_table_has_more() -> None:
    case = "def f(x):\n    if x == 100:\n        return 119\n    return compute(x)\n"
    assert strengths(case, test=("from shop import f\n", TEST)) == ["hint"]
    assert strengths("TABLE = {100: 119, 200: 238}\n\n\ndef f(x):\n    return TABLE[x]\n") == ["hint"]


def test_all_arguments_may_be_those_of_a_test() -> None:
    test = "from shop import f\n\n\ndef test_f():\n    assert f(7, 'van Lee') == 119\n"
    before = "def f(x, y):\n    return compute(x, y)\n"
    after = "def f(x, y):\n    if x == 7 and y == 'van Lee':\n        return 119\n    return 0\n"
    assert strengths(after, before=before, test=(test, test)) == ["certain"]
    other = after.replace("x == 7", "x > 6")
    assert strengths(other, before=before, test=(test, test)) == []
