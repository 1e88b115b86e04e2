from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from gates.results import FilterLeaf, GateResult, TestCounts, Witness
from gates.run import verdict
from gates.run.verdict import ProcessSummary, agree, conclude, decide, leaves_of
from gates.values import EXIT_PRECEDENCE, ExitCode, GateOutcome, worst_exit
from tests.gates.run.making import a_result

PASSED, FAILED, TIMEOUT = GateOutcome.PASSED, GateOutcome.FAILED, GateOutcome.TIMEOUT
SKIPPED, COULD_NOT_RUN, INTERRUPTED = GateOutcome.SKIPPED, GateOutcome.COULD_NOT_RUN, GateOutcome.INTERRUPTED


def says(name: str, outcome: GateOutcome | None, detail: str = "") -> Witness:
    return Witness(name=name, outcome=outcome, detail=detail or f"{name} says {outcome}")


class TestDecide:
    @pytest.mark.parametrize(
        ("witnesses", "outcome", "inconsistent"),
        [
            pytest.param({"exit code": PASSED}, PASSED, False, id="exit code 0"),
            pytest.param({"exit code": FAILED}, FAILED, False, id="exit code 1"),
            pytest.param(
                {"exit code": PASSED, "nox report": PASSED, "test results": PASSED}, PASSED, False, id="all pass"
            ),
            pytest.param({"exit code": PASSED, "test results": FAILED}, FAILED, True, id="exit 0, tests wrong"),
            pytest.param({"exit code": PASSED, "junit": FAILED}, FAILED, True, id="exit 0, junit wrong"),
            pytest.param({"exit code": PASSED, "reports": FAILED}, FAILED, True, id="exit 0, report missing"),
            pytest.param({"exit code": PASSED, "nox report": FAILED}, FAILED, True, id="exit 0, nox says failed"),
            pytest.param({"exit code": FAILED, "nox report": PASSED}, FAILED, True, id="exit 1, nox says success"),
            pytest.param({"exit code": FAILED, "test results": PASSED}, FAILED, False, id="more than tests failed"),
            pytest.param({"exit code": FAILED, "test results": FAILED}, FAILED, False, id="both say failed"),
            pytest.param({"exit code": PASSED, "gate's own word": FAILED}, FAILED, False, id="the gate fails itself"),
            pytest.param({"exit code": PASSED, "gate's own word": COULD_NOT_RUN}, COULD_NOT_RUN, False, id="own word"),
            pytest.param(
                {"exit code": FAILED, "gate's own word": PASSED}, FAILED, False, id="own word betters nothing"
            ),
            pytest.param({"exit code": PASSED, "exclusions": FAILED}, FAILED, False, id="expired exclusions"),
            pytest.param({"exit code": PASSED, "nox report": SKIPPED}, SKIPPED, False, id="nox skipped it"),
            pytest.param(
                {"exit code": FAILED, "nox report": COULD_NOT_RUN}, COULD_NOT_RUN, False, id="nox knows better"
            ),
            pytest.param(
                {"exit code": FAILED, "nox report": COULD_NOT_RUN, "test results": FAILED},
                FAILED,
                False,
                id="failed tests are worse than a missing tool",
            ),
            pytest.param(
                {"exit code": PASSED, "nox report": COULD_NOT_RUN, "test results": FAILED},
                FAILED,
                True,
                id="contradictions never end as could-not-run",
            ),
            pytest.param({"clock": TIMEOUT, "exit code": FAILED, "test results": FAILED}, TIMEOUT, False, id="timeout"),
            pytest.param({"clock": INTERRUPTED, "exit code": PASSED}, INTERRUPTED, False, id="interrupted, exit 0"),
            pytest.param(
                {"clock": INTERRUPTED, "exit code": FAILED, "nox report": None}, INTERRUPTED, False, id="ended"
            ),
            pytest.param({"clock": COULD_NOT_RUN}, COULD_NOT_RUN, False, id="never started"),
            pytest.param({}, FAILED, True, id="nobody says anything"),
            pytest.param({"nox report": None}, FAILED, True, id="nobody says how it ended"),
        ],
    )
    def test_the_worst_witness_decides_and_contradictions_are_told(
        self, witnesses: dict[str, GateOutcome | None], outcome: GateOutcome, inconsistent: bool
    ) -> None:
        found = decide([says(name, word) for name, word in witnesses.items()])
        assert found[:2] == (outcome, inconsistent)

    def test_the_order_of_witnesses_changes_nothing(self) -> None:
        witnesses = [says("exit code", PASSED), says("nox report", PASSED), says("test results", FAILED)]
        assert decide(witnesses) == decide(witnesses[::-1])

    def test_a_passed_gate_needs_no_reason(self) -> None:
        assert decide([says("exit code", PASSED, "exit code 0")])[2] == ""

    def test_tests_say_more_than_an_exit_code(self) -> None:
        witnesses = [says("exit code", FAILED, "exit code 1"), says("test results", FAILED, "2 tests are wrong")]
        assert decide(witnesses)[2] == "2 tests are wrong"

    def test_no_test_explains_the_exit_code_of_pytest(self) -> None:
        process = ProcessSummary(started=True, exit_code=5, collected=0, ended=0)
        tests = verdict.tests_witness([process], TestCounts(), demanded=False)
        assert tests is not None
        assert decide([says("exit code", FAILED, "exit code 1"), tests]) == (FAILED, False, verdict.NO_TEST)


class TestExitCodes:
    @pytest.mark.parametrize(
        ("code", "kind", "outcome", "words"),
        [
            (0, "nox", PASSED, "exit code 0"),
            (1, "nox", FAILED, "exit code 1"),
            (127, "nox", FAILED, "exit code 127"),
            (127, "command", COULD_NOT_RUN, "not found"),
            (126, "command", COULD_NOT_RUN, "not found"),
            (-9, "command", FAILED, "signal 9"),
            (None, "command", FAILED, "no exit code"),
        ],
    )
    def test_an_exit_code_is_a_witness(self, code: int | None, kind: str, outcome: GateOutcome, words: str) -> None:
        witness = verdict.exit_witness(code, kind)
        assert witness.outcome is outcome
        assert words in witness.detail


class TestNoxReport:
    @pytest.mark.parametrize(
        ("result", "reason", "outcome"),
        [
            ("success", None, PASSED),
            ("failed", None, FAILED),
            ("failed", "Python interpreter 3.9 not found", COULD_NOT_RUN),
            ("failed", "Program not found", FAILED),
            ("skipped", "no such database", SKIPPED),
            ("aborted", "1 problem", FAILED),
            ("something new", None, None),
        ],
    )
    def test_words_are_read_never_numbers(self, result: str, reason: str | None, outcome: GateOutcome | None) -> None:
        entry = {"name": "test", "signatures": ["test-3.11"], "result": result, "result_code": 0, "reason": reason}
        assert verdict.nox_witness({"sessions": [entry]}, "test-3.11").outcome is outcome

    @pytest.mark.parametrize(
        ("tail", "outcome"),
        [
            ("nox > Program ruff not found.\nnox > Session lint failed.", COULD_NOT_RUN),
            (
                "\x1b[31mnox > Program ruff not found.\x1b[0m\n\x1b[31mnox > Session lint failed.\x1b[0m\n",
                COULD_NOT_RUN,
            ),
            (
                "nox > Program ruff not found.\nnox > Command pytest failed with exit code 1\nnox > Session lint failed.",
                FAILED,
            ),
            ("nox > Program ruff not found.", FAILED),
            ("nox > Session lint failed.\nnox > Program ruff not found.", FAILED),
            ("nox > Session lint failed.", FAILED),
            ("", FAILED),
        ],
    )
    def test_only_noxs_own_closing_lines_tell_a_missing_program(self, tail: str, outcome: GateOutcome) -> None:
        report = {"sessions": [{"name": "lint", "signatures": ["lint"], "result": "failed", "reason": None}]}
        witness = verdict.nox_witness(report, "lint", tail)
        assert witness.outcome is outcome
        assert ("ruff: program not found" in witness.detail) is (outcome is COULD_NOT_RUN)

    @pytest.mark.parametrize(
        "report", [None, {}, [], {"sessions": []}, {"sessions": [{"name": "other", "signatures": []}]}, 3]
    )
    def test_a_report_without_the_session_says_nothing(self, report: Any) -> None:
        assert verdict.nox_witness(report, "test").outcome is None


class TestOwnWord:
    def test_is_not_missed_where_there_is_none(self) -> None:
        assert verdict.own_word_witness(None) is None

    def test_carries_its_reason(self) -> None:
        witness = verdict.own_word_witness({"outcome": "could-not-run", "reason": "static check only"})
        assert witness == Witness(name="gate's own word", outcome=COULD_NOT_RUN, detail="static check only")

    @pytest.mark.parametrize("word", [{}, [], "passed", {"outcome": "good"}, {"outcome": 1}, 7])
    def test_that_cannot_be_read_is_a_failure(self, word: Any) -> None:
        witness = verdict.own_word_witness(word)
        assert witness is not None
        assert witness.outcome is FAILED


def process(exit_code: int | None = 0, **fields: Any) -> ProcessSummary:
    return ProcessSummary(started=True, exit_code=exit_code, collected=3, ended=3, **fields)


ALL_GOOD = TestCounts(collected=3, run=3, passed=3)
ONE_BAD = TestCounts(collected=3, run=3, passed=2, failed=1)
ONE_LOST = TestCounts(collected=3, run=2, passed=2, not_run=1)
ALL_EXCLUDED = TestCounts(collected=3, excluded=3)


class TestTests:
    @pytest.mark.parametrize(
        ("processes", "counts", "demanded", "outcome", "words"),
        [
            pytest.param([process()], ALL_GOOD, True, PASSED, "3 of 3 passed", id="all passed"),
            pytest.param([process(1)], ONE_BAD, True, FAILED, "1 test is wrong", id="one wrong"),
            pytest.param([process(0)], ONE_BAD, True, FAILED, "1 test is wrong", id="exit code 0 hides nothing"),
            pytest.param([process(0)], ONE_LOST, True, FAILED, "1 of 3 collected tests without", id="one lost"),
            pytest.param([process(None)], ALL_GOOD, True, FAILED, "1 of 1 pytest processes ended", id="no finish"),
            pytest.param([process(), process(None)], ALL_GOOD, True, FAILED, "1 of 2 pytest", id="one of two"),
            pytest.param([process(unreadable=2)], ALL_GOOD, True, FAILED, "2 records cannot be read", id="garbage"),
            pytest.param(
                [process(uncollected=("x",))], ALL_GOOD, True, FAILED, "1 result of a test that nobody", id="more"
            ),
            pytest.param(
                [process(uncollected=("a", "b")), process(uncollected=("c", "d"))],
                ALL_GOOD,
                True,
                FAILED,
                "4 results of tests that nobody collected: a, b, c, …",
                id="many more",
            ),
            pytest.param(
                [process(listed=False)], ALL_GOOD, False, FAILED, "1 of 1 pytest processes never", id="no list"
            ),
            pytest.param([process(None, listed=False)], TestCounts(), False, FAILED, "never said", id="killed early"),
            pytest.param([process(3)], ALL_GOOD, True, FAILED, "pytest exited with 3", id="internal error"),
            pytest.param([process(1)], ALL_GOOD, True, FAILED, "pytest exited with 1", id="exit 1 with nothing wrong"),
            pytest.param([process(1), process(2)], ONE_BAD, True, FAILED, "exited with 2", id="more than failures"),
            pytest.param([process(5)], TestCounts(), True, FAILED, verdict.NO_TEST, id="none selected, demanded"),
            pytest.param([process(5)], TestCounts(), False, PASSED, verdict.NO_TEST, id="none selected"),
            pytest.param([process(0)], ALL_EXCLUDED, True, FAILED, verdict.NO_TEST, id="all excluded"),
            pytest.param([], TestCounts(), True, FAILED, "no test results were written", id="nothing came"),
        ],
    )
    def test_records_are_a_witness(
        self, processes: list[ProcessSummary], counts: TestCounts, demanded: bool, outcome: GateOutcome, words: str
    ) -> None:
        witness = verdict.tests_witness(processes, counts, demanded)
        assert witness is not None
        assert witness.outcome is outcome
        assert words in witness.detail

    @pytest.mark.parametrize(
        ("lost", "words"),
        [
            ((), "1 of 3 collected tests without a result"),
            (("a",), "1 of 3 collected tests without a result: a"),
            (("a", "b", "c"), "without a result: a, b, c"),
            (("a", "b", "c", "d"), "without a result: a, b, c, …"),
        ],
    )
    def test_lost_tests_are_named(self, lost: tuple[str, ...], words: str) -> None:
        witness = verdict.tests_witness([process(lost=lost)], ONE_LOST, demanded=True)
        assert witness is not None
        assert witness.detail.endswith(words)

    def test_a_set_of_tests_that_does_not_fit_contradicts_an_exit_code_of_0(self) -> None:
        for summary in (process(uncollected=("x",)), process(listed=False)):
            tests = verdict.tests_witness([summary], ALL_GOOD, demanded=False)
            assert tests is not None
            assert decide([says("exit code", PASSED), tests])[:2] == (FAILED, True)

    def test_a_gate_that_owes_no_tests_needs_none(self) -> None:
        assert verdict.tests_witness([], TestCounts(), demanded=False) is None

    def test_every_fault_is_named(self) -> None:
        witness = verdict.tests_witness([process(None, unreadable=1)], ONE_LOST, demanded=True)
        assert witness is not None
        assert witness.detail.count(";") == 2


class TestJUnit:
    @pytest.mark.parametrize(
        ("counts", "problems", "outcome"),
        [
            (ALL_GOOD, (), PASSED),
            (ONE_BAD, (), FAILED),
            (ONE_LOST, (), FAILED),
            (TestCounts(), (), FAILED),
            (ALL_GOOD, ("out.xml was not written",), FAILED),
        ],
    )
    def test_files_are_a_witness(self, counts: TestCounts, problems: tuple[str, ...], outcome: GateOutcome) -> None:
        witness = verdict.junit_witness(counts, problems)
        assert witness is not None
        assert witness.outcome is outcome

    def test_a_gate_that_owes_no_file_needs_none(self) -> None:
        assert verdict.junit_witness(None, ()) is None

    @pytest.mark.parametrize(
        ("records", "junit", "fault"),
        [
            pytest.param(ALL_GOOD, ALL_GOOD, "", id="the same"),
            pytest.param(
                TestCounts(collected=5, run=3, passed=3, excluded=2), ALL_GOOD, "", id="excluded tests never ran"
            ),
            pytest.param(
                TestCounts(collected=3, run=3, passed=1, xfailed=2),
                TestCounts(collected=3, run=1, passed=1, skipped=2),
                "",
                id="expected failures as skipped cases",
            ),
            pytest.param(
                ALL_GOOD, TestCounts(collected=2, run=2, passed=2), "2 cases, 3 tests", id="a case is missing"
            ),
            pytest.param(
                TestCounts(collected=4, run=4, passed=2, xfailed=2),
                TestCounts(collected=2, run=2, xfailed=2),
                "2 cases, 4 tests",
                id="expected failures hide no missing case",
            ),
            pytest.param(ONE_BAD, ALL_GOOD, "0 wrong tests, the results 1", id="a failure is missing"),
        ],
    )
    def test_files_must_not_hide_what_the_records_say(self, records: TestCounts, junit: TestCounts, fault: str) -> None:
        found = agree(records, junit)
        assert fault in found
        assert bool(found) is bool(fault)


class TestConclude:
    @pytest.mark.parametrize(
        ("gates", "options", "expected"),
        [
            pytest.param([a_result()], {}, ("passed", 0), id="passed"),
            pytest.param([a_result(outcome=FAILED)], {}, ("failed", 1), id="failed"),
            pytest.param([a_result(outcome=TIMEOUT)], {}, ("failed", 1), id="timeout"),
            pytest.param([a_result(outcome=COULD_NOT_RUN)], {}, ("could-not-run", 3), id="could not run"),
            pytest.param([a_result(outcome=SKIPPED)], {}, ("could-not-run", 3), id="skipped never looks passed"),
            pytest.param([a_result(outcome=COULD_NOT_RUN, accepted=True)], {}, ("passed", 0), id="accepted"),
            pytest.param(
                [a_result(outcome=FAILED), a_result(outcome=COULD_NOT_RUN)], {}, ("failed", 1), id="1 before 3"
            ),
            pytest.param(
                [a_result(outcome=INTERRUPTED), a_result(outcome=FAILED)], {}, ("interrupted", 130), id="130 first"
            ),
            pytest.param([a_result(outcome=FAILED)], {"interrupted": True}, ("interrupted", 130), id="signal"),
            pytest.param([a_result()], {"interrupted": True}, ("interrupted", 130), id="signal after the last gate"),
            pytest.param([a_result()], {"trouble": True}, ("could-not-run", 3), id="reports cannot be written"),
            pytest.param([], {"trouble": True}, ("could-not-run", 3), id="not even the first report"),
            pytest.param([a_result(outcome=FAILED)], {"trouble": True}, ("failed", 1), id="trouble hides no failure"),
            pytest.param([], {}, ("nothing-selected", 4), id="no gate"),
            pytest.param([a_result(outcome=FAILED, reason=verdict.NO_TEST)], {}, ("nothing-selected", 4), id="no test"),
            pytest.param(
                [a_result(outcome=FAILED, reason=verdict.NO_TEST), a_result(outcome=FAILED, reason="ruff")],
                {},
                ("failed", 1),
                id="no test, and a failure",
            ),
            pytest.param(
                [a_result(outcome=FAILED, reason=verdict.NO_TEST), a_result(outcome=COULD_NOT_RUN)],
                {},
                ("could-not-run", 3),
                id="3 before 4",
            ),
            pytest.param(
                [a_result(outcome=FAILED)],
                {"leaves": [FilterLeaf(source="filter", text="file(x)", count=0, error="file(x) matches no test")]},
                ("wrong-filter", 2),
                id="2 before 1",
            ),
        ],
    )
    def test_gates_become_one_word_and_one_code(
        self, gates: list[GateResult], options: dict[str, Any], expected: tuple[str, int]
    ) -> None:
        assert conclude(gates, **options) == expected

    def test_the_precedence_is_the_documented_one(self) -> None:
        order = [130, 2, 1, 5, 6, 3, 4, 0]
        assert list(EXIT_PRECEDENCE) == order
        for first, second in combinations(order, 2):
            assert worst_exit([ExitCode(second), ExitCode(first)]) == first

    def test_nothing_is_a_pass_for_the_precedence(self) -> None:
        assert worst_exit([]) is ExitCode.PASSED


def test_only_a_gate_that_owes_pytest_results_is_disbelieved_without_them() -> None:
    assert verdict.is_demanded("pytest")
    assert not any(verdict.is_demanded(word) for word in ("auto", "junit", "none"))


def leaf(source: str, count: int, **more: Any) -> FilterLeaf:
    return FilterLeaf(source=source, text="x", count=count, **more)


class TestLeaves:
    @pytest.mark.parametrize(
        ("found", "whole", "expected"),
        [
            pytest.param([leaf("filter", 0, error="no")], False, leaf("filter", 0, error="no"), id="nothing has it"),
            pytest.param(
                [leaf("filter", 0, error="no"), leaf("filter", 3)], False, leaf("filter", 3), id="another gate has it"
            ),
            pytest.param([leaf("filter", 0, warning="no")], True, leaf("filter", 0, warning="no"), id="only a warning"),
            pytest.param(
                [leaf("exclusion a", 0, warning="no")],
                True,
                leaf("exclusion a", 0, error="no"),
                id="in a config it is a mistake",
            ),
            pytest.param(
                [leaf("exclusion a", 0, warning="no")],
                False,
                leaf("exclusion a", 0),
                id="unless the gate that has it did not run",
            ),
            pytest.param(
                [leaf("filter", 2, note="old"), leaf("filter", 5, note="new")],
                True,
                leaf("filter", 5, note="new"),
                id="the most that one process found",
            ),
        ],
    )
    def test_what_a_predicate_matched_is_decided_over_all_gates(
        self, found: list[FilterLeaf], whole: bool, expected: FilterLeaf
    ) -> None:
        gates = [a_result(leaves=(one,)) for one in found]
        assert leaves_of(gates, whole=whole) == (expected,)

    def test_equal_predicates_of_different_expressions_are_told_apart(self) -> None:
        gates = [a_result(leaves=(leaf("filter", 1), leaf("exclusion a", 2)))]
        assert [one.source for one in leaves_of(gates, whole=True)] == ["filter", "exclusion a"]


@pytest.mark.parametrize(
    ("imported", "outcome", "words"),
    [
        ({}, None, ""),
        ({"lib": "lib/__init__.py", "own": ".nox/test/lib/python3.11/site-packages/own/__init__.py"}, None, ""),
        ({"lib": "../shared/lib.py"}, None, ""),
        ({"lib": "/home/me/project/src/lib/__init__.py"}, "failed", "another tree: lib (/home/me/project/src/lib"),
        ({"lib": "/venv/lib/python3.12/site-packages/lib/__init__.py"}, "none", "installed copies"),
        ({"a": "/venv/lib/python3.12/site-packages/a.py", "b": "/other/b.py"}, "failed", "b (/other/b.py)"),
    ],
)
def test_code_of_another_tree_is_a_witness_against_the_gate(
    imported: dict[str, str], outcome: str | None, words: str
) -> None:
    witness = verdict.imports_witness(imported, {})
    assert (witness is None) == (outcome is None)
    if witness is not None:
        assert str(witness.outcome).lower() == outcome
        assert words in witness.detail
        passed = [verdict.exit_witness(0, "command"), witness]
        assert verdict.decide(passed)[:2] == (
            (GateOutcome.FAILED, True) if outcome == "failed" else (GateOutcome.PASSED, False)
        )


def test_an_installed_copy_that_is_not_as_in_this_tree_is_a_witness_against_the_gate() -> None:
    place = "/venv/lib/python3.12/site-packages/lib/__init__.py"
    witness = verdict.imports_witness({"lib": place}, {"lib": place})
    assert witness is not None
    assert (witness.outcome, f"{place} is not as here" in witness.detail) == (GateOutcome.FAILED, True)
