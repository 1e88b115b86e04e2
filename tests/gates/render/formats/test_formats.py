"""The formats of other programs: what each needs, whatever a run is about."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import validators

from gates.compare.inputs import SourceChanges
from gates.compare.runs import compare_runs
from gates.portable.values import GateOutcome, TestOutcome
from gates.render.formats import places
from gates.render.formats import sarif as sarif_module
from gates.render.formats.ctrf import render_ctrf, status_of
from gates.render.formats.gitlab import render_gitlab
from gates.render.formats.metrics import render_metrics
from gates.render.formats.sarif import render_sarif
from gates.render.formats.trace import render_trace
from gates.results import AttemptResult, Diagnostic, Diagnostics, Run, TestResult, Weakening
from tests.gates.readers.junit.sample import a_gate, a_run, a_test, nasty

FOUND = Diagnostic(path="a.py", line=3, rule="F401", severity="error", message="unused", tool="ruff")
TESTS = [
    a_test("good", duration=0.25, started=101.0, worker="gw0"),
    a_test("bad", TestOutcome.FAILED, message="no", details="E  no", place="src/a.py:7", started=101.5, worker="gw1"),
    a_test("late", TestOutcome.SKIPPED, reason="later"),
]
RUN = a_run(
    TESTS, outcome="failed", started=100.0, duration=5.0,
    gates=(a_gate("test", started=100.5, duration=3.0), a_gate("lint", GateOutcome.FAILED, started=100.0, diagnostics=Diagnostics(count=1, kept=(FOUND,)))),
)  # fmt: skip
WEAKER = Weakening(rule="broader-exception", what="it accepts more", path="tests/test_a.py", line=9, test="t")
COMPARISON = compare_runs(RUN, TESTS, RUN, TESTS, sources=SourceChanges(weakenings=(WEAKER,)))


def results(run: Run, tests: list[TestResult], comparison: Any = None) -> list[dict[str, Any]]:
    (only,) = json.loads(render_sarif(run, tests, comparison))["runs"]
    found: list[dict[str, Any]] = only["results"]
    for one in found:
        assert only["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"]
    return found


def test_sarif_has_what_got_weaker_then_failing_tests_then_findings() -> None:
    found = results(RUN, TESTS, COMPARISON)
    assert [one["ruleId"] for one in found] == ["weaker", "test-failed", "ruff-F401"]
    places = [one["locations"][0]["physicalLocation"] for one in found]
    assert [(place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in places] == [
        ("tests/test_a.py", 9), ("src/a.py", 7), ("a.py", 3),
    ]  # fmt: skip


def test_sarif_keeps_the_most_important_results_and_counts_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif_module, "MOST", 1)
    only = json.loads(render_sarif(RUN, TESTS, COMPARISON))["runs"][0]
    assert [one["ruleId"] for one in only["results"]] == ["weaker"]
    assert only["properties"]["leftOut"] == 2


def test_gitlab_shows_each_remark_once_with_a_fingerprint_that_outlives_moved_lines() -> None:
    found = json.loads(render_gitlab(RUN, TESTS * 2))
    assert [(one["check_name"], one["severity"], one["location"]["path"]) for one in found] == [
        ("test-failed", "major", "src/a.py"), ("ruff-F401", "major", "a.py"),
    ]  # fmt: skip
    moved = places.Remark("r", "error", "a.py", 1, "t", "about")
    assert moved.fingerprint == moved._replace(line=9, text="other").fingerprint
    assert moved.fingerprint != moved._replace(about="else").fingerprint


def test_a_test_of_ctrf_has_its_status_time_and_failure() -> None:
    whole = json.loads(render_ctrf(RUN, [*TESTS, a_test("shaky", TestOutcome.FLAKY, attempts=(AttemptResult(outcome=TestOutcome.FAILED, message="x"),))]))  # fmt: skip
    counts = whole["results"]["summary"]
    assert [counts[name] for name in ("tests", "passed", "failed", "skipped", "flaky")] == [6, 3, 2, 1, 1]
    good, bad, late, shaky, *gates = whole["results"]["tests"]
    assert [(gate["name"], gate["status"]) for gate in gates] == [("gate test", "passed"), ("gate lint", "failed")]
    assert (good["status"], good["duration"], bad["message"], bad["trace"]) == ("passed", 250, "no", "E  no")
    assert (late["status"], shaky["flaky"], shaky["retries"]) == ("skipped", True, 1)
    assert (whole["results"]["extra"]["verdict"], whole["results"]["environment"]["healthy"]) == ("FAIL", False)


@pytest.mark.parametrize(
    ("run", "statuses"),
    [
        (a_run([a_test()]), ["passed", "passed"]),
        (a_run([a_test()], planned=("test", "late")), ["passed", "passed", "failed"]),
        (a_run([a_test()], altered=("run.json",)), ["passed", "passed", "failed"]),
        (a_run([a_test()], outcome="interrupted", complete=False), ["passed", "passed", "failed"]),
        (a_run([a_test()], gates=(a_gate("test", inconsistent=True),), outcome="failed"), ["passed", "failed"]),
        (
            a_run([a_test()], gates=(a_gate("test"), a_gate("old", GateOutcome.COULD_NOT_RUN, accepted=True))),
            ["passed", "passed", "other"],
        ),
    ],
)
def test_a_run_that_did_not_pass_has_a_failure_in_ctrf_even_if_no_test_failed(run: Run, statuses: list[str]) -> None:
    assert [one["status"] for one in json.loads(render_ctrf(run, [a_test()]))["results"]["tests"]] == statuses


@pytest.mark.parametrize("outcome", TestOutcome)
def test_no_test_that_failed_or_was_lost_looks_good_in_ctrf(outcome: TestOutcome) -> None:
    good = outcome in (TestOutcome.PASSED, TestOutcome.XFAILED, TestOutcome.XPASSED, TestOutcome.FLAKY)
    assert (status_of(outcome) == "passed") is good


def test_a_trace_has_a_process_for_each_gate_and_a_thread_for_each_worker() -> None:
    events = json.loads(render_trace(RUN, TESTS))["traceEvents"]
    slices = {event["name"]: event for event in events if event["ph"] == "X"}
    assert (slices["test"]["ts"], slices["test"]["dur"]) == (500_000, 3_000_000)
    good, bad = slices[TESTS[0].id], slices[TESTS[1].id]
    assert (good["ts"], good["dur"], good["pid"]) == (1_000_000, 250_000, slices["test"]["pid"])
    assert good["tid"] != bad["tid"]
    assert {event["args"]["name"] for event in events if event["name"] == "thread_name"} >= {"gw0", "gw1"}


def test_metrics_tell_the_verdict_and_not_only_what_the_run_says() -> None:
    wrong = a_run([a_test("bad", TestOutcome.FAILED)], outcome="passed")
    for run, tests, value in ((RUN, TESTS, 0), (wrong, [a_test("bad", TestOutcome.FAILED)], 0), (a_run([a_test()]), [a_test()], 1)):  # fmt: skip
        assert re.search(rf"^gates_run_passed\{{.*\}} {value}$", render_metrics(run, tests), re.MULTILINE)
    shown = render_metrics(RUN, TESTS, COMPARISON)
    assert re.search(r'gates_tests\{.*gate="test",outcome="failed"\} 1$', shown, re.MULTILINE)
    assert "gates_comparison_regression" in shown


SCHEMAS = Path(__file__).parent / "schemas"
GITLAB = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^(?!\\.?/)[^/]"},
                    "lines": {
                        "type": "object",
                        "required": ["begin"],
                        "properties": {"begin": {"type": "integer", "minimum": 1}},
                    },
                },
            },
        },
    },
}
"""As https://docs.gitlab.com/ci/testing/code_quality/ describes it."""

EVENT = {
    "type": "object",
    "required": ["ph", "name", "pid", "tid", "args"],
    "properties": {
        "pid": {"type": "integer"},
        "tid": {"type": "integer"},
        "name": {"type": "string"},
        "args": {"type": "object"},
    },
    "oneOf": [
        {"properties": {"ph": {"const": "M"}, "name": {"enum": ["process_name", "thread_name"]}}},
        {
            "required": ["ts", "dur", "cat"],
            "properties": {
                "ph": {"const": "X"},
                "ts": {"type": "integer", "minimum": 0},
                "dur": {"type": "integer", "minimum": 0},
            },
        },
    ],
}
TRACE = {
    "type": "object",
    "required": ["traceEvents"],
    "properties": {"traceEvents": {"type": "array", "items": EVENT}},
}
"""The fields that "Trace Event Format" names for complete events and metadata."""


def validator_of(name: str) -> Any:
    schema = {"gitlab": GITLAB, "trace": TRACE}.get(name) or json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    kind = validators.validator_for(schema)
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


VALID = [
    (render_sarif, validator_of("sarif-2.1.0")),
    (render_ctrf, validator_of("ctrf-0.0")),
    (render_gitlab, validator_of("gitlab")),
    (render_trace, validator_of("trace")),
]


@pytest.mark.parametrize("number", range(len(VALID)), ids=["sarif", "ctrf", "gitlab", "trace"])
def test_a_file_follows_the_schema_of_its_format(number: int) -> None:
    render, validator = VALID[number]
    shaky = a_test("shaky", TestOutcome.FLAKY, attempts=(AttemptResult(outcome=TestOutcome.FAILED, message="x"),))
    for run, tests, comparison in ((RUN, [*TESTS, shaky], COMPARISON), (a_run(), [], None)):
        validator.validate(json.loads(render(run, tests, comparison)))


def test_places_are_told_from_the_top_of_the_repository() -> None:
    found = json.loads(render_gitlab(RUN, TESTS, folder="packages/one/"))
    assert [one["location"]["path"] for one in found] == ["packages/one/src/a.py", "packages/one/a.py"]
    outside = a_test("bad", TestOutcome.FAILED, place="../two/b.py:3")
    far = a_test("bad", TestOutcome.FAILED, place="../../../b.py:3")
    (only,) = json.loads(render_sarif(a_run(), [outside, far], folder="packages/one/"))["runs"][0]["results"]
    assert only["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "packages/two/b.py"


LINE = re.compile(r'# (?:HELP|TYPE) .*|\w+\{(?:\w+="(?:[^"\\\n]|\\[\\n"])*"(?:,|(?=\})))*\} \S+')


@settings(max_examples=40)
@given(nasty)
def test_any_text_leaves_every_format_whole(text: str) -> None:
    tests = [a_test(text, outcome, message=text, details=text, file=text, worker=text) for outcome in TestOutcome]
    found = Diagnostics(count=1, kept=(Diagnostic(path=text, message=text, rule=text),))
    run = a_run(
        tests, gates=(a_gate(text, GateOutcome.FAILED, reason=text, diagnostics=found),), project=text, outcome="failed"
    )
    comparison = compare_runs(run, tests, run, tests)
    for render, validator in VALID:
        validator.validate(json.loads(render(run, tests, comparison)))
    for line in render_metrics(run, tests, comparison).split("\n")[:-1]:
        assert LINE.fullmatch(line), line
