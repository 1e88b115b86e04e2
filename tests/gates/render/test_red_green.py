"""A reader sees how many new tests fail without the change, which do not, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest

from gates.compare.inputs import Remeasured
from gates.compare.runs import compare_runs
from gates.render.comparison import comparison_view
from gates.results import RedGreen, RedGreenTest
from tests.gates.readers.junit.sample import a_run, a_test


def one(name: str, finding: Any, kind: Any = "new", said: str = "") -> RedGreenTest:
    return RedGreenTest(test=name, function=name.partition("[")[0], kind=kind, finding=finding, said=said)


def view(found: RedGreen | None) -> Any:
    run = a_run((a_test(),))
    return comparison_view(compare_runs(run, [a_test()], run, [a_test()], remeasured=Remeasured(red_green=found)))


def line(found: RedGreen) -> str:
    return str(next(head for aspect, _, head in view(found).rows if aspect == "Red-green"))


RED, GREEN, OPEN = one("a", "red"), one("b", "green"), one("c", "unknown", said="skipped on the head")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (RedGreen(tests=(RED,)), "1 of 1 new test fails without the change"),
        (RedGreen(tests=(GREEN,)), "0 of 1 new test fails without the change"),
        (RedGreen(tests=(RED, GREEN)), "1 of 2 new tests fails without the change"),
        (RedGreen(tests=(RED, one("d", "red"), GREEN)), "2 of 3 new tests fail without the change"),
        (RedGreen(tests=(RED, GREEN, OPEN)), "1 of 3 new tests fails without the change; 1 not known"),
        (RedGreen(tests=(one("a[1]", "green"), one("a[2]", "red"))), "1 of 1 new test fails without the change"),
        (
            RedGreen(tests=(RED, one("x", "green", "changed"), one("y", "red", "changed"))),
            "1 of 1 new test fails without the change; 1 of 2 changed tests still accepts the old behaviour",
        ),
        (
            RedGreen(tests=(one("x", "green", "changed"),)),
            "no new test; 1 of 1 changed test still accepts the old behaviour",
        ),
        (
            RedGreen(tests=(one("gate unit", "red", "gate"),)),
            "the tests of gate unit, taken together, fail without the change",
        ),
        (
            RedGreen(tests=(RED, one("gate unit", "green", "gate"))),
            "1 of 1 new test fails without the change; the tests of gate unit, taken together, pass without the change",
        ),
        (
            RedGreen(tests=(RED,), left_out=("pool.py::pool",)),
            "1 of 1 new test fails without the change; 1 doctest of changed code left out",
        ),
        (RedGreen(), "no new or changed test"),
        (RedGreen(production=False), "no code changed, so there is nothing to show"),
        (RedGreen(unknown="no space"), "not known: no space"),
        (
            RedGreen(tests=(RED,), unknown="interrupted"),
            "1 of 1 new test fails without the change; not everything is known: interrupted",
        ),
    ],
)
def test_one_line_says_what_the_tests_showed(found: RedGreen, words: str) -> None:
    assert line(found) == words


def test_what_was_not_asked_for_is_not_shown() -> None:
    assert not any(aspect == "Red-green" for aspect, _, _ in view(None).rows)


def test_tests_that_show_nothing_are_listed_with_the_reason() -> None:
    found = view(RedGreen(tests=(RED, GREEN, OPEN, one("x", "green", "changed"))))
    lists = dict(found.lists)
    assert lists["new, but passing without the change"] == ("b",)
    assert lists["not known to fail without the change"] == ("c: skipped on the head",)
    assert lists["changed, and still accepting the old behaviour"] == ("x",)
    assert {"new, but passing without the change", "not known to fail without the change"} <= {
        words for words, _ in found.pressing
    }


def test_a_new_parameter_of_an_old_test_is_named() -> None:
    old = one("a[1]", "green", "changed")
    found = RedGreen(tests=(old, one("a[2]", "green"), one("b[1]", "green"), one("b[2]", "green")))
    assert dict(view(found).lists)["new, but passing without the change"] == ("a[2]", "b")


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ((RED,), ()),
        ((GREEN,), ("1 new test passes without the change: the change has not been shown",)),
        ((GREEN, one("d", "green")), ("2 new tests pass without the change: the change has not been shown",)),
        ((RED, GREEN), ("1 new test passes without the change",)),
        (
            (one("gate unit", "green", "gate"),),
            ("the tests of gate unit pass without the change: the change has not been shown",),
        ),
        ((GREEN, one("x", "red", "changed")), ("1 new test passes without the change",)),
    ],
)
def test_the_verdict_names_new_tests_that_pass_already(tests: tuple[RedGreenTest, ...], words: tuple[str, ...]) -> None:
    assert view(RedGreen(tests=tests)).reasons == words
