"""Tests that have another name, or lie in another file, on the head."""

from __future__ import annotations

from gates.analysis.shapes import Shape
from gates.compare.moved import pairs_of


def a_shape(text: str, fingerprint: str = "") -> Shape:
    words = {word: text.split().count(word) for word in text.split()}
    return Shape(fingerprint=fingerprint or text, words=words)


BODY = "make cache append token assert length equal two"


def test_an_equal_body_under_another_name_is_the_same_test() -> None:
    base = {"a.py::test_x": a_shape(BODY), "a.py::test_y": a_shape("quite other words")}
    head = {"a.py::test_renamed": a_shape(BODY)}
    assert pairs_of(list(base), list(head), base, head) == {"a.py::test_x": "a.py::test_renamed"}


def test_the_same_name_in_another_file_is_a_move_even_where_the_source_is_not_known() -> None:
    assert pairs_of(["a.py::C::t"], ["sub/b.py::C::t"], {}, {}) == {"a.py::C::t": "sub/b.py::C::t"}


def test_several_of_the_same_are_no_sure_pair() -> None:
    base = {"a.py::test_x": a_shape("pass"), "a.py::test_y": a_shape("pass")}
    head = {"b.py::test_v": a_shape("pass"), "b.py::test_w": a_shape("else")}
    assert "a.py::test_z" not in pairs_of(list(base), list(head), base, head)


def test_a_body_that_changed_a_little_is_found_by_its_likeness() -> None:
    base = {"a.py::test_append_grows": a_shape(BODY, "1")}
    head = {"a.py::test_append_grows_by_one": a_shape(BODY + " more", "2"), "a.py::test_other": a_shape("nothing", "3")}
    assert pairs_of(list(base), list(head), base, head) == {"a.py::test_append_grows": "a.py::test_append_grows_by_one"}


def test_a_name_alone_makes_no_test() -> None:
    base, head = (
        {"a.py::test_append": a_shape(BODY, "1")},
        {"a.py::test_append2": a_shape("something else entirely", "2")},
    )
    assert pairs_of(list(base), list(head), base, head) == {}
