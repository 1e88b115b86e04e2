"""What gates finds in the corpus: weakenings are caught, and twins are not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.integration.project import Project
from tests.weakenings.corpus import load, placed
from tests.weakenings.running import Compared, compare
from tests.weakenings.score import PAGE, WRONG, answers, as_known, known, report

if TYPE_CHECKING:
    from pathlib import Path

CASES = load()
TEXTS = [case for case in CASES if not case.runs]
RUN = [case for case in CASES if case.runs]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    folder = tmp_path_factory.mktemp("weakenings")
    return compare(Project(folder / "project", folder / "cache"), RUN)


def test_every_case_says_in_one_sentence_what_is_true() -> None:
    assert [case.name for case in CASES if not re.fullmatch(r"[A-Z0-9`_a-z].*\.", case.truth)] == []
    assert len({case.name for case in CASES}) == len(CASES)
    assert [case.name for case in CASES if case.base == case.head] == []
    assert sum(case.weaker for case in CASES) >= 60
    assert sum(not case.weaker for case in CASES) >= 60


@pytest.mark.parametrize(
    "text",
    ["x: T.\n", "claims: \n", "claims together: T.\n", "claims: T.\n=== a.py\nx = 1\n"],
    ids=["no part", "no truth", "an unknown word", "a line without its sign"],
)
def test_a_case_that_says_too_little_is_refused_by_its_path(text: str, tmp_path: Path) -> None:
    (tmp_path / "twins").mkdir()
    (tmp_path / "twins" / "same.txt").write_text(text)
    with pytest.raises(ValueError, match=re.escape("same.txt")):
        load(tmp_path)


def test_both_sides_are_read_and_placed_beside_other_cases(tmp_path: Path) -> None:
    text = "ran: T.\n=== shop.py\n def f(x):\n-    return x\n+    return 1\n=== tests/a.txt | empty on head\n-1\n"
    (tmp_path / "weakenings").mkdir()
    (tmp_path / "weakenings" / "some-name.txt").write_text(text + "=== tests/test_a.py\n+from shop import f\n")
    (case,) = load(tmp_path)
    assert case.weaker
    assert case.base == {"shop.py": "def f(x):\n    return x\n", "tests/a.txt": "1\n"}
    assert case.head["tests/a.txt"] == ""
    assert placed(case, case.head) == {
        "shop_some_name.py": "def f_some_name(x):\n    return 1\n",
        "tests/some_name/a.txt": "",
        "tests/some_name/test_a.py": "from shop_some_name import f_some_name\n",
    }


def test_the_table_of_the_documentation_is_that_of_the_ledger() -> None:
    assert report(CASES, as_known(CASES, known())) in PAGE.read_text(encoding="utf-8"), (
        "python -m tests.weakenings --write"
    )


def test_settings_and_comments_are_answered_as_is_known() -> None:
    assert {name: said for name, said in answers(TEXTS, {}).items() if said in WRONG}.items() <= known().items()


@pytest.mark.slow
def test_tests_are_answered_as_is_known(compared: Compared) -> None:
    assert [test for test in compared.failing if test.startswith("test: ")] == [], "a case's tests pass on both sides"
    said = answers(RUN, compared.found)
    assert {name: answer for name, answer in said.items() if answer in WRONG}.items() <= known().items()
