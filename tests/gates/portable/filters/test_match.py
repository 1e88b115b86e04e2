"""Matching is three-valued, and every leaf knows how many tests it matched."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest

from gates.portable.filters import Candidate, Candidates, Described, columns, compile_filter
from gates.portable.filters.candidates import Groups, describe, of_descriptions
from gates.portable.filters.resolution import TableFacts

if TYPE_CHECKING:
    from gates.portable.filters.resolution import Answer

TESTS = [Candidate(f"tests/test_{name}.py::test_it") for name in ("cache", "pool", "cache_pool")]


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
    assert Candidate("tests/test_a.py::TestA::test_b[x::y]").file == "tests/test_a.py"


@pytest.mark.parametrize(("left", "right"), list(product([True, False, None], repeat=2)))
def test_operators_follow_three_valued_logic(left: Answer, right: Answer) -> None:
    rank = {False: 0, None: 1, True: 2}
    both = [columns.of_answers([left]), columns.of_answers([right])]
    assert columns.both(both)[0] == min(rank[left], rank[right])
    assert columns.either(both)[0] == max(rank[left], rank[right])
    assert columns.negated(both[0])[0] == 2 - rank[left]
    assert columns.answer(both[0][0]) is left


def test_what_is_unknown_is_selected_but_not_for_certain() -> None:
    unknown = compile_filter("failed(last)", TableFacts({}, "no run is recorded"))
    assert unknown.evaluate(TESTS[0]) is None
    assert unknown.matches(TESTS[0])
    selection = unknown.select(TESTS)
    assert selection.matched == (True, True, True)
    assert selection.certain == (False, False, False)
    (leaf,) = selection.leaves
    assert (leaf.count, leaf.unknown, leaf.why) == (3, 3, "no run is recorded")


def test_what_tests_of_a_function_share_is_described_once_and_read_back_whole() -> None:
    class OfOneFunction(Candidates):
        @property
        def functions(self) -> Groups:
            return Groups([0, 1, 0], [self[0], self[1]])

    first: dict[str, object] = {"marks": [["slow", ["1"], {}]], "file": "a.py", "params": {}}
    a, b, c = (Described({**first, "id": f"a.py::{name}"}) for name in ("x[1]", "y", "x[2]"))
    c.params = {"n": "2"}
    tests = OfOneFunction([a, b, c])
    rows = describe(tests)
    assert rows[2] == {"id": "a.py::x[2]", "params": {"n": "2"}, "like": 0}
    assert [test.to_json() for test in of_descriptions(rows)] == [test.to_json() for test in tests]
