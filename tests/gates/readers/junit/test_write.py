from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.portable.values import BAD_TESTS, LOST_TESTS, GateOutcome, TestOutcome
from gates.readers.junit.read import parse_junit
from gates.readers.junit.text import clean
from gates.readers.junit.write import junit_document
from gates.results import AttemptResult, ExclusionRecord, SubtestResult, Witness
from tests.gates.readers.junit.sample import NOON, a_gate, a_run, a_test, any_test, any_tried_test, nasty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gates.results import Run, TestResult


def written(run: Run, tests: Sequence[TestResult] = ()) -> ET.Element:
    return ET.fromstring(junit_document(run, tests).encode())


def case_of(root: ET.Element, name: str) -> ET.Element:
    return next(case for case in root.iter("testcase") if case.get("name") == name)


def properties(element: ET.Element) -> dict[str | None, str | None]:
    return {each.get("name"): each.get("value") for each in element.findall("properties/property")}


@pytest.mark.parametrize(
    ("outcome", "element", "message"),
    [
        (TestOutcome.PASSED, None, None),
        (TestOutcome.XPASSED, None, None),
        (TestOutcome.FLAKY, "flakyFailure", "boom"),
        (TestOutcome.FAILED, "failure", "boom"),
        (TestOutcome.TIMEOUT, "failure", "boom"),
        (TestOutcome.ERROR, "error", "boom"),
        (TestOutcome.CRASHED, "error", "boom"),
        (TestOutcome.INTERRUPTED, "error", "boom"),
        (TestOutcome.NOT_RUN, "error", "boom"),
        (TestOutcome.SKIPPED, "skipped", "skipped: because"),
        (TestOutcome.XFAILED, "skipped", "xfailed: because"),
        (TestOutcome.EXCLUDED, "skipped", "excluded: because"),
        (TestOutcome.QUARANTINED, "skipped", "quarantined: because"),
    ],
)
def test_every_outcome_of_a_test_has_its_element(
    outcome: TestOutcome, element: str | None, message: str | None
) -> None:
    case = case_of(written(a_run(), [a_test(outcome=outcome, message="boom", reason="because")]), "test_it")
    results = [child for child in case if child.tag != "properties"]
    assert [child.tag for child in results] == ([element] if element else [])
    assert [child.get("message") for child in results] == ([message] if message else [])
    assert properties(case)["outcome"] == outcome.value


@pytest.mark.parametrize("outcome", sorted(BAD_TESTS | LOST_TESTS))
def test_a_bad_or_lost_test_without_any_text_still_fails(outcome: TestOutcome) -> None:
    case = case_of(written(a_run(), [a_test(outcome=outcome)]), "test_it")
    assert case.find("failure") is not None or case.find("error") is not None


@pytest.mark.parametrize(
    ("outcome", "accepted", "element"),
    [
        (GateOutcome.PASSED, False, None),
        (GateOutcome.FAILED, False, "failure"),
        (GateOutcome.TIMEOUT, False, "failure"),
        (GateOutcome.COULD_NOT_RUN, False, "error"),
        (GateOutcome.COULD_NOT_RUN, True, "skipped"),
        (GateOutcome.INTERRUPTED, False, "error"),
        (GateOutcome.SKIPPED, False, "skipped"),
    ],
)
def test_every_outcome_of_a_gate_has_its_element(outcome: GateOutcome, accepted: bool, element: str | None) -> None:
    gate = a_gate("lint", outcome, accepted=accepted, reason="so", witnesses=(Witness(name="exit code", detail="1"),))
    case = case_of(written(a_run(gates=(gate,))), "lint")
    results = [child for child in case if child.tag != "properties"]
    assert [child.tag for child in results] == ([element] if element else [])
    assert (case.get("classname"), case.get("time"), case.get("log")) == ("gates", "1.500000", "reports/logs/lint.log")
    for result in results:
        assert result.get("message") == f"{outcome}: so"
        assert result.text == "command: nox -s lint\nexit code: 1"


def test_an_inconsistent_gate_never_looks_passed() -> None:
    gate = a_gate("lint", GateOutcome.PASSED, inconsistent=True, reason="exit code 0, but 3 tests are missing")
    case = case_of(written(a_run(gates=(gate,))), "lint")
    assert case.find("failure") is not None


def test_a_planned_gate_that_did_not_end_is_an_error() -> None:
    root = written(a_run(planned=("lint", "test"), complete=False))
    assert case_of(root, "lint").find("error") is not None
    assert root.get("errors") == "1"


FIRST = AttemptResult(
    outcome=TestOutcome.FAILED,
    duration=0.25,
    started=NOON,
    message="boom 1",
    details="  traceback 1",
    signature="ValueError: boom # @ pool.py:take",
    stdout="out 1",
    stderr="err 1",
)
SECOND = AttemptResult(outcome=TestOutcome.ERROR, phase="setup", duration=0.5, started=NOON + 1, message="boom 2")


def results_of(case: ET.Element) -> list[tuple[str, str | None, str | None]]:
    return [
        (child.tag, child.get("type"), child.get("message"))
        for child in case
        if child.tag not in {"properties", "system-out", "system-err"}
    ]


def test_a_flaky_test_holds_each_attempt_that_failed_as_surefire_writes_it() -> None:
    test = a_test(outcome=TestOutcome.FLAKY, attempts=(FIRST, SECOND), stdout="out 3", reason="passed on attempt 3")
    case = case_of(written(a_run(), [test]), "test_it")
    assert results_of(case) == [("flakyFailure", "ValueError", "boom 1"), ("flakyError", "error", "boom 2")]
    first, second = case.findall("flakyFailure") + case.findall("flakyError")
    assert [(child.tag, child.text) for child in first] == [
        ("stackTrace", "  traceback 1"),
        ("system-out", "out 1"),
        ("system-err", "err 1"),
    ]
    assert (first.get("time"), first.get("timestamp")) == ("0.250000", "2026-10-31T12:00:00.000+00:00")
    assert (list(second), second.text) == ([], None)
    assert case.findtext("system-out") == "out 3"
    assert properties(case)["attempt-1-signature"] == FIRST.signature
    assert properties(case)["attempt-2-phase"] == "setup"


def test_a_test_that_never_passed_shows_its_first_attempt_and_the_others_as_reruns() -> None:
    test = a_test(outcome=TestOutcome.TIMEOUT, attempts=(FIRST, SECOND), message="slow", duration=2.0, stdout="out 3")
    root = written(a_run(), [test])
    case = case_of(root, "test_it")
    assert results_of(case) == [
        ("failure", "ValueError", "boom 1"),
        ("rerunError", "error", "boom 2"),
        ("rerunFailure", "timeout", "slow"),
    ]
    assert case.findtext("failure") == "  traceback 1"
    assert (case.get("time"), case.findtext("system-out")) == ("0.250000", "out 1")
    assert case.findtext("rerunFailure/system-out") == "out 3"
    assert (root.get("failures"), root.get("errors")) == ("1", "0")


def test_each_failed_subtest_is_a_failure_of_one_case() -> None:
    subtests = (
        SubtestResult(
            name="(n=1)", message="odd: 1", details="trace 1", signature="AssertionError: odd: #", stdout="p"
        ),
        SubtestResult(name="(n=3)", message="odd: 3", details="trace 3"),
    )
    test = a_test(outcome=TestOutcome.FAILED, message="odd: 1", subtests=subtests, subtests_passed=2, stdout="own\n")
    root = written(a_run(), [test])
    case = case_of(root, "test_it")
    assert results_of(case) == [("failure", "subtest", "(n=1): odd: 1"), ("failure", "subtest", "(n=3): odd: 3")]
    assert (root.get("tests"), root.get("failures")) == ("2", "1"), "one of the tests is the gate"
    assert properties(case)["subtests-passed"] == "2"
    assert case.findtext("system-out") == "own\n--- subtest (n=1) ---\np"


def test_a_failure_of_the_test_itself_stands_before_those_of_its_subtests() -> None:
    subtest = SubtestResult(name="(n=1)", message="odd: 1")
    for test in (
        a_test(outcome=TestOutcome.FAILED, message="odd: 1", details="teardown", subtests=(subtest,)),
        a_test(outcome=TestOutcome.FAILED, message="other", subtests=(subtest,)),
        a_test(outcome=TestOutcome.CRASHED, message="odd: 1", subtests=(subtest,)),
    ):
        root = written(a_run(), [test])
        assert len(results_of(case_of(root, "test_it"))) == 2
        assert int(root.get("failures", "")) + int(root.get("errors", "")) == 1


def test_a_pass_against_the_expectation_is_told_apart_with_its_reason() -> None:
    case = case_of(written(a_run(), [a_test(outcome=TestOutcome.XPASSED, reason="known bug")]), "test_it")
    assert properties(case) == {"outcome": "xpassed", "reason": "known bug"}


def test_there_is_a_suite_of_gates_and_one_for_each_file() -> None:
    tests = [a_test("a"), a_test("b", file="tests/test_other.py"), a_test("c")]
    root = written(a_run(tests), tests)
    assert [(suite.get("name"), suite.get("tests")) for suite in root] == [
        ("gates", "1"),
        ("tests/kvcache/test_pool.py", "2"),
        ("tests/test_other.py", "1"),
    ]


def test_suites_name_their_gate_where_several_bring_tests() -> None:
    tests = [a_test("a", gate="test-3.11"), a_test("a", gate="test-3.12")]
    names = [suite.get("name") for suite in written(a_run(tests), tests)]
    assert names[1:] == ["test-3.11: tests/kvcache/test_pool.py", "test-3.12: tests/kvcache/test_pool.py"]


def test_suites_say_what_was_validated() -> None:
    tests = [a_test()]
    for suite in written(a_run(tests), tests):
        said = properties(suite)
        assert (said["run"], said["tree"]) == (
            "20261031T120000Z-abcd",
            "git-tree:4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        )
        assert said["commit"] == "0123456789abcdef0123456789abcdef01234567"
        assert suite.get("timestamp") == "2026-10-31T12:00:00.000+00:00"


def test_a_case_says_where_its_test_is_and_who_ran_it() -> None:
    test = a_test(
        "TestA::test_it[x::y]", worker="gw1", exclusion="scaffolding", outcome=TestOutcome.EXCLUDED, process=2
    )
    case = case_of(written(a_run(), [test]), "test_it[x::y]")
    assert case.attrib == {
        "name": "test_it[x::y]",
        "classname": "tests.kvcache.test_pool.TestA",
        "file": "tests/kvcache/test_pool.py",
        "line": "7",
        "time": "0.250000",
        "timestamp": "2026-10-31T12:00:00.000+00:00",
    }
    assert properties(case) == {"outcome": "excluded", "worker": "gw1", "process": "2", "exclusion": "scaffolding"}


@pytest.mark.parametrize(
    ("place", "line", "said"),
    [
        ("tests/kvcache/test_pool.py:12", "12", {"place": "tests/kvcache/test_pool.py:12", "defined": "7"}),
        ("kvcache/pool.py:40", "7", {"place": "kvcache/pool.py:40"}),
        ("", "7", {}),
    ],
)
def test_a_failed_case_stands_at_the_line_that_failed(place: str, line: str, said: dict[str, str]) -> None:
    test = a_test(outcome=TestOutcome.FAILED, message="m", place=place)
    document = junit_document(a_run([test]), [test])
    case = case_of(written(a_run([test]), [test]), "test_it")
    assert case.get("line") == line
    assert {name: value for name, value in properties(case).items() if name != "outcome"} == said
    (back,) = parse_junit([document.encode()], "x").results
    assert (back.line, back.place) == (7, place)


def test_an_excluded_test_says_who_owns_the_exclusion_and_until_when() -> None:
    record = ExclusionRecord(name="e", filter="f", reason="r", category="c", owner="kv", expires="2027-01-31")
    test = a_test(outcome=TestOutcome.EXCLUDED, reason="planned", exclusion="e")
    skipped = case_of(written(a_run(exclusions=(record,)), [test]), "test_it").find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "excluded: planned (kv, expires 2027-01-31)"


def test_newlines_and_spaces_survive_in_messages_and_texts() -> None:
    test = a_test(outcome=TestOutcome.FAILED, message="one\ntwo\t three", details="\n  indented\n\n", stdout="]]>\r\n")
    case = case_of(written(a_run(), [test]), "test_it")
    failure = case.find("failure")
    assert failure is not None
    assert failure.get("message") == "one\ntwo\t three"
    assert failure.text == "\n  indented\n\n"
    assert case.findtext("system-out") == "]]>#x0D\n"


def test_a_run_without_gates_and_tests_is_a_document_too() -> None:
    root = written(a_run(gates=(), started=0.0))
    assert (root.tag, root.get("tests"), "timestamp" in root.attrib) == ("testsuites", "0", False)


@pytest.mark.slow
@given(st.lists(any_test(), max_size=6), nasty)
def test_any_text_gives_a_document_that_says_it_all(tests: list[TestResult], name: str) -> None:
    run = a_run(
        gates=(a_gate(name, GateOutcome.FAILED, reason=name, command_line=name),), planned=(name,), project=name
    )
    root = written(run, tests)
    cases = [case for suite in root[1:] for case in suite.iter("testcase")]
    assert len(cases) == len(tests)
    for test in tests:
        assert any(fits(case, test) for case in cases)
    for suite in (root, *root):
        assert_counted(suite)
    assert parse_junit([junit_document(run, tests).encode()], "x").consistent


@pytest.mark.slow
@given(st.lists(any_tried_test(), max_size=4))
def test_attempts_and_subtests_never_change_the_counts(tests: list[TestResult]) -> None:
    document = junit_document(a_run(), tests)
    root = ET.fromstring(document.encode())
    for suite in (root, *root):
        assert_counted(suite)
    assert parse_junit([document.encode()], "x").consistent


def fits(case: ET.Element, test: TestResult) -> bool:
    flaky = {"flakyFailure", "flakyError"}
    result = next((child for child in case if child.tag in {"failure", "error", "skipped"} | flaky), None)
    details = "" if result is None else result.findtext("stackTrace", "") if result.tag in flaky else result.text or ""
    return (
        properties(case)["outcome"] == test.outcome.value
        and case.findtext("system-out", "") == clean(test.stdout)
        and case.findtext("system-err", "") == clean(test.stderr)
        and (result is None or details == clean(test.details))
        and (
            result is None
            or result.tag == "skipped"
            or not test.message
            or result.get("message") == clean(test.message)
        )
    )


def assert_counted(suite: ET.Element) -> None:
    cases = list(suite.iter("testcase"))
    assert suite.get("tests") == str(len(cases))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        said = [
            next((each for each in ("failure", "error", "skipped") if case.find(each) is not None), "")
            for case in cases
        ]
        assert suite.get(attribute) == str(said.count(tag))
    assert float(suite.get("time", "x")) == pytest.approx(sum(float(case.get("time", "x")) for case in cases))
