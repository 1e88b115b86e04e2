from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.lies.__main__ import PAGE
from tests.lies.contestants import GATES, TOOLS, can_be_asked
from tests.lies.corpus import load
from tests.lies.table import BEGIN, END, answers_in, escaped, put_into, score, table, whys

if TYPE_CHECKING:
    from pathlib import Path


def test_every_case_says_in_one_sentence_what_is_so() -> None:
    cases = load()
    assert len(cases) >= 60
    assert [case.name for case in cases if not re.fullmatch(r"[A-Z_a-z].*\.", case.truth)] == []
    assert len({case.truth for case in cases}) == len(cases)


@pytest.mark.parametrize(
    "text",
    ['truth = "It fails."', 'truth = "It fails."\nkind = "k"\nhonest = "said"', 'truth = "T."\nkind = "k"\ncolour = 1'],
    ids=["no kind", "nothing to be said", "an unknown key"],
)
def test_a_case_that_says_too_little_is_refused_by_its_path(text: str, tmp_path: Path) -> None:
    (tmp_path / "lie").mkdir()
    (tmp_path / "lie" / "case.toml").write_text(text)
    with pytest.raises(ValueError, match=re.escape("case.toml")):
        load(tmp_path)


def test_the_table_counts_only_what_a_tool_was_asked() -> None:
    case = load()[0]
    answers = {case.name: {"nox": "fooled", "gates": "right", "pytest": "-"}}
    text = table([case], answers, ["nox", "gates", "pytest"])  # type: ignore[arg-type]
    assert f"(`{case.name}`) | ✗ | ✓ |  |" in text
    assert score(answers, "gates") == "1 of 1"  # type: ignore[arg-type]
    assert score(answers, "pytest") == "0 of 0"  # type: ignore[arg-type]


def test_the_table_replaces_the_one_before_it() -> None:
    once = put_into(f"a {BEGIN} old {END} b", "new")
    assert once == f"a {BEGIN}\n\nnew\n\n{END} b"
    assert put_into(once, "new") == once
    with pytest.raises(ValueError, match="lies: begin"):
        put_into("no marks", "new")


def test_the_table_of_the_documentation_is_about_these_cases_and_says_of_gates_what_its_test_holds() -> None:
    page = PAGE.read_text(encoding="utf-8")
    found, cases = answers_in(page), {case.name: case for case in load()}
    assert found.keys() == cases.keys(), "nox -s lies -- NAME... --write"
    for name, case in cases.items():
        assert f"| {escaped(case.truth)} (`{name}`) |" in page, name
        assert found[name][GATES] == case.ours, name
        assert {tool for tool, answer in found[name].items() if answer != "-"} == {
            x for x in TOOLS if can_be_asked(x, case)
        }
    assert [line for line in whys(load()) if line not in page] == []
