"""A value that stands in for a missing result is found where it is what is expected."""

from __future__ import annotations

import ast

import pytest

from gates.analysis.checks.fallbacks import without_fallback
from gates.analysis.checks.weaker import weaker_checks
from tests.gates.analysis.checks.told import FILE


@pytest.mark.parametrize(
    ("subject", "expected", "bare"),
    [
        ("x.get('a', 2)", "2", "x['a']"),
        ("x.pop('a', 2)", "2", "x['a']"),
        ("getattr(x, 'a', 2)", "2", "x.a"),
        ("next(x, 2)", "2", "next(x)"),
        ("x or 2", "2", "x"),
        ("x.get('a', 3)", "2", None),
        ("x.get('a')", "2", None),
        ("x.get('a', None)", "None", None),
        ("x or y or 2", "2", None),
        ("x and 2", "2", None),
    ],
)
def test_the_subject_is_what_there_would_be_without_it(subject: str, expected: str, bare: str | None) -> None:
    found = without_fallback(ast.parse(subject, mode="eval").body, ast.parse(expected, mode="eval").body)
    assert (None if found is None else ast.unparse(found)) == bare


@pytest.mark.parametrize(
    "body",
    ["with pytest.raises(ValueError):\n        refuse(2)", "self.assertRaises(ValueError, refuse, 2)"],
)
def test_an_error_that_the_test_code_always_raises_itself_checks_nothing(body: str) -> None:
    helper = "def refuse(x):\n    raise ValueError(x)\n\n\n"
    test = f"{helper}def test_f(self):\n    {body}\n"
    sides = [{FILE: test.replace("refuse(2)", "take(2)").replace("refuse, 2", "take, 2")}, {FILE: test}]
    assert [one.rule for one in weaker_checks(*sides).weakenings] == ["constant-truth"]
    sometimes = test.replace("    raise", "    if x > 1:\n        raise", 1)
    assert "constant-truth" not in {one.rule for one in weaker_checks(sides[0], {FILE: sometimes}).weakenings}
