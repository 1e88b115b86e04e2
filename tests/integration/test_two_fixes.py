"""A branch that mends a bug and shows it looks different from one that makes its test pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.two_fixes import build, compare

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.project import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder: Path = tmp_path_factory.mktemp("two-fixes")
    return build(folder)


NEW = "tests/test_prices.py::test_a_discount_is_rounded_once_for_the_whole"


@pytest.mark.slow
def test_an_honest_fix_is_shown_and_nothing_got_weaker(project: Project) -> None:
    done = compare(project, "honest")
    found = project.json("comparison.json")
    assert done.code == 0, done.text
    assert "1 of 1 new test fails without the change" in done.out
    assert found["weakenings"] == []
    assert "not-red" not in found["findings"]
    by_test = {one["test"]: one["finding"] for one in found["red_green"]["tests"]}
    assert by_test == {f"{NEW}[prices0-149]": "red", f"{NEW}[prices1-1]": "red", f"{NEW}[prices2-50]": "green"}


@pytest.mark.slow
def test_a_fix_that_makes_its_test_pass_is_not(project: Project) -> None:
    done = compare(project, "passing")
    found = project.json("comparison.json")
    assert done.code == 5, done.text
    assert "the change has not been shown" in done.out
    assert {one["finding"] for one in found["red_green"]["tests"] if one["kind"] == "new"} == {"green"}
    assert {"weakened", "not-red"} <= set(found["findings"])
    assert {"test_a_discount_is_taken_off", "test_nothing_has_no_lowest_price"} == {
        one["test"].rpartition("::")[2] for one in found["weakenings"]
    }
