"""The page of plugins lists exactly what is tried."""

from __future__ import annotations

from tests.plugins.cases import CASES
from tests.plugins.page import PAGE, table, versions_in


def test_the_table_of_the_documentation_is_that_of_the_cases() -> None:
    page = PAGE.read_text(encoding="utf-8")
    versions = versions_in(page)
    assert versions.keys() == {case.plugin for case in CASES}, "nox -s plugins -- --write"
    assert table(versions) in page, "nox -s plugins -- --write"
