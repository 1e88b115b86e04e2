"""The order in which tests run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.order import Known, Sortable, sort
from gates.portable.values import ORDERS

TESTS = ["a.py::t1", "a.py::C::t2", "a.py::C::t3[x::y]", "b.py::t4", "b.py::t5", "c.py::t6"]
HISTORY = {
    "a.py::t1": Known("passed", 0.1),
    "a.py::C::t2": Known("failed", 0.3),
    "a.py::C::t3[x::y]": Known("passed", 0.2),
    "b.py::t4": Known("passed", 5.0),
    "b.py::t5": Known("crashed", 9.0),
}


def ordered(order: str, names: list[str] = TESTS, seed: int = 0) -> list[str]:
    return [names[at] for at in sort([Sortable(name) for name in names], order, HISTORY, seed)]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", "t1 t2 t3 t4 t5 t6"),
        ("default", "t1 t2 t3 t4 t5 t6"),
        ("failed-first", "t2 t5 t1 t3 t4 t6"),
        ("new-first", "t6 t1 t2 t3 t4 t5"),
        ("longest-first", "t5 t4 t6 t2 t3 t1"),
    ],
)
def test_each_order_puts_first_what_its_name_says(order: str, expected: str) -> None:
    short = {name: f"t{number}" for number, name in enumerate(TESTS, 1)}
    assert [short[name] for name in ordered(order)] == expected.split()


def test_priority_comes_before_any_order() -> None:
    tests = [Sortable("a.py::a"), Sortable("a.py::b", 5), Sortable("a.py::c", -1), Sortable("a.py::d", 5)]
    assert sort(tests, "") == [1, 3, 0, 2]


def test_chance_is_repeated_by_its_seed_and_changes_with_it() -> None:
    many = [f"f{number % 7}.py::test_{number}" for number in range(60)]
    assert ordered("random", many, 3) == ordered("random", many, 3)
    assert ordered("random", many, 3) != ordered("random", many, 4)


ids = st.lists(
    st.builds(
        lambda file, names: "::".join([f"{file}.py", *names]),
        st.sampled_from("abc"),
        st.lists(st.sampled_from(["C", "D", "t", "u[1]", "u[::]"]), min_size=1, max_size=3),
    ),
    max_size=25,
)


@pytest.mark.slow
@given(ids, st.sampled_from(ORDERS), st.integers(0, 5), st.data())
def test_every_order_is_a_permutation_that_keeps_files_together_where_it_says(
    names: list[str], order: str, seed: int, data: st.DataObject
) -> None:
    history = {
        name: Known(data.draw(st.sampled_from(["passed", "failed"])), data.draw(st.floats(0, 10)))
        for name in names[::2]
    }
    found = sort([Sortable(name) for name in names], order, history, seed)
    assert sorted(found) == list(range(len(names)))
    assert found == sort([Sortable(name) for name in names], order, history, seed)
    if order in ("random", "longest-first"):
        files = [names[at].partition("::")[0] for at in found]
        assert len([file for at, file in enumerate(files) if not at or files[at - 1] != file]) == len(set(files))
