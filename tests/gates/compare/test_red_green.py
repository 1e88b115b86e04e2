"""A test shows the change only if it fails without it, and because of it; what is not known is never called shown."""

from __future__ import annotations

from typing import Any

import pytest

from gates.compare.added_names import AddedNames
from gates.compare.red_green import Chosen, choose, judge, judge_gates, without_names
from gates.portable.values import GateOutcome, TestOutcome
from gates.results import GateResult, RedGreenTest, TestCounts, TestResult, Witness
from tests.gates.readers.junit.sample import a_gate, a_test

ADDED = AddedNames(
    words={"pool.py": frozenset({"median"})},
    defined={"pool.py": frozenset({"median"})},
    added=frozenset(),
    folders=frozenset(),
    code=frozenset({"pool.py"}),
)
RAN = a_gate(outcome=GateOutcome.FAILED, tests=TestCounts(run=1))
NAME = "tests/kvcache/test_pool.py::test_it"


def judged(
    result: TestResult | None, *others: TestResult, gate: GateResult | None = RAN, head: TestResult | None = None
) -> RedGreenTest:
    one = Chosen(name=NAME, result=head or a_test(), kind="new")
    ended = {result.id: result for result in (*([result] if result else ()), *others)}
    (found,) = judge([one], ended, [gate] if gate else [], ADDED)
    return found


@pytest.mark.parametrize(
    ("outcome", "message", "finding"),
    [
        ("passed", "", "green"),
        ("failed", "assert 1 == 2", "red"),
        ("error", "ZeroDivisionError: division by zero", "red"),
        ("timeout", "timed out after 10s", "red"),
        ("crashed", "SIGSEGV", "red"),
        ("flaky", "assert 1 == 2", "unknown"),
        ("xfailed", "", "unknown"),
        ("xpassed", "", "unknown"),
        ("quarantined", "assert 1 == 2", "unknown"),
        ("skipped", "", "unknown"),
        ("excluded", "", "unknown"),
        ("interrupted", "", "unknown"),
        ("not-run", "", "unknown"),
        ("failed", "ModuleNotFoundError: No module named 'numpy'", "unknown"),
        ("error", "fixture 'mocker' not found", "unknown"),
        ("failed", "ImportError: cannot import name 'median' from 'pool'", "red"),
    ],
)
def test_how_it_ends_without_the_change_decides(outcome: str, message: str, finding: str) -> None:
    found = judged(a_test(outcome=TestOutcome(outcome), message=message))
    assert (found.finding, found.outcome) == (finding, TestOutcome(outcome))
    assert finding == "green" or found.said


def uncollected(message: str, name: str = "tests/kvcache/test_pool.py") -> TestResult:
    return a_test("", TestOutcome.ERROR, file="", id=name, message=message, phase="collect")


@pytest.mark.parametrize(
    ("message", "finding"),
    [
        ("ImportError: cannot import name 'median' from 'pool' (…)", "red"),
        ("ImportError: cannot import name 'mean' from 'pool' (…)", "unknown"),
        ("ModuleNotFoundError: No module named 'numpy'", "unknown"),
        ("SyntaxError: invalid syntax", "unknown"),
    ],
)
def test_a_file_that_cannot_be_collected_shows_the_change_only_if_it_misses_a_new_name(
    message: str, finding: str
) -> None:
    found = judged(None, uncollected(message))
    assert (found.finding, found.outcome) == (finding, None)
    assert "cannot be collected" in found.said
    assert judged(None, uncollected(message, "tests/other.py")).said == "there is no such test without the change"


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (None, "the gate test does not exist there"),
        (a_gate(outcome=GateOutcome.COULD_NOT_RUN, reason="no Python 3.15"), "did not run it: no Python 3.15"),
        (a_gate(outcome=GateOutcome.FAILED, reason="exit code 4"), "did not run it: exit code 4"),
        (a_gate(outcome=GateOutcome.PASSED, tests=TestCounts()), "no such test"),
    ],
)
def test_a_test_that_did_not_run_shows_nothing(gate: GateResult | None, words: str) -> None:
    found = judged(None, gate=gate)
    assert found.finding == "unknown"
    assert words in found.said


@pytest.mark.parametrize("outcome", ["passed", "failed"])
def test_nothing_counts_if_the_code_came_from_another_folder(outcome: str) -> None:
    witness = Witness(name="imports", outcome=GateOutcome.FAILED, detail="the tests import code of another tree: pool")
    gate = a_gate(outcome=GateOutcome.FAILED, tests=TestCounts(run=1), witnesses=(witness,))
    found = judged(a_test(outcome=TestOutcome(outcome), message="no"), gate=gate)
    assert (found.finding, found.said) == ("unknown", witness.detail)


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("import fresh\n", "unknown"),
        ("from fresh.deep import it\n", "unknown"),
        ("import os, fresh\n", "unknown"),
        ("import pool\n", "green"),
        ("try:\n    import fresh\nexcept ImportError:\n    fresh = None\n", "green"),
        ("def test_it():\n    import fresh\n", "green"),
        ("from . import fresh\n", "green"),
        ("not Python", "green"),
    ],
)
def test_a_pass_with_a_module_that_only_the_change_has_is_none(text: str, finding: str) -> None:
    one = Chosen(name=NAME, result=a_test(), kind="new")
    added = AddedNames(words={}, added=frozenset({"src/fresh/__init__.py", "src/fresh/deep.py"}), folders=frozenset())
    (found,) = judge([one], {NAME: a_test()}, [RAN], added, {one.result.file: text})
    assert found.finding == finding
    (red,) = judge([one], {NAME: a_test(outcome=TestOutcome.FAILED)}, [RAN], added, {one.result.file: text})
    assert red.finding == "red"


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("from pool import median\ndef test_it(): assert median([1])\n", "red"),
        ("from pool import median\ndef test_it(): assert 1\n", "unknown"),
        ("from pool import median\nimport numpy\ndef test_it(): assert numpy\n", "unknown"),
        ("import pool\ndef test_it(): assert 1\n", "red"),
        ("", "red"),
    ],
)
def test_a_test_that_uses_nothing_new_is_not_red_because_its_file_does(text: str, finding: str) -> None:
    one = Chosen(name=NAME, result=a_test(), kind="new")
    broken = uncollected("ImportError: cannot import name 'median' from 'pool'")
    (found,) = judge([one], {broken.id: broken}, [RAN], ADDED, {one.result.file: text})
    assert found.finding == finding
    assert "cannot be collected without the change: the change adds median to pool" in found.said


def test_an_error_in_a_conftest_counts_for_every_test_of_the_gate() -> None:
    reason = "pytest could not go on: tests/conftest.py:2: ImportError: cannot import name 'median' from 'pool'"
    assert judged(None, gate=a_gate(outcome=GateOutcome.FAILED, reason=reason, tests=TestCounts())).finding == "red"
    other = reason.replace("median", "mean")
    assert judged(None, gate=a_gate(outcome=GateOutcome.FAILED, reason=other, tests=TestCounts())).finding == "unknown"
    some = TestCounts(collected=1)
    assert judged(None, gate=a_gate(outcome=GateOutcome.FAILED, reason=reason, tests=some)).finding == "unknown"
    folder = uncollected("ImportError: cannot import name 'median' from 'pool'", "tests/kvcache")
    assert judged(None, folder).finding == "red"


@pytest.mark.parametrize(
    ("place", "finding"), [("pool.py:3", "red"), ("tests/kvcache/test_pool.py:3", "unknown"), ("", "unknown")]
)
def test_an_error_in_code_of_the_change_keeps_a_file_from_being_collected(place: str, finding: str) -> None:
    error = a_test(
        "", TestOutcome.ERROR, file="", id="tests/kvcache", message="ZeroDivisionError", phase="collect", place=place
    )
    assert judged(None, error).finding == finding


@pytest.mark.parametrize("outcome", ["failed", "skipped", "not-run", "timeout"])
def test_a_test_that_does_not_pass_on_the_head_shows_nothing(outcome: str) -> None:
    found = judged(a_test(outcome=TestOutcome.FAILED), head=a_test(outcome=TestOutcome(outcome), message="broken"))
    assert (found.finding, found.said) == ("unknown", f"{outcome} on the head: broken")


def chosen(
    *results: TestResult, new: tuple[str, ...] = (), changed: tuple[str, ...] = (), code: tuple[str, ...] = ()
) -> dict[str, Any]:
    found, _ = choose({result.id: result for result in results}, new, changed, code)
    return {one.name: one.kind for one in found}


def test_new_tests_and_those_that_differ_are_chosen() -> None:
    one, other, third = a_test("one", file="a.py"), a_test("other", file="a.py"), a_test("third", file="b.py")
    assert chosen(one, other, third, new=("a.py::one",)) == {"a.py::one": "new"}
    assert chosen(one, other, third, new=("a.py::one",), changed=("a.py::one", "a.py::other")) == {
        "a.py::one": "new",
        "a.py::other": "changed",
    }


@pytest.mark.parametrize("outcome", ["xfailed", "xpassed", "quarantined", "excluded"])
def test_what_is_expected_to_fail_shows_nothing_yet(outcome: str) -> None:
    assert chosen(a_test("one", TestOutcome(outcome), file="a.py"), new=("a.py::one",)) == {}


def test_a_test_in_code_that_changed_cannot_be_told_from_it() -> None:
    test, example = a_test("test_pool", file="pool.py"), a_test("pool.fits", file="pool.py")
    whole = a_test("pool", file="pool.py")
    found, left_out = choose(
        {one.id: one for one in (test, example, whole)}, [test.id, example.id, whole.id], [], ["pool.py"]
    )
    assert [(one.name, one.in_code, one.can_show) for one in found] == [(test.id, True, False)]
    assert left_out == (example.id, whole.id)
    (judged_,) = judge(found, {}, [RAN], ADDED)
    assert judged_.finding == "unknown"
    assert "holds the test and code of the change" in judged_.said


def without(**fields: Any) -> GateResult:
    return a_gate(**{"name": "unit", "command_line": "python -m unittest", **fields})


@pytest.mark.parametrize(
    ("gate", "runs_tests"),
    [
        (without(), True),
        (without(name="tests", command_line="make check"), True),
        (without(name="test-3.12", command_line="nox -s test-3.12"), True),
        (without(name="go", command_line="go test ./..."), True),
        (without(name="lint", command_line="ruff check"), False),
        (without(outcome=GateOutcome.FAILED), False),
        (without(tests=TestCounts(run=1)), False),
    ],
)
def test_gates_that_run_tests_without_naming_them_count_as_a_whole(gate: GateResult, runs_tests: bool) -> None:
    assert without_names([gate]) == ((gate.name,) if runs_tests else ())


@pytest.mark.parametrize(
    ("gate", "finding", "said"),
    [
        (without(), "green", ""),
        (without(outcome=GateOutcome.FAILED, excerpt=("AssertionError: 1 != 2",)), "red", "AssertionError: 1 != 2"),
        (without(outcome=GateOutcome.FAILED, reason="exit code 1"), "red", "exit code 1"),
        (
            without(outcome=GateOutcome.FAILED, excerpt=("ImportError: cannot import name 'median' from 'pool'",)),
            "red",
            "ImportError: cannot import name 'median' from 'pool'",
        ),
        (
            without(outcome=GateOutcome.FAILED, excerpt=("x", "ModuleNotFoundError: No module named 'numpy'")),
            "unknown",
            "failed: x",
        ),
        (without(outcome=GateOutcome.TIMEOUT, reason="after 10m"), "unknown", "timeout: after 10m"),
        (without(outcome=GateOutcome.COULD_NOT_RUN, reason="no space"), "unknown", "could-not-run: no space"),
        (None, "unknown", "the gate does not exist there"),
    ],
)
def test_a_gate_as_a_whole_is_judged_by_how_it_ended(gate: GateResult | None, finding: str, said: str) -> None:
    (found,) = judge_gates(["unit"], [gate] if gate else [], ADDED)
    assert (found.test, found.kind, found.finding, found.said) == ("gate unit", "gate", finding, said)
