from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from gates.portable.values import EXIT_PRECEDENCE, ExitCode, GateOutcome, worst_exit
from gates.results import FilterLeaf, GateResult, TestCounts, Witness
from gates.run.verdict import conclude, decide, leaves_of
from gates.run.witnesses import results_witness
from gates.run.witnesses.test_results import ALL_SKIPPED, NO_TEST, ProcessSummary
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
        witnesses = [says("exit code", FAILED, "exit code 1"), says("test results", FAILED, "2 tests failed")]
        assert decide(witnesses)[2] == "2 tests failed"

    def test_no_test_explains_the_exit_code_of_pytest(self) -> None:
        process = ProcessSummary(exit_code=5)
        tests = results_witness([process], TestCounts(), demanded=False)
        assert tests is not None
        assert decide([says("exit code", FAILED, "exit code 1"), tests]) == (FAILED, False, NO_TEST)


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
            pytest.param([a_result(outcome=FAILED, reason=NO_TEST)], {}, ("nothing-selected", 4), id="no test"),
            pytest.param(
                [a_result(outcome=FAILED, reason=NO_TEST), a_result()], {}, ("nothing-selected", 4), id="lint"
            ),
            pytest.param(
                [a_result(outcome=FAILED, reason=NO_TEST), a_result(tests=TestCounts(collected=1, run=1, passed=1))],
                {},
                ("failed", 1),
                id="no test here, some elsewhere",
            ),
            pytest.param(
                [a_result(outcome=FAILED, reason=ALL_SKIPPED), a_result()],
                {},
                ("failed", 1),
                id="skipped is not nothing",
            ),
            pytest.param(
                [a_result(outcome=FAILED, reason=NO_TEST), a_result(outcome=FAILED, reason="ruff")],
                {},
                ("failed", 1),
                id="no test, and a failure",
            ),
            pytest.param(
                [a_result(outcome=FAILED, reason=NO_TEST), a_result(outcome=COULD_NOT_RUN)],
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
