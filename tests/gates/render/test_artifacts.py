from __future__ import annotations

from gates.compare.values import (
    Comparison,
    CoverageComparison,
    DiagnosticsComparison,
    FileLines,
    TestsComparison,
    WarningsComparison,
)
from gates.render.artifacts import annotations_of
from gates.render.checklist import checklist
from gates.render.comparison import comparison_view
from gates.render.github import render_github
from gates.results import Diagnostic, TestWarning
from tests.gates.readers.junit.sample import a_gate, a_run
from tests.gates.render.test_comparison import compared

FOUND = compared(
    TestsComparison(),
    diagnostics=(
        DiagnosticsComparison(gate="types", base=3, head=3),
        DiagnosticsComparison(
            gate="lint",
            base=0,
            head=2,
            new=(
                Diagnostic(path="a.py", line=3, column=1, rule="F401", message="`os` unused"),
                Diagnostic(path="b.py", message="about all of it"),
            ),
        ),
        DiagnosticsComparison(gate="more", base=1, unknown="head: x.sarif was not written"),
    ),
    warnings=WarningsComparison(
        base=12,
        head=15,
        new=(
            TestWarning(category="FutureWarning", message="old", file="a.py", line=2, test="t.py::t", count=3),
            TestWarning(category="UserWarning", message="odd", when="collect"),
        ),
    ),
    coverage=CoverageComparison(
        covered=41,
        executable=45,
        uncovered=(FileLines(path="a.py", lines="3-5,9", count=4),),
        unmeasured=(FileLines(path="c.js", lines="1", count=1),),
        base_total=(80, 100),
        head_total=(199, 200),
        notes=("test: i.py may be any of p/i.py, q/i.py",),
    ),
    fail_on=("findings", "warnings", "uncovered"),
    findings=("findings", "warnings", "uncovered"),
    regression=True,
)


def rows(comparison: Comparison) -> list[tuple[str, str, str]]:
    shown = ("Warnings", "Findings", "Coverage")
    return [row for row in comparison_view(comparison).rows if row[0].startswith(shown)]


def test_counts_are_shown_of_both_sides_and_what_is_not_known_is_no_zero() -> None:
    assert rows(FOUND) == [
        ("Warnings", "12", "15 (2 new)"),
        ("Findings of types", "3", "3"),
        ("Findings of lint", "0", "2 (2 new)"),
        ("Findings of more", "1", "not known (head: x.sarif was not written)"),
        ("Coverage of changed lines", "-", "41/45 (91%); 1 line not measured"),
        # Cut, not rounded: 100% is all of them.
        ("Coverage", "80/100 (80%)", "199/200 (99%)"),
    ]


def test_what_is_new_is_listed_with_its_place() -> None:
    assert comparison_view(FOUND).artifacts == (
        ("new findings of lint", ("a.py:3:1: F401 `os` unused", "b.py: about all of it")),
        ("changed lines that no test ran", ("a.py: 3-5, 9",)),
        ("changed lines of files that the coverage does not include", ("c.js: 1",)),
        ("notes on the coverage", ("test: i.py may be any of p/i.py, q/i.py",)),
        ("new warnings", ("a.py:2: FutureWarning: old (t.py::t, 3 times)", "UserWarning: odd (collect)")),
    )
    assert set(comparison_view(FOUND).artifacts) <= set(comparison_view(FOUND).lists)


def test_the_conclusion_counts_what_was_asked_for() -> None:
    said = comparison_view(FOUND).conclusion
    assert said == "REGRESSION: 2 new findings, 2 new warnings, 4 changed lines that no test ran"
    unknown = compared(TestsComparison(), fail_on=("findings",), unjudged=("findings",))
    assert comparison_view(unknown).conclusion == "NO REGRESSION: findings: not known"


def test_places_become_annotations() -> None:
    assert [(each.path, each.line) for each in annotations_of(FOUND)] == [
        ("a.py", 3),
        ("b.py", 0),
        ("a.py", 3),
        ("a.py", 2),
        ("", 0),
    ]
    shown = render_github(a_run(gates=(a_gate("lint"),)), (), FOUND)
    assert "::warning file=a.py,line=3,title=new finding of lint%3A F401::`os` unused\n" in shown
    assert "::warning file=b.py,title=new finding of lint::about all of it\n" in shown
    assert "::warning file=a.py,line=3,title=changed lines that no test ran::a.py: 3-5, 9\n" in shown


def test_where_nothing_can_be_known_that_is_said() -> None:
    nothing = compared(TestsComparison(), coverage=CoverageComparison(unknown="test: c.xml was not written"))
    assert rows(nothing) == [("Coverage of changed lines", "-", "not known: test: c.xml was not written")]
    empty = compared(TestsComparison(), coverage=CoverageComparison(head_total=(0, 0)))
    assert rows(empty) == [
        ("Coverage of changed lines", "-", "no changed line can be run"),
        ("Coverage", "not known", "0/0 (100%)"),
    ]


def test_a_box_of_the_checklist_is_ticked_where_nothing_is_new_and_all_is_known() -> None:
    def boxes(*gates: DiagnosticsComparison) -> list[tuple[bool, str]]:
        view = comparison_view(compared(TestsComparison(), diagnostics=gates))
        items = checklist(a_run(), None, view)
        return [(item.checked, item.why) for item in items if "findings" in item.text]

    types, lint, more = FOUND.diagnostics
    assert boxes() == []
    assert boxes(types) == [(True, "")]
    assert boxes(types, lint) == [(False, "2 new findings of lint")]
    assert boxes(types, more) == [(False, "not shown: more: head: x.sarif was not written")]
