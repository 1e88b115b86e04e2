"""A test shows the change only if it fails without it, and because of it; what is not known is never called shown."""

from __future__ import annotations

from typing import Any

import pytest

from gates.compare.added_names import AddedNames
from gates.compare.red_green import Chosen, changes_behaviour, choose, judge
from gates.portable.values import GateOutcome, TestOutcome
from gates.results import FileChange, GateResult, RedGreenTest, TestCounts, TestResult, Witness
from tests.gates.readers.junit.sample import a_gate, a_test

ADDED = AddedNames(words={"pool.py": frozenset({"median"})}, added=frozenset(), folders=frozenset())
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


@pytest.mark.parametrize("outcome", ["failed", "skipped", "not-run", "timeout"])
def test_a_test_that_does_not_pass_on_the_head_shows_nothing(outcome: str) -> None:
    found = judged(a_test(outcome=TestOutcome.FAILED), head=a_test(outcome=TestOutcome(outcome), message="broken"))
    assert (found.finding, found.said) == ("unknown", f"{outcome} on the head: broken")


def chosen(*results: TestResult, new: tuple[str, ...] = (), files: tuple[str, ...] = ()) -> dict[str, Any]:
    return {one.name: one.kind for one in choose({result.id: result for result in results}, new, files)}


def test_new_tests_and_those_of_changed_files_are_chosen() -> None:
    one, other, third = a_test("one", file="a.py"), a_test("other", file="a.py"), a_test("third", file="b.py")
    assert chosen(one, other, third, new=("a.py::one",)) == {"a.py::one": "new"}
    assert chosen(one, other, third, new=("a.py::one",), files=("a.py",)) == {
        "a.py::one": "new",
        "a.py::other": "changed",
    }


@pytest.mark.parametrize("outcome", ["xfailed", "xpassed", "quarantined", "excluded"])
def test_what_is_expected_to_fail_shows_nothing_yet(outcome: str) -> None:
    assert chosen(a_test("one", TestOutcome(outcome), file="a.py"), new=("a.py::one",)) == {}


@pytest.mark.parametrize(
    ("path", "kind", "counts"),
    [
        ("pool.py", "production", True),
        ("src/pool/table.json", "config", True),
        ("pyproject.toml", "config", False),
        (".github/workflows/ci.yml", "config", False),
        ("requirements/dev.txt", "config", False),
        ("docs/index.md", "docs", False),
        ("tests/test_pool.py", "test", False),
    ],
)
def test_code_and_the_data_beside_it_change_what_tests_see(path: str, kind: Any, counts: bool) -> None:
    assert changes_behaviour(FileChange(path=path, kind=kind)) is counts
