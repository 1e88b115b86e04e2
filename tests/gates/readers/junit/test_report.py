from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.values import TestOutcome
from gates.readers.junit.outcomes import TEST_ELEMENTS
from gates.readers.junit.read import parse_junit
from gates.readers.junit.report import id_prefix, split_id

if TYPE_CHECKING:
    from gates.results import TestResult

words = st.from_regex(r"[A-Za-z_]\w{0,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("test_id", "file", "name", "classname"),
    [
        ("tests/a_test.py::test_x", "tests/a_test.py", "test_x", "tests.a_test"),
        ("tests/a_test.py::C::D::test_x[1]", "tests/a_test.py", "test_x[1]", "tests.a_test.C.D"),
        ("tests/a_test.py::test_x[a::b/c[]", "tests/a_test.py", "test_x[a::b/c[]", "tests.a_test"),
        ("tests/a_test.py::test_x#2", "tests/a_test.py", "test_x#2", "tests.a_test"),
        ("README.md::README.md", "README.md", "README.md", "README.md"),
        ("bitnet-server::cache::tests::entry", "", "entry", "bitnet-server.cache.tests"),
        ("tests/a_test.py", "tests/a_test.py", "tests/a_test.py", "tests.a_test"),
        ("", "", "", ""),
    ],
)
def test_an_id_splits_into_name_and_class(test_id: str, file: str, name: str, classname: str) -> None:
    assert split_id(test_id, file) == (name, classname)


@given(st.lists(words, min_size=1, max_size=3), st.lists(words, max_size=2), words, st.text(max_size=8))
def test_a_node_id_comes_back_from_its_case(path: list[str], classes: list[str], name: str, parameter: str) -> None:
    file = "/".join(path) + ".py"
    test_id = "::".join((file, *classes, f"{name}[{parameter}]"))
    short, classname = split_id(test_id, file)
    assert id_prefix(classname, file, "") + short == test_id


@pytest.mark.parametrize(
    ("classname", "file", "suite", "prefix"),
    [
        ("tests.a.C", "tests/a.py", "", "tests/a.py::C::"),
        ("tests.a", "", "", "tests.a::"),
        ("server::cache", "", "server", "server::cache::"),
        ("Sum", "src/sum.test.js", "", "Sum::"),
        ("", "", "example.com/pkg", "example.com/pkg::"),
        ("", "a.php", "", "a.php::"),
        ("", "", "", ""),
    ],
)
def test_a_case_of_any_runner_has_an_id(classname: str, file: str, suite: str, prefix: str) -> None:
    assert id_prefix(classname, file, suite) == prefix


def results(text: str, suite: str = "") -> tuple[TestResult, ...]:
    return parse_junit([f"<testsuite {suite}>{text}</testsuite>".encode()], "x", gate="go").results


def test_no_case_hides_another_of_the_same_name() -> None:
    same = "<testcase name='t'><failure/></testcase><testcase name='t'/>"
    found = results(f"{same}<testcase name='t#2'/><testcase name='u'/>")
    assert [(each.id, each.outcome.value, each.gate) for each in found] == [
        ("t", "failed", "go"),
        ("t#2", "passed", "go"),
        ("t#2#2", "passed", "go"),
        ("u", "passed", "go"),
    ]


def test_a_failing_teardown_of_pytest_is_no_second_test() -> None:
    text = (
        "<testcase name='t' time='1'><failure message='assert 0'>first</failure></testcase>"
        "<testcase name='t' time='0.5'><error message='teardown'>second</error></testcase><testcase name='t'/>"
    )
    first, second = results(text, "name='pytest' errors='1' failures='1' tests='3' time='1'")
    assert (first.outcome, first.message, first.details) == (TestOutcome.FAILED, "assert 0", "first\n\nsecond")
    assert (first.duration, second.id) == (1.5, "pytest::t#2")
    assert len(results(text)) == 3


@pytest.mark.parametrize("outcome", list(TestOutcome))
def test_a_message_becomes_the_reason_of_what_did_not_run(outcome: TestOutcome) -> None:
    element = TEST_ELEMENTS.get(outcome, "flakyFailure")
    said = f"<properties><property name='outcome' value='{outcome}'/></properties>"
    (result,) = results(f"<testcase name='t'>{said}<{element} message='m'/></testcase>")
    assert sorted((result.message, result.reason)) == ["", "m"]
    assert bool(result.reason) == (outcome.value in {"skipped", "xfailed", "excluded", "quarantined"})
