from __future__ import annotations

import pytest
from hypothesis import given

from gates.analysis.run_trends import run_trend
from gates.portable.values import TestOutcome
from gates.render.run_trends import sparkline, trend_markdown, trend_terminal
from tests.gates.analysis.test_run_trends import past
from tests.gates.readers.junit.sample import a_gate, a_run, a_test, nasty
from tests.gates.render.reader import tokens

FAILED = TestOutcome.FAILED


def test_gates_are_beside_their_past_and_tests_that_need_a_look_are_listed() -> None:
    run = a_run(id="r", outcome="failed", gates=(a_gate("lint", duration=2.0),))
    tests = [a_test("new", FAILED), a_test("old", FAILED), a_test("slow", duration=9.0), a_test("shaky")]
    results = [
        *past("", *["passed"] * 3, "failed", gate="lint"),
        *past("new", "passed"),
        *past("old", "passed", "failed", branch="x"),
        *past("slow", *["passed"] * 8),
        *past("shaky", "flaky", "passed"),
    ]
    found = run_trend(run, tests, results)
    shown = trend_terminal(run, found).splitlines()
    assert shown[0] == "kv-gates r, failed, against 8 runs before it"
    assert shown[3] == "lint  2.00s  1.01s ± 0.01s  ▅▅▅█   ...F.  1 of 4, 25% (5% to 70%)"
    id_of = {name: a_test(name).id for name in ("new", "old", "slow", "shaky")}
    assert f"  {id_of['new']}: failed; failed in 0 of 1 run before: 0% (0% to 79%)" in shown
    assert f"  {id_of['old']}: 2 runs in a row, since 1970-01-01 (by branch: x 1 of 2)" in shown
    assert f"  {id_of['slow']}: 9.00s, usually 1.01s ± 0.01s  ▂▂▂▂▂▂▂▂█" in shown
    assert f"  {id_of['shaky']}: ~.. flaked in 1 of 2 runs: 50% (9% to 91%), not now" in shown
    assert "gates compare BASE --timing-budget 2m" in shown[-1]


def test_a_first_run_has_nothing_before_it() -> None:
    run = a_run(id="r", gates=(a_gate("lint", duration=2.0),))
    shown = trend_terminal(run, run_trend(run, [], []))
    assert "the first run that is recorded" in shown
    assert "lint  2.00s  -        █      .     new\n" in shown


@pytest.mark.parametrize(
    ("values", "shown"), [([], ""), ([0.0, 0.0], "▁▁"), ([1.0], "█"), ([0.0, 0.5, 1.0], "▁▅█"), ([1e-9, 1.0], "▁█")]
)
def test_a_sparkline_begins_at_zero(values: list[float], shown: str) -> None:
    assert sparkline(values) == shown


@given(nasty.filter(bool))
def test_no_name_breaks_the_markdown(name: str) -> None:
    def blocks(said: str) -> list[str]:
        run = a_run(id="r", gates=(a_gate(said, duration=2.0),), project=said)
        found = run_trend(run, [a_test(id=said, outcome=FAILED)], [])
        return [token.type for token in tokens(trend_markdown(run, found))]

    assert blocks(name) == blocks("plain")
