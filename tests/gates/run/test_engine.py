from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest

from gates.portable.values import ExitCode, GateOutcome
from gates.results.event_schema import GateEnded, GateStarted
from gates.run import TestsLanded, ending
from gates.run.processes import marked_processes
from gates.run.verdict import conclude
from tests.gates.run.making import an_engine, ended, planned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gates.planning.plan import PlannedGate
    from gates.results import GateResult, TestResult

PASS, FAIL = "", "import sys; sys.exit(1)"
SLEEP = "import time; time.sleep(600)"
MEET = """
import pathlib, sys, time
here, *others = (pathlib.Path(name) for name in sys.argv[1:])
here.touch()
end = time.monotonic() + 60
while not all(other.exists() for other in others):
    assert time.monotonic() < end
    time.sleep(0.005)
"""
NOBODY = "no-such-program-at-all"


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def outcomes(results: dict[str, GateResult]) -> dict[str, str]:
    return {name: str(result.outcome) for name, result in results.items()}


class TestSlots:
    @pytest.mark.parametrize("jobs", [1, 2, 3])
    def test_never_more_gates_run_than_there_are_slots(self, tmp_path: Path, jobs: int) -> None:
        engine = an_engine(tmp_path, *(planned(f"g{number}", PASS) for number in range(5)), jobs=jobs)
        running, most = 0, 0
        for event in engine.events():
            running += isinstance(event, GateStarted)
            running -= isinstance(event, GateEnded)
            most = max(most, running)
        assert most == jobs

    def test_gates_in_different_slots_run_at_the_same_time(self, tmp_path: Path) -> None:
        def meet(here: str, *others: str) -> tuple[str, ...]:
            return (*planned("x", MEET).gate.config.command, here, *others)

        gates = (planned("a", command=meet("a", "b")), planned("b", command=meet("b", "a")))
        assert outcomes(ended(an_engine(tmp_path, *gates).events())) == {"a": "passed", "b": "passed"}

    def test_the_plans_order_decides_who_starts_first(self, tmp_path: Path) -> None:
        gates = [planned(name, PASS) for name in "abc"]
        engine = an_engine(tmp_path, *gates, jobs=1, starts=("c", "a", "b"))
        assert [event.gate for event in engine.events() if isinstance(event, GateStarted)] == ["c", "a", "b"]

    def test_a_free_slot_is_not_kept_for_a_gate_that_must_wait(self, tmp_path: Path) -> None:
        gates = (planned("slow", PASS), planned("waits", PASS, needs=("slow",)), planned("free", PASS))
        engine = an_engine(tmp_path, *gates, starts=("slow", "waits", "free"))
        assert [event.gate for event in engine.events() if isinstance(event, GateStarted)][:2] == ["slow", "free"]


class TestNeeds:
    def test_a_gate_starts_after_what_it_needs_has_ended(self, tmp_path: Path) -> None:
        gates = (planned("second", PASS, needs=("first",)), planned("first", PASS))
        engine = an_engine(tmp_path, *gates, jobs=2)
        order = [(type(event).__name__, getattr(event, "gate", "")) for event in engine.events()]
        assert order == [("GateStarted", "first"), ("GateEnded", ""), ("GateStarted", "second"), ("GateEnded", "")]

    def test_a_gate_that_only_waits_for_its_needs_starts_although_one_failed(self, tmp_path: Path) -> None:
        waits = msgspec.structs.replace(planned("test", PASS, needs=("types",)), despite_needs=True)
        events = list(an_engine(tmp_path, waits, planned("types", FAIL)).events())
        assert outcomes(ended(iter(events))) == {"types": "failed", "test": "passed"}
        assert [event.gate for event in events if isinstance(event, GateStarted)] == ["types", "test"]

    def test_a_failed_need_skips_all_that_hangs_on_it(self, tmp_path: Path) -> None:
        gates = (
            planned("build", FAIL), planned("test", PASS, needs=("build",)),
            planned("publish", PASS, needs=("test",)), planned("lint", PASS),
        )  # fmt: skip
        results = ended(an_engine(tmp_path, *gates).events())
        assert outcomes(results) == {"build": "failed", "test": "skipped", "publish": "skipped", "lint": "passed"}
        assert results["test"].reason == "needs a gate that did not pass (build: failed)"
        assert results["publish"].reason == "needs a gate that did not pass (test: skipped)"
        assert results["test"].exit_code is None
        assert results["test"].command_line, "the reader can still run it"

    def test_every_need_that_did_not_pass_is_named(self, tmp_path: Path) -> None:
        gates = (planned("a", FAIL), planned("b", command=(NOBODY,)), planned("c", PASS, needs=("a", "b")))
        reason = ended(an_engine(tmp_path, *gates).events())["c"].reason
        assert "a: failed" in reason or "b: could-not-run" in reason


class TestCouldNotRun:
    def test_a_missing_program_is_no_failure_and_no_pass(self, tmp_path: Path) -> None:
        result = ended(an_engine(tmp_path, planned("lint", command=(NOBODY, "--check"))).events())["lint"]
        assert (result.outcome, result.accepted, result.exit_code) == (GateOutcome.COULD_NOT_RUN, False, None)
        assert result.reason == f"cannot start {NOBODY}: No such file or directory"
        assert f"cannot start {NOBODY}" in (tmp_path / "logs" / "lint.log").read_text()

    @pytest.mark.parametrize("accept", ["lint", "other"])
    def test_only_the_config_makes_it_acceptable(self, tmp_path: Path, accept: str) -> None:
        gates = (planned("lint", command=(NOBODY,)), planned("after", PASS, needs=("lint",)))
        results = ended(an_engine(tmp_path, *gates, accept=(accept,)).events())
        accepted = accept == "lint"
        assert results["lint"].accepted is accepted
        assert results["after"].outcome is (GateOutcome.PASSED if accepted else GateOutcome.SKIPPED)

    def test_a_failure_is_never_acceptable(self, tmp_path: Path) -> None:
        assert not ended(an_engine(tmp_path, planned("lint", FAIL), accept=("lint",)).events())["lint"].accepted


class TestStop:
    def test_every_gate_still_gets_its_result(self, tmp_path: Path) -> None:
        stop: list[str] = []
        gates = [planned("done", PASS), *(planned(f"g{number}", SLEEP) for number in range(4))]
        engine = an_engine(tmp_path, *gates, stopped=lambda: "".join(stop))
        results = {}
        for event in engine.events():
            if isinstance(event, GateEnded):
                results[event.result.name] = event.result
                stop[:] = ["interrupted by SIGINT"]
        assert outcomes(results) == {"done": "passed", **dict.fromkeys(("g0", "g1", "g2", "g3"), "interrupted")}
        reasons = Counter(result.reason for result in results.values())
        started = reasons["interrupted by SIGINT"]
        assert started >= 1, "what ran was ended"
        assert reasons["not started: interrupted by SIGINT"] == 4 - started

    @pytest.mark.slow
    def test_a_gate_that_will_not_end_is_killed_after_the_grace(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ending, "TERM_GRACE", 0.2)
        engine = an_engine(tmp_path, stubborn(), stopped=stop_when(tmp_path / "project" / "ready"))
        result = ended(engine.events())["stubborn"]
        assert (result.outcome, result.exit_code) == (GateOutcome.INTERRUPTED, -signal.SIGKILL)
        assert (tmp_path / "project" / "asked").exists(), "it was asked first"

    def test_who_insists_waits_for_no_grace(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ending, "TERM_GRACE", 3600.0)
        project = tmp_path / "project"
        engine = an_engine(
            tmp_path, stubborn(), stopped=stop_when(project / "ready"), at_once=(project / "asked").exists
        )
        result = ended(engine.events())["stubborn"]
        assert (result.outcome, result.exit_code) == (GateOutcome.INTERRUPTED, -signal.SIGKILL)

    def test_closing_leaves_no_process(self, tmp_path: Path) -> None:
        engine = an_engine(tmp_path, planned("a", SLEEP), planned("b", SLEEP))
        events = engine.events()
        assert [type(next(events)) for _ in range(2)] == [GateStarted, GateStarted]
        engine.close()
        for number in (1, 2):
            assert marked_processes(f"test-{tmp_path.name}-{number}") == []
        engine.close()


def stubborn() -> PlannedGate:
    code = (
        "import pathlib, signal, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: pathlib.Path('asked').touch())\n"
        "pathlib.Path('ready').touch()\n"
        "while True: time.sleep(600)"
    )
    return planned("stubborn", code)


def stop_when(path: Path) -> Callable[[], str]:
    return lambda: "interrupted by SIGTERM" if path.exists() else ""


class TestGlobalTimeout:
    WHY = "the run took longer than its global-timeout of 1m 30s"

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    def test_ends_what_runs_and_starts_nothing_more(self, tmp_path: Path, clock: Clock) -> None:
        gates = [planned("done", PASS), planned("slow", SLEEP), planned("late", PASS)]
        engine = an_engine(tmp_path, *gates, jobs=1, global_timeout=90.0, clock=clock)
        results = {}
        for event in engine.events():
            if isinstance(event, GateEnded):
                results[event.result.name] = event.result
                clock.now += 89.0
            elif isinstance(event, GateStarted) and event.gate == "slow":
                clock.now += 1.0
        assert outcomes(results) == {"done": "passed", "late": "skipped", "slow": "timeout"}
        assert (results["slow"].reason, results["late"].reason) == (self.WHY, f"not started: {self.WHY}")
        assert results["slow"].exit_code == -signal.SIGTERM, "it was asked, and not killed"

    def test_of_a_run_that_only_waits_for_slots_fails_it_all_the_same(self, tmp_path: Path, clock: Clock) -> None:
        engine = an_engine(tmp_path, planned("a", PASS), planned("b", PASS), jobs=1, global_timeout=90.0, clock=clock)
        results = {}
        for event in engine.events():
            if isinstance(event, GateEnded):
                results[event.result.name] = event.result
                clock.now += 90.0
        assert outcomes(results) == {"a": "passed", "b": "skipped"}
        assert engine.late
        assert conclude(tuple(results.values()), late=engine.late) == ("failed", ExitCode.GATE_FAILED)

    def test_keeps_what_landed(self, tmp_path: Path, clock: Clock) -> None:
        code = """
import json, os, time
stream = open(os.path.join(os.environ["GATES_INBOX"], "pytest-1-a.jsonl"), "w", buffering=1)
say = lambda kind, **fields: print(json.dumps({"type": kind, **fields}), file=stream)
say("start", pytest="9.2.0", python="3.11.7")
say("collected", tests=[{"id": "a"}, {"id": "b"}, {"id": "c"}])
say("running", id="b", worker="", time=1.0)
say("test", id="a", outcome="passed")
time.sleep(600)
"""
        tests: list[TestResult] = []
        engine = an_engine(tmp_path, planned("test", code, tests="pytest"), global_timeout=90.0, clock=clock)
        for event in engine.events():
            if isinstance(event, TestsLanded):
                tests += event.results
                clock.now += 90.0
        assert {test.id: (str(test.outcome), test.reason) for test in tests} == {
            "a": ("passed", ""), "b": ("interrupted", self.WHY), "c": ("not-run", self.WHY),
        }  # fmt: skip

    def test_a_run_in_time_is_left_alone(self, tmp_path: Path, clock: Clock) -> None:
        engine = an_engine(tmp_path, planned("a", PASS), global_timeout=90.0, clock=clock)
        results = []
        for event in engine.events():
            clock.now += 40.0
            results += [event.result] if isinstance(event, GateEnded) else []
        assert [(result.outcome, engine.late) for result in results] == [(GateOutcome.PASSED, False)]


def test_tests_land_while_their_gate_runs(tmp_path: Path) -> None:
    """The gate waits until somebody has seen its first test."""
    code = """
import json, os, pathlib, time
stream = open(os.path.join(os.environ["GATES_INBOX"], "pytest-1-a.jsonl"), "w", buffering=1)
say = lambda kind, **fields: print(json.dumps({"type": kind, **fields}), file=stream)
say("start", pytest="9.2.0", python="3.11.7")
say("collected", tests=[{"id": "a"}, {"id": "b"}])
say("test", id="a", outcome="passed")
end = time.monotonic() + 60
while not pathlib.Path("seen").exists():
    assert time.monotonic() < end
    time.sleep(0.005)
say("test", id="b", outcome="skipped")
say("finish", exit_code=0)
"""
    landed, results = [], []
    for event in an_engine(tmp_path, planned("test", code, tests="pytest")).events():
        if isinstance(event, TestsLanded):
            landed.append(([result.id for result in event.results], event.expected))
            (tmp_path / "project" / "seen").touch()
        elif isinstance(event, GateEnded):
            results.append(event.result)
    (result,) = results
    assert landed == [(["a"], 2), (["b"], 2)]
    assert (result.outcome, result.injected) == (GateOutcome.PASSED, True)
    assert result.tests is not None
    assert (result.tests.collected, result.tests.passed, result.tests.skipped) == (2, 1, 1)
    assert result.tools == {"pytest": "9.2.0", "python": "3.11.7"}
