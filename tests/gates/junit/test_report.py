from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gates.junit.report import JUnitCase, JUnitReport, case_id, case_results, split_id
from gates.values import TestOutcome

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


@settings(deadline=None)
@given(st.lists(words, min_size=1, max_size=3), st.lists(words, max_size=2), words, st.text(max_size=8))
def test_a_node_id_comes_back_from_its_case(path: list[str], classes: list[str], name: str, parameter: str) -> None:
    file = "/".join(path) + ".py"
    test_id = "::".join((file, *classes, f"{name}[{parameter}]"))
    short, classname = split_id(test_id, file)
    assert case_id(JUnitCase(name=short, classname=classname, file=file)) == test_id


@pytest.mark.parametrize(
    ("case", "identity"),
    [
        (JUnitCase(name="t", classname="tests.a.C", file="tests/a.py"), "tests/a.py::C::t"),
        (JUnitCase(name="t", classname="tests.a"), "tests.a::t"),
        (JUnitCase(name="entry", classname="server::cache", suite="server"), "server::cache::entry"),
        (JUnitCase(name="adds", classname="Sum", file="src/sum.test.js"), "Sum::adds"),
        (JUnitCase(name="TestX", suite="example.com/pkg"), "example.com/pkg::TestX"),
        (JUnitCase(name="t", file="a.php"), "a.php::t"),
        (JUnitCase(name="t"), "t"),
    ],
)
def test_a_case_of_any_runner_has_an_id(case: JUnitCase, identity: str) -> None:
    assert case_id(case) == identity


def test_no_case_hides_another_of_the_same_name() -> None:
    cases = (JUnitCase(name="t", outcome=TestOutcome.FAILED), JUnitCase(name="t"), JUnitCase(name="u"))
    results = case_results("go", JUnitReport(cases=cases))
    assert [(each.id, each.outcome.value, each.gate) for each in results] == [
        ("t", "failed", "go"),
        ("t#2", "passed", "go"),
        ("u", "passed", "go"),
    ]


def test_a_failing_teardown_of_pytest_is_no_second_test() -> None:
    cases = (
        JUnitCase(name="t", outcome=TestOutcome.FAILED, message="assert 0", details="first", time=1.0),
        JUnitCase(name="t", outcome=TestOutcome.ERROR, message="teardown", details="second", time=0.5),
        JUnitCase(name="t", outcome=TestOutcome.PASSED),
    )
    first, second = case_results("test", JUnitReport(cases=cases, producer="pytest"))
    assert (first.outcome, first.message, first.details) == (TestOutcome.FAILED, "assert 0", "first\n\nsecond")
    assert (first.duration, second.id) == (1.5, "t#2")
    assert len(case_results("test", JUnitReport(cases=cases))) == 3


@pytest.mark.parametrize("outcome", list(TestOutcome))
def test_a_message_becomes_the_reason_of_what_did_not_run(outcome: TestOutcome) -> None:
    (result,) = case_results("g", JUnitReport(cases=(JUnitCase(name="t", outcome=outcome, message="m"),)))
    assert sorted((result.message, result.reason)) == ["", "m"]
    assert bool(result.reason) == (outcome.value in {"skipped", "xfailed", "excluded", "quarantined"})
