from __future__ import annotations

import msgspec

from gates.compare.before import MOST, results_of_base
from gates.compare.runs import compare_runs
from gates.compare.tests import compare_tests
from gates.compare.values import Renamed
from gates.portable.values import TestOutcome
from gates.results import AttemptResult, TestResult
from tests.gates.readers.junit.sample import a_run, a_test

FAILED = TestOutcome.FAILED


def both(base: list[TestResult], head: list[TestResult]) -> list[tuple[str, str]]:
    found = results_of_base(compare_tests(base, head), base, head)
    return [(each.test.rpartition(":")[2], each.result.outcome.value) for each in found]


def test_a_changed_test_has_its_result_of_the_base_and_the_most_pressing_come_first() -> None:
    base = [a_test("same"), a_test("fixed", FAILED), a_test("broken"), a_test("gone"), a_test("skipped")]
    head = [a_test("same"), a_test("fixed"), a_test("skipped", TestOutcome.SKIPPED), a_test("broken", FAILED), a_test("new", FAILED)]  # fmt: skip
    assert both(base, head) == [("broken", "passed"), ("skipped", "passed"), ("fixed", "failed")]


def test_a_test_of_several_gates_and_processes_is_found_by_gate_and_id() -> None:
    base = [a_test("t", gate="a"), a_test("t", gate="b", process=1)]
    head = [a_test("t", gate="a"), a_test("t", FAILED, gate="b", process=1)]
    found = results_of_base(compare_tests(base, head), base, head)
    assert [(each.test, each.result.gate) for each in found] == [(f"{base[1].id} (process 1)", "b")]


def test_a_renamed_test_has_the_id_of_the_head() -> None:
    base, head = [a_test("old")], [a_test("new", FAILED)]
    changed = msgspec.structs.replace(
        compare_tests(base, head), newly_failing=(head[0].id,), renamed=(Renamed(before=base[0].id, after=head[0].id),)
    )
    found = results_of_base(changed, base, head)
    assert [(each.test, each.result.id) for each in found] == [(head[0].id, base[0].id)]


def test_texts_keep_their_end_and_earlier_attempts_are_left_out() -> None:
    attempt = AttemptResult(outcome=FAILED)
    base = [a_test("t", FAILED, details="x" * 9000 + "the cause", attempts=(attempt,))]
    kept = results_of_base(compare_tests(base, [a_test("t")]), base, [a_test("t")])[0].result
    assert kept.details.startswith("…x")
    assert kept.details.endswith("the cause")
    assert len(kept.details) == 4001
    assert kept.attempts == ()


def test_a_comparison_of_runs_keeps_so_many_and_not_more() -> None:
    base = [a_test(f"t{number}") for number in range(MOST + 5)]
    head = [a_test(f"t{number}", FAILED) for number in range(MOST + 5)]
    assert len(compare_runs(a_run(base), base, a_run(head), head).before) == MOST
