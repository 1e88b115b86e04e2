"""The reference of the language tells what the code does: every predicate, every ✓ with a test, every ✗ with a reason."""

from __future__ import annotations

import re

import pytest

from gates.portable.filters import PREDICATES, parse
from gates.portable.filters.predicates import KINDS
from tests import documentation
from tests.documentation import ROOT

PAGE = (ROOT / "docs" / "reference" / "filters.md").read_text(encoding="utf-8")
DEFAULTS = {"contains": "~", "glob": "#", "path glob": "#", "exact": "=", "glob; values exact": "#"}


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    return documentation.rows(PAGE, heading)


def test_every_predicate_is_in_the_reference_with_its_default() -> None:
    documented: dict[str, tuple[str | None, bool]] = {}
    for names, _, default, must_exist in rows("Predicates"):
        for name in re.findall(r"`([a-z_]+)\(", names):
            documented[name] = (DEFAULTS.get(default), must_exist == "yes")
    assert set(documented) == set(PREDICATES)
    for name, (matcher, needed) in documented.items():
        form = PREDICATES[name]
        assert needed == form.must_exist, name
        if form.arguments == "text":
            assert matcher == form.default, name


def test_every_kind_is_named() -> None:
    about = next(cells[1] for cells in rows("Predicates") if cells[0].startswith("`kind"))
    assert all(f"`{kind}`" in about for kind in KINDS)


@pytest.mark.parametrize("form", PREDICATES.values(), ids=lambda form: form.name)
def test_the_example_of_a_predicate_is_right(form: object) -> None:
    parse(form.example)  # type: ignore[attr-defined]


@pytest.mark.parametrize("row", rows("nextest's language and ours"), ids=lambda row: row[0][:30])
def test_each_tick_names_a_test_that_exists_and_each_cross_a_reason(row: list[str]) -> None:
    _, ours, shown = row
    documentation.assert_claimed(ours, shown)


def test_the_expressions_of_the_page_are_expressions() -> None:
    block = PAGE.partition("```text\n")[2].partition("```")[0]
    for line in block.splitlines():
        parse(line)
