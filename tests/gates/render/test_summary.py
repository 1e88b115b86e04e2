from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gates.compare.inputs import RegressionPolicy
from gates.compare.runs import compare_runs
from gates.portable.values import GateOutcome, TestOutcome
from gates.render.summary import summarise
from gates.results import Changes, Environment, EnvironmentChange, FileChange, TestCounts, Witness
from tests.gates.readers.junit.sample import a_gate, a_run, a_subject, a_test

if TYPE_CHECKING:
    from gates.compare.values import BaseFailures
    from gates.results import Run


def test_every_outcome_of_a_gate_has_its_word() -> None:
    words = ["PASS", "FAIL", "TIMEOUT", "COULD NOT RUN", "SKIPPED", "INTERRUPTED"]
    assert [outcome.word for outcome in GateOutcome] == words


@pytest.mark.parametrize(
    ("fields", "status", "time", "notes", "passed"),
    [
        ({}, "PASS", "1.50s", "", True),
        (
            {"warnings": 2, "reason": "reused from an earlier run"},
            "PASS",
            "1.50s",
            "reused from an earlier run; 2 warnings",
            True,
        ),
        ({"outcome": GateOutcome.FAILED, "exit_code": 1}, "FAIL", "1.50s", "exit code 1", False),
        (
            {"outcome": GateOutcome.FAILED, "exit_code": 1, "reason": "exit code 1"},
            "FAIL",
            "1.50s",
            "exit code 1",
            False,
        ),
        ({"outcome": GateOutcome.PASSED, "inconsistent": True}, "FAIL (inconsistent)", "1.50s", "", False),
        ({"outcome": GateOutcome.FAILED, "inconsistent": True}, "FAIL (inconsistent)", "1.50s", "", False),
        (
            {"outcome": GateOutcome.SKIPPED, "duration": 0.0, "reason": "needs build"},
            "SKIPPED",
            "-",
            "needs build",
            False,
        ),
        ({"outcome": GateOutcome.COULD_NOT_RUN, "accepted": True}, "COULD NOT RUN (accepted)", "1.50s", "", False),
        ({"outcome": GateOutcome.COULD_NOT_RUN}, "COULD NOT RUN", "1.50s", "", False),
        ({"outcome": GateOutcome.TIMEOUT, "stray": 2}, "TIMEOUT", "1.50s", "2 processes outlived it", False),
        (
            {
                "witnesses": (
                    Witness(
                        name="junit", detail="2 cases run; <s> says x (accepted in [junit]: tests-count-assertions)"
                    ),
                )
            },
            "PASS",
            "1.50s",
            "<s> says x (accepted in [junit]: tests-count-assertions)",
            True,
        ),
        ({"stray": 1}, "PASS", "1.50s", "1 process outlived it", True),
        (
            {"tests": TestCounts(run=4, passed=2, flaky=1, xfailed=1), "injected": True},
            "PASS",
            "1.50s",
            "2 of 4 tests passed, 1 flaky, 1 xfailed",
            True,
        ),
        (
            {"tests": TestCounts(collected=2, skipped=2), "injected": True},
            "PASS",
            "1.50s",
            "no test ran: 2 tests skipped",
            True,
        ),
        ({"tests": TestCounts(), "injected": True}, "PASS", "1.50s", "no test ran", True),
        (
            {"tests": TestCounts(), "injected": True, "outcome": GateOutcome.FAILED, "reason": "no test was selected"},
            "FAIL",
            "1.50s",
            "no test was selected",
            False,
        ),
        (
            {"tests": TestCounts(run=3, passed=3)},
            "PASS",
            "1.50s",
            "3 of 3 tests passed; test results only from exit code and JUnit",
            True,
        ),
    ],
)
def test_a_gate_has_its_line(fields: dict[str, Any], status: str, time: str, notes: str, passed: bool) -> None:
    (row,) = summarise(a_run(gates=(a_gate("lint", **fields),)), []).gates
    assert (row.status, row.time, row.notes, row.passed) == (status, time, notes, passed)
    assert (row.name, row.command) == ("lint", "nox -s lint")


def test_a_planned_gate_without_a_result_has_a_line_too() -> None:
    rows = summarise(a_run(planned=("lint", "test"), complete=False), []).gates
    assert [(row.name, row.status, row.passed) for row in rows] == [("test", "PASS", True), ("lint", "NOT RUN", False)]


def test_a_command_without_a_line_is_quoted() -> None:
    gate = a_gate(command_line="", command=("run", "a b", "$HOME"))
    assert summarise(a_run(gates=(gate,)), []).gates[0].command == "run 'a b' '$HOME'"


def test_facts_leave_out_what_is_unknown() -> None:
    names = {
        name
        for name, _ in summarise(
            a_run(subject=a_subject(kind="folder", commit="", branch="", base="", base_commit="")), []
        ).facts
    }
    assert names == {"Date", "Project", "Validated", "Identity", "Profile", "Run", "Took"}


def test_the_environment_names_the_telling_tools_of_each_gate() -> None:
    gates = (
        a_gate("lint", tools={"ruff": "0.17", "attrs": "26", "python": "3.11"}),
        a_gate("test", tools={"python": "3.11"}),
        a_gate(
            "build",
            programs={"rustc": "1.84", "python": "3.9", "my tool": "1\n2"},
            tools={"python": "3.11", "attrs": "26"},
        ),
    )
    here = Environment(
        python="3.11.7",
        implementation="CPython",
        system="Linux",
        machine="x86_64",
        cores=2,
        tools={"git": "2.39"},
        variables={"CI": "1"},
    )
    assert summarise(a_run(gates=gates, environment=here), []).environment == (
        ("Python", "CPython 3.11.7"),
        ("System", "Linux (x86_64)"),
        ("CPU", "unknown model, 2 cores"),
        ("git (gates)", "2.39"),
        ("Gate lint", "python 3.11, ruff 0.17, 1 other package"),
        ("Gate test", "python 3.11"),
        ("Gate build", "rustc 1.84, my tool 1 2, python 3.11, 1 other package"),
        ("$CI", "1"),
    )


def test_variables_are_listed_once_with_their_gates_and_reason() -> None:
    change = EnvironmentChange(name="RUSTC_WRAPPER", value="", reason="the wrapper crashes")
    cleared = EnvironmentChange(name="PYTHONDONTWRITEBYTECODE", reason="slow start")
    gates = (a_gate("a", environment=(change,)), a_gate("b", environment=(change, cleared)))
    rows = summarise(a_run(gates=gates), []).variables
    assert [(row.name, row.value, row.gates) for row in rows] == [
        ("RUSTC_WRAPPER", "", ("a", "b")),
        ("PYTHONDONTWRITEBYTECODE", None, ("b",)),
    ]


def test_changes_are_split_by_kind_and_counted() -> None:
    files = (
        FileChange(path="tests/a.py", kind="test", added=3, removed=0),
        FileChange(path="gates/a.py", kind="production", added=10, removed=4),
        FileChange(path="logo.png", kind="docs"),
    )
    section = summarise(a_run(changes=Changes(commits=(("abc", "Add"),), files=files)), []).changes
    assert section is not None
    assert section.line == "1 commit, 3 files (production code: 1, tests: 1, documentation: 1), +13 -4 lines"
    assert [group.title for group in section.groups] == ["Production code", "Tests", "Documentation"]
    assert summarise(a_run(), []).changes is None


@pytest.mark.parametrize(
    ("run", "note"),
    [
        (a_run(complete=False), "not complete"),
        (a_run(subject=a_subject(dirty=True)), "Uncommitted changes"),
        (a_run(subject=a_subject(kind="folder")), "No git"),
        (a_run(subject=a_subject(shallow=True)), "shallow"),
        (a_run(include_excluded=True), "Exclusions were switched off"),
        (a_run(filter="test(a)"), "Only tests that match test(a)"),
        (a_run(notes=("injection was impossible",)), "injection was impossible"),
    ],
)
def test_limits_are_noted(run: Run, note: str) -> None:
    (found,) = summarise(run, []).notes
    assert note in found


def test_counts_that_differ_from_the_results_are_noted_and_no_pass() -> None:
    results = [a_test("a"), a_test("b", TestOutcome.FAILED)]
    summary = summarise(a_run(results[:1]), results)
    assert "differ" in summary.notes[0]
    assert summary.verdict.word == "FAIL"


@pytest.mark.parametrize(
    ("fields", "comments"),
    [
        ({}, ["the validated commit", "everything", "gate test"]),
        ({"dirty": True}, ["the commit below the uncommitted changes", "everything", "gate test"]),
        ({"kind": "merge"}, ["everything", "gate test"]),
        ({"commit": ""}, ["everything", "gate test"]),
    ],
)
def test_commands_to_reproduce_are_in_the_order_to_paste_them(fields: dict[str, Any], comments: list[str]) -> None:
    commands = summarise(a_run(subject=a_subject(**fields)), []).commands
    assert [comment for comment, _ in commands] == comments
    assert commands[-1] == ("gate test", "nox -s test")


def test_evidence_has_every_log_with_its_digest() -> None:
    run = a_run(gates=(a_gate("lint"), a_gate("odd", log="")), reports="out")
    assert [(each.path, each.digest) for each in summarise(run, []).evidence] == [
        ("out/run.json", ""),
        ("out/tests.jsonl", ""),
        ("out/summary.html", ""),
        ("out/junit.xml", ""),
        ("out/logs/lint.log", "sha256:lint"),
    ]


@pytest.mark.parametrize(
    ("policy", "outcome", "word"),
    [("report", "failed", "NO REGRESSION"), ("block", "failed", "FAIL"), ("report", "interrupted", "INTERRUPTED")],
)
def test_what_fails_as_on_the_base_is_no_pass_and_no_fault_of_the_head(
    policy: BaseFailures, outcome: str, word: str
) -> None:
    tests = [a_test("a", TestOutcome.FAILED), a_test("b")]
    run = a_run(tests, gates=(a_gate("test", GateOutcome.FAILED, exit_code=1),), outcome=outcome)
    verdict = summarise(
        run, tests, compare_runs(run, tests, run, tests, policy=RegressionPolicy(base_failures=policy))
    ).verdict
    assert (verdict.word, verdict.passed) == (word, False)
    assert ("what fails here also fails there (1 test)" in verdict.sentence) == (word == "NO REGRESSION")
