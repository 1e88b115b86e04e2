from __future__ import annotations

import io
from typing import Any

import pytest

from gates.compare.inputs import RegressionPolicy, Remeasured
from gates.compare.runs import compare_runs
from gates.compare.values import Comparison
from gates.render.comparison import comparison_view
from gates.render.markdown import render_markdown
from gates.render.mutants import (
    Shown,
    mutant_annotations,
    mutant_lists,
    mutant_rows,
    mutant_words,
    mutants_markdown,
    mutants_text,
)
from gates.results import Mutant, MutantReport, Mutation
from tests.gates.readers.junit.sample import a_run, a_test

RUN, TESTS = a_run([a_test()]), [a_test()]


def comparison_of(mutation: Mutation | None = None, fail_on: tuple[str, ...] = ()) -> Comparison:
    policy, found = RegressionPolicy(fail_on=fail_on), Remeasured(mutation=mutation)
    return compare_runs(RUN, TESTS, RUN, TESTS, policy=policy, remeasured=found)


def mutant(finding: str, line: int = 3, **more: Any) -> Mutant:
    known: dict[str, Any] = {"path": "shop/price.py", "function": "discount", "operator": "< became <=", "id": "a1b2"}
    return Mutant(line=line, finding=finding, **known | more)  # type: ignore[arg-type]


DIFF = "@@ -3 +3 @@\n-    if percent < 0:\n+    if percent <= 0:"
SURVIVOR = mutant("survived", diff=DIFF, tests=tuple(f"test_{number}" for number in range(7)))


def test_a_survivor_is_shown_with_place_diff_and_tests() -> None:
    lines = mutants_text(Mutation(mutants=(SURVIVOR,), seconds=2.0)).splitlines()
    assert lines == [
        "SURVIVED shop/price.py:3 in discount: < became <= [a1b2]",
        "    @@ -3 +3 @@",
        "    -    if percent < 0:",
        "    +    if percent <= 0:",
        "    7 tests passed all the same: test_0, test_1, test_2, test_3, test_4, …",
        "",
        "mutants: 1 survived in 2.00s",
    ]


def test_lines_of_which_nothing_is_known_are_grouped_by_reason() -> None:
    found = (mutant("unknown", 1, reason="why"), mutant("unknown", 2, reason="why"), mutant("unreached", 4))
    lines = mutants_text(Mutation(mutants=found)).splitlines()
    assert lines[:2] == [
        "2 changed lines could not be tried (why): shop/price.py:1, shop/price.py:2",
        "1 changed line run by no test after the collection: shop/price.py:4",
    ]


def test_what_is_missing_is_said() -> None:
    mutation = Mutation(left_out=3, budget=120.0, notes=("a note",), ledger=("it expired",), unknown="it cannot fork")
    assert mutants_text(mutation).splitlines() == [
        "mutants: none was tried in 0.00s; 3 mutants did not fit into the budget of 2m 00s",
        "note: a note",
        "failed: it expired",
        "not everything is known: it cannot fork",
    ]


def test_markdown_shows_the_diff_as_code() -> None:
    report = MutantReport(
        base="main", head="work", command_line="gates mutants", exit_code=5, mutation=Mutation(mutants=(SURVIVOR,))
    )
    text = mutants_markdown(report)
    assert text.startswith("# 1 mutant survived\n\nChanged lines of `work` since `main`.\n")
    assert f"```diff\n{DIFF}\n```" in text


def test_a_comparison_has_a_row_a_list_and_a_reason() -> None:
    comparison = comparison_of(mutation=Mutation(mutants=(SURVIVOR, mutant("killed"))))
    assert mutant_rows(comparison) == [("Mutants", "-", "1 survived, 1 killed")]
    assert mutant_lists(comparison) == [("mutants that no test noticed", ("shop/price.py:3 in discount: < became <=",))]
    assert mutant_words(comparison) == ["1 mutant survived"]
    assert comparison_view(comparison).pressing == tuple(mutant_lists(comparison)), "a terminal names them, too"


def test_the_summary_of_a_comparison_shows_each_survivor_with_its_diff() -> None:
    text = render_markdown(RUN, TESTS, comparison_of(Mutation(mutants=(SURVIVOR,))))
    assert "## Mutants that no test noticed" in text
    assert f"```diff\n{DIFF}\n```" in text


def test_a_comparison_without_mutants_says_nothing() -> None:
    comparison = comparison_of()
    assert (mutant_rows(comparison), mutant_lists(comparison), mutant_words(comparison)) == ([], [], [])


@pytest.mark.parametrize(("fail_on", "level"), [(("survived",), "error"), ((), "warning")])
def test_a_survivor_is_an_annotation_at_its_line(fail_on: tuple[str, ...], level: str) -> None:
    comparison = comparison_of(mutation=Mutation(mutants=(SURVIVOR,)), fail_on=fail_on)
    (found,) = mutant_annotations(comparison)
    assert (found.path, found.line, found.level, found.title) == (
        "shop/price.py",
        3,
        level,
        "no test notices: < became <=",
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_in_a_log_each_mutant_is_a_line() -> None:
    stream = io.StringIO()
    with Shown(stream) as shown:
        shown.take(mutant("killed"))
        shown.take(SURVIVOR)
    assert stream.getvalue() == "killed    shop/price.py:3  < became <=\nsurvived  shop/price.py:3  < became <=\n"


def test_on_a_terminal_only_survivors_stay() -> None:
    stream = Terminal()
    with Shown(stream) as shown:
        shown.take(mutant("killed"))
        shown.take(SURVIVOR)
    kept = [line.rpartition("\x1b[K")[2] for line in stream.getvalue().split("\n")]
    assert kept == ["survived  shop/price.py:3  < became <=", ""]
