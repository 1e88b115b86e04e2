from __future__ import annotations

import pytest

from gates.portable.values import GateOutcome
from gates.render.verdict import verdict_of
from gates.results import Run, TestCounts
from tests.gates.readers.junit.sample import a_gate, a_run

GOOD = TestCounts(collected=870, run=822, passed=822, skipped=48)
BAD = TestCounts(collected=5, run=4, passed=1, failed=2, timeout=1, not_run=1)

LINT = a_gate("lint")
FAILED = a_gate("lint", GateOutcome.FAILED, reason="exit code 1")
STATIC = a_gate("min_python", GateOutcome.COULD_NOT_RUN, reason="static check only")


@pytest.mark.parametrize(
    ("run", "counts", "word", "sentence"),
    [
        (a_run(gates=(LINT,)), None, "PASS", "The only gate passed."),
        (a_run(gates=(LINT, a_gate())), GOOD, "PASS", "Both gates passed; all 822 tests that ran passed."),
        (a_run(gates=(LINT,)), TestCounts(collected=3, run=3, passed=1, flaky=2), "PASS", "The only gate passed; 1 of 3 tests that ran passed, 2 flaky."),
        (
            a_run(gates=(LINT, a_gate("min_python", GateOutcome.COULD_NOT_RUN, accepted=True, reason="static check only"))),
            None,
            "PASS",
            "1 of 2 gates passed; could not run: min_python (accepted: static check only).",
        ),
        (
            a_run(gates=(FAILED, a_gate()), outcome="failed"),
            BAD,
            "FAIL",
            "1 of 2 gates passed; failed: lint (exit code 1); 3 tests failed, 1 test did not run, 1 of 4 tests that ran passed.",
        ),
        (a_run(gates=(STATIC,), outcome="could-not-run"), None, "COULD NOT RUN", "0 of 1 gate passed; could not run: min_python (static check only)."),
        (a_run(gates=(a_gate("lint", GateOutcome.TIMEOUT),), outcome="failed"), None, "FAIL", "0 of 1 gate passed; timed out: lint."),
        (
            a_run(gates=(a_gate("lint", GateOutcome.SKIPPED, reason="needs build"), a_gate()), outcome="passed"),
            None,
            "PASS",
            "1 of 2 gates passed; skipped: lint (needs build).",
        ),
        (
            a_run(gates=(a_gate("lint", GateOutcome.INTERRUPTED),), planned=("lint", "test"), outcome="interrupted"),
            None,
            "INTERRUPTED",
            "0 of 2 gates passed; interrupted: lint; did not end: test.",
        ),
        (a_run(gates=(), planned=("lint",), outcome="running", complete=False), None, "INCOMPLETE", "0 of 1 gate passed; did not end: lint."),
        (a_run(outcome="passed", complete=False), None, "INCOMPLETE", "The only gate passed."),
        (a_run(gates=(), outcome="nothing-selected"), None, "NOTHING SELECTED", "No gate was selected, so nothing was shown."),
        (a_run(gates=(), outcome="failed"), None, "FAIL", "No gate was run."),
        (a_run(outcome="from the future"), None, "FAIL", "The only gate passed."),
        (a_run(gates=(LINT,)), TestCounts(), "PASS", "The only gate passed; no test was collected."),
        (
            a_run(gates=tuple(a_gate(f"g{number}", GateOutcome.FAILED) for number in range(6)), outcome="failed"),
            None,
            "FAIL",
            "0 of 6 gates passed; failed: g0, g1, g2, g3 and 2 more.",
        ),
    ],
)  # fmt: skip
def test_the_verdict_says_what_makes_it_so(run: Run, counts: TestCounts | None, word: str, sentence: str) -> None:
    verdict = verdict_of(run, counts)
    assert (verdict.word, verdict.sentence) == (word, sentence)
    assert verdict.passed is (word == "PASS")


@pytest.mark.parametrize(
    ("run", "counts", "said"),
    [
        (a_run(gates=(LINT, FAILED)), None, "gate lint is failed"),
        (a_run(gates=(a_gate(inconsistent=True),)), None, "gate test is inconsistent"),
        (a_run(gates=(LINT, STATIC)), None, "gate min_python could not run"),
        (a_run(planned=("lint", "test")), None, "1 planned gate did not end (lint)"),
        (a_run(gates=()), None, "no gate passed"),
        (a_run(gates=(a_gate("lint", GateOutcome.SKIPPED),)), None, "no gate passed"),
        (a_run(), TestCounts(run=2, passed=1, crashed=1), "1 test failed"),
        (a_run(), TestCounts(run=1, passed=1, interrupted=1), "1 test did not end"),
    ],
)
def test_a_run_that_calls_itself_passed_and_is_not_fails(run: Run, counts: TestCounts | None, said: str) -> None:
    verdict = verdict_of(run, counts)
    assert verdict.word == "FAIL"
    assert said in verdict.sentence
