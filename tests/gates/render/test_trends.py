from __future__ import annotations

from gates.analysis.trends import CALM, trends
from gates.render.trends import leaving, listing, of_test
from gates.results.past import PastResult


def past(test: str, *outcomes: str, gate: str = "test", tree: str = "t", quarantine: str = "") -> list[PastResult]:
    return [
        PastResult(gate, test, f"run-{number}", 86_400.0 * (number + 1), tree, "main", outcome, 0.5, "E @ x" if outcome == "failed" else "", quarantine)
        for number, outcome in enumerate(outcomes)
    ]  # fmt: skip


def test_everything_that_needs_a_look_is_listed() -> None:
    results = [
        *past("", "passed", "failed", gate="lint"),
        *past("a.py::shaky", "passed", "failed", "flaky"),
        *past("a.py::calm", *["passed"] * CALM, quarantine="old"),
    ]
    shown = listing(list(trends(results)), 3)
    assert "  lint  .F  1 of 2 runs failed  500ms" in shown
    assert "Flaky tests" in shown
    assert "  .F~  a.py::shaky: 67% (21% to 94%) of 3 runs" in shown
    assert "  a.py::shaky: flaked 2 times in 3 runs: 67% (21% to 94%), last on 1970-01-03, E @ x" in shown
    assert f"  old: no failure in the last {CALM} runs of 1 test" in shown


def test_without_runs_there_is_nothing_to_list() -> None:
    assert listing((), 0) == "no finished run is recorded yet\n"


def test_one_test_has_its_dates_its_rate_and_its_last_failure() -> None:
    shown = of_test(list(trends(past("a.py::t", "passed", "failed", "passed"))))
    assert "a.py::t in test\n  .F.  " in shown
    assert "3 runs, 1 failed, 1 flaky: 33% (6% to 79%) of runs" in shown
    assert "first failed 1970-01-03, last 1970-01-03" in shown
    assert "last failure: E @ x" in shown


def test_an_entry_stays_while_one_of_its_tests_fails() -> None:
    calm = past("a", *["passed"] * CALM, quarantine="q")
    assert leaving(list(trends(calm))) != ()
    assert leaving(list(trends([*calm, *past("b", *["passed"] * CALM, "failed", quarantine="q")]))) == ()
