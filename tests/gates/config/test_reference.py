from __future__ import annotations

import pytest

from tests.gates.config.reference import PAGES, REFERENCE, TABLES, page


@pytest.mark.parametrize("name", PAGES)
def test_the_tables_of_the_reference_are_those_that_are_declared(name: str) -> None:
    text = (REFERENCE / name).read_text(encoding="utf-8")
    assert text == page(text), "python -m tests.gates.config.reference"


def test_every_table_is_in_the_reference() -> None:
    text = "".join((REFERENCE / name).read_text(encoding="utf-8") for name in PAGES)
    assert [name for name in TABLES if f"<!-- settings: {name} -->" not in text] == []
