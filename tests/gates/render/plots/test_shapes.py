from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.render.plots.shapes import Drawing, box, cells, legend, mark, nothing, number, path, text, words, wrapped
from tests.gates.readers.junit.sample import nasty
from tests.gates.render.plots.reading import outside, parsed, texts, tips


@given(nasty, nasty)
def test_any_text_is_shown_and_breaks_nothing(said: str, about: str) -> None:
    shapes = (text(30, 30, said), box(1, 1, 5, 5, "passed", about), path("M0 0L1 1", "rule", about))
    drawing = Drawing(title=said, about=about, height=60, shapes=shapes)
    assert texts(drawing) == [words(said)]
    assert tips(drawing) == [words(about)] * (2 if about else 0)
    root = parsed(drawing)
    assert (root[0].text or "", root[1].text or "") == (words(said), words(about))
    assert not [one for one in root.iter() if one.tag.rpartition("}")[2] in ("script", "a", "image", "foreignObject")]


def test_a_file_needs_nothing_from_elsewhere_and_has_both_themes_a_title_and_a_description() -> None:
    root = parsed(nothing("A picture", "There is nothing."))
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "title about")
    style = root[2].text or ""
    assert "prefers-color-scheme: dark" in style
    assert "var(" not in style  # other programs than browsers do not know it
    assert "url(" not in style
    assert "@import" not in style


@given(nasty, st.integers(1, 60))
def test_a_broken_text_keeps_its_letters_and_fits(said: str, most: int) -> None:
    lines = wrapped(said, most)
    assert "".join(lines).replace(" ", "") == words(said).replace(" ", "")
    assert all(cells(line) <= max(most, 2) for line in lines)


@pytest.mark.parametrize(
    ("said", "most", "lines"),
    [
        ("short", 10, ["short"]),
        ("", 10, [""]),
        ("tests/a.py::test_it", 12, ["tests/a.py::", "test_it"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("日本語日本語", 6, ["日本語", "日本語"]),
        ("日本", 1, ["日", "本"]),
    ],
)
def test_a_text_is_broken_at_its_joints(said: str, most: int, lines: list[str]) -> None:
    assert wrapped(said, most) == lines


@pytest.mark.parametrize(("value", "said"), [(1.0, "1"), (1.25, "1.2"), (0.04, "0"), (-3.36, "-3.4"), (1000.0, "1000")])
def test_coordinates_are_short(value: float, said: str) -> None:
    assert number(value) == said


def test_every_kind_of_mark_has_a_form_of_its_own() -> None:
    forms = {kind: mark(10, 10, kind).attributes["d"] for kind in ("passed", "failed", "faster", "slower")}
    assert len(set(forms.values())) == len(forms)
    assert mark(10, 10, "other").attributes["class"] == "mark other"  # hollow


def test_a_legend_goes_on_below_if_it_is_long() -> None:
    shapes = legend(20, [(mark(0, 0, "passed"), "a meaning of some length")] * 12)
    assert outside(Drawing(title="", about="", height=100, shapes=tuple(shapes))) == []
