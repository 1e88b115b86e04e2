"""Matching is three-valued, and every leaf knows how many tests it matched."""

from __future__ import annotations

from itertools import product

import pytest

from gates.filters import TestName, compile_filter
from gates.filters.compile import _decided_by, _not
from gates.filters.match import Answer, Filter, LeafQuestion
from gates.filters.nodes import Predicate

TESTS = [TestName.from_id(f"tests/test_{name}.py::test_it") for name in ("cache", "pool", "cache_pool")]


def test_each_leaf_is_counted_by_itself() -> None:
    selection = compile_filter("test(cache) and not (test(pool) or test(cahce))").select(TESTS)
    assert selection.matched == (True, False, False)
    assert [(leaf.text, leaf.count) for leaf in selection.leaves] == [
        ("test(cache)", 2),
        ("test(pool)", 2),
        ("test(cahce)", 0),
    ]


def test_a_leaf_knows_its_place_in_the_text() -> None:
    text = "test(cache) or test(x)"
    leaf = compile_filter(text).select([]).leaves[1]
    assert text[leaf.predicate.span.start : leaf.predicate.span.end] == "test(x)"


def test_a_name_takes_its_file_from_the_node_id() -> None:
    assert TestName.from_id("tests/test_a.py::TestA::test_b[x::y]").file == "tests/test_a.py"


@pytest.mark.parametrize(("left", "right"), list(product([True, False, None], repeat=2)))
def test_operators_follow_three_valued_logic(left: Answer, right: Answer) -> None:
    rank = {False: 0, None: 1, True: 2}
    questions = (lambda _: left, lambda _: right)
    assert rank[_decided_by(questions, decisive=False)(TESTS[0])] == min(rank[left], rank[right])
    assert rank[_decided_by(questions, decisive=True)(TESTS[0])] == max(rank[left], rank[right])
    assert rank[_not(questions[0])(TESTS[0])] == 2 - rank[left]


def test_what_is_unknown_is_selected() -> None:
    leaf = LeafQuestion(Predicate("all"), "all()", lambda _: None)
    unknown = Filter(leaf.predicate, leaf.ask, [leaf])
    assert unknown.evaluate(TESTS[0]) is None
    assert unknown.matches(TESTS[0])
    assert unknown.select(TESTS).matched == (True, True, True)
    assert unknown.select(TESTS).leaves[0].count == 3
