from __future__ import annotations

from io import StringIO

import pytest

from gates.render.markdown import render_markdown
from gates.render.markdown_details import LISTED_WARNINGS
from gates.render.terminal import Log, render_terminal
from gates.render.test_warnings import warning_section, words_of
from gates.results import TestWarning, TestWarnings
from tests.gates.readers.junit.sample import a_gate, a_run

TUPLE = TestWarning(
    category="pytest.PytestAssertRewriteWarning", message="assertion is always true", file="test_it.py", line=2, count=3
)


def warned(*groups: TestWarning) -> TestWarnings:
    return TestWarnings(count=sum(group.count for group in groups), groups=groups)


@pytest.mark.parametrize(
    ("group", "words"),
    [
        (TUPLE, "test_it.py:2: PytestAssertRewriteWarning: assertion is always true (3 times)"),
        (TestWarning(category="UserWarning", message="old"), "UserWarning: old"),
        (TestWarning(category="", message="further warnings", count=1200), "further warnings (1,200 times)"),
    ],
)
def test_a_warning_is_said_with_its_place(group: TestWarning, words: str) -> None:
    assert words_of(group) == words


def test_alike_ones_of_several_gates_are_said_once_and_all_are_counted() -> None:
    run = a_run(gates=(a_gate("a", test_warnings=warned(TUPLE)), a_gate("b", test_warnings=warned(TUPLE)), a_gate("c")))
    section = warning_section(run)
    assert section is not None
    assert (section.line, len(section.groups)) == ("6 pytest warnings (a, b)", 1)
    assert warning_section(a_run(gates=(a_gate("a", test_warnings=TestWarnings()), a_gate("b")))) is None


def test_summary_and_terminal_show_the_first_and_count_the_others() -> None:
    many = tuple(TestWarning(category="UserWarning", message=f"w{number}x") for number in range(12))
    run = a_run(gates=(a_gate("a", test_warnings=warned(*many)),))
    text = render_markdown(run, ())
    assert "<summary>12 pytest warnings (a)</summary>\n\n- UserWarning: w0x\n" in text
    assert f"w{LISTED_WARNINGS - 1}x\n\n… and 2 more kinds.\n" in text
    out = StringIO()
    render_terminal(run, (), Log(out))
    assert (
        "12 pytest warnings (a):\n  UserWarning: w0x\n  UserWarning: w1x\n  UserWarning: w2x\n  … and 9 more\n"
        in out.getvalue()
    )
