"""New checks stand in for those that are gone only where they are about the same changed code, and as many."""

from __future__ import annotations

import pytest

from gates.analysis.checks.anew import Newcomer, Newcomers
from gates.analysis.checks.weaker import weaker_checks

CODE = "def total(prices, limit):\n    return sum(prices) + (0 if sum(prices) > limit else 5)\n\ndef name(x):\n    return x.upper()\n"
CHANGED = CODE.replace("limit):", "weight):").replace("sum(prices) > limit", "weight < 20")
GONE = "from shop import total\n\ndef test_postage():\n    assert total([3, 4], 20) == 12\n"
LIGHT = "from shop import total\n\ndef test_light():\n    assert total([3, 4], weight=2) == 7\n"


@pytest.mark.parametrize(
    ("code", "head", "certain"),
    [
        (CHANGED, LIGHT, False),
        (CODE, LIGHT.replace("weight", "limit"), True),
        (CHANGED, "from shop import name\n\ndef test_name():\n    assert name('a') == 'A'\n", True),
        (CHANGED, LIGHT.replace(" == 7", ""), True),
        (CHANGED, "import pytest\n\nx = 1\n", True),
    ],
    ids=["new test", "the code is the same", "another function", "a weak test", "no test"],
)
def test_a_removed_test_is_a_hint_only_if_new_tests_check_its_changed_code(code: str, head: str, certain: bool) -> None:
    found = weaker_checks({"shop.py": CODE, "tests/test_t.py": GONE}, {"shop.py": code, "tests/test_t.py": head})
    assert found.fires is certain, found
    if not certain:
        why = "its code changed, and new checks are about it: tests/test_t.py::test_light"
        assert found.excused == {"tests/test_t.py::test_postage": why}
        assert [(one.rule, one.strength, one.what) for one in found.weakenings] == [("removed-test", "hint", why)]


def test_not_more_checks_may_go_than_come() -> None:
    tests = [Newcomer("a", frozenset({"total", "sum"}), 2), Newcomer("b", frozenset({"name"}), 1)]
    new = Newcomers(tests, frozenset({"total", "name"}))
    assert new.for_test(frozenset({"total", "len"}), lost=3) == ""
    assert new.for_test(frozenset({"total", "name"}), lost=2) == "a"
    assert new.for_test(frozenset({"total"}), lost=1) == "", "both checks of `a` stand in for others already"
    assert new.for_test(frozenset({"len"}), lost=1) == "", "nothing that it used has changed"
    assert new.for_test(frozenset({"name"}), lost=0) == "b"


def test_a_renamed_test_is_no_new_check() -> None:
    base = GONE + "\ndef test_more():\n    assert total([9], 3) == 9\n"
    head = "from shop import total\n\ndef test_much():\n    assert total([9], 3) == 9\n"
    found = weaker_checks({"shop.py": CODE, "tests/test_t.py": base}, {"shop.py": CHANGED, "tests/test_t.py": head})
    assert list(found.removed) == ["tests/test_t.py::test_postage"]
