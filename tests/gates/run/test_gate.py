from __future__ import annotations

import datetime as dt
import json
import os
import signal
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from gates.config import Config, GateConfig
from gates.planning.discover import Gate
from gates.planning.plan import PlannedGate
from gates.portable.exclusions import Exclusion
from gates.portable.values import GateOutcome
from gates.results import EnvironmentChange, GateResult
from gates.run import ending, gate_output
from gates.run.engine import Engine, EngineOptions
from gates.run.gate import RunningGate
from gates.run.masking import StructMask
from gates.run.processes import MARKER
from gates.run.start import command_line_of, command_of, file_name, gate_environment
from tests.gates.run.making import a_plan, an_engine, ended, planned, surroundings
from tests.gates.run.waiting import is_dead, wait_for

if TYPE_CHECKING:
    from pathlib import Path

SLEEP = "import time; time.sleep(600)"


def run(folder: Path, item: PlannedGate, **context: Any) -> GateResult:
    return ended(an_engine(folder, item, **context).events())[item.gate.name]


def log_of(folder: Path, result: GateResult) -> str:
    return (folder / result.log).read_text(encoding="utf-8")


class TestResult:
    def test_tells_what_ran_and_where_its_output_is(self, tmp_path: Path) -> None:
        item = planned("lint", "print('one warning: two')", title="Lint")
        result = run(tmp_path, item)
        assert (result.outcome, result.exit_code, result.title, result.kind) == (
            GateOutcome.PASSED,
            0,
            "Lint",
            "command",
        )
        assert result.command == item.gate.config.command
        assert result.log == "logs/lint.log"
        assert log_of(tmp_path, result).splitlines() == [f"gates > {result.command_line}", "one warning: two"]
        assert result.log_digest.startswith("sha256:")
        assert (result.warnings, result.stray, result.injected, result.tests) == (1, 0, False, None)
        assert result.duration > 0
        assert result.started > 0

    def test_a_failure_tells_its_exit_code(self, tmp_path: Path) -> None:
        result = run(tmp_path, planned("lint", "import sys; sys.exit(3)"))
        assert (result.outcome, result.exit_code, result.reason) == (GateOutcome.FAILED, 3, "exit code 3")

    def test_a_folder_of_its_own_is_used(self, tmp_path: Path) -> None:
        (tmp_path / "project" / "sub").mkdir(parents=True)
        result = run(tmp_path, planned("lint", "import os; print(os.getcwd())", cwd="sub"))
        assert log_of(tmp_path, result).splitlines()[1] == str(tmp_path / "project" / "sub")

    def test_a_folder_that_is_missing_is_the_environments_fault(self, tmp_path: Path) -> None:
        assert run(tmp_path, planned("lint", cwd="gone")).outcome is GateOutcome.COULD_NOT_RUN


class TestLimits:
    @pytest.mark.slow
    def test_a_gate_that_takes_too_long_ends_with_all_its_processes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ending, "TERM_GRACE", 0.2)
        monkeypatch.setattr(gate_output, "DRAIN_GRACE", 0.1)
        child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        code = (
            "import pathlib, subprocess, sys\n"
            f"command = [sys.executable, '-I', '-S', '-c', {child!r}]\n"
            "pids = [subprocess.Popen(command, start_new_session=new).pid for new in (False, True)]\n"
            "pathlib.Path('pids').write_text(' '.join(map(str, pids)))\n"
            f"{SLEEP}"
        )
        result = run(tmp_path, planned("test", code, timeout=1.0))
        assert result.outcome is GateOutcome.TIMEOUT
        assert result.reason == "timed out after 1.00s: the gate and all its processes were ended"
        assert result.reason in log_of(tmp_path, result)
        assert result.stray >= 1
        for pid in map(int, (tmp_path / "project" / "pids").read_text().split()):
            wait_for(partial(is_dead, pid))

    @pytest.mark.slow
    def test_a_gate_that_ends_itself_when_asked_still_timed_out(self, tmp_path: Path) -> None:
        code = f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); {SLEEP}"
        result = run(tmp_path, planned("test", code, timeout=0.5))
        assert (result.outcome, result.exit_code) in {(GateOutcome.TIMEOUT, 0), (GateOutcome.TIMEOUT, -signal.SIGTERM)}

    def test_what_a_child_prints_after_the_first_process_ended_is_still_the_gates(self, tmp_path: Path) -> None:
        child = "import os, time\nwhile os.getppid() == int(os.environ['PARENT']): time.sleep(0.005)\nprint('late', flush=True)"
        code = (
            "import os, subprocess, sys\n"
            f"subprocess.Popen([sys.executable, '-I', '-S', '-c', {child!r}], env={{**os.environ, 'PARENT': str(os.getpid())}})"
        )
        result = run(tmp_path, planned("test", code))
        assert log_of(tmp_path, result).splitlines()[-1] == "late"

    def test_a_child_that_holds_the_output_for_ever_holds_up_nobody(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gate_output, "DRAIN_GRACE", 0.1)
        code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-I', '-S', '-c', {SLEEP!r}]).pid)"
        result = run(tmp_path, planned("test", code))
        assert (result.outcome, result.stray) == (GateOutcome.PASSED, 1)
        pid = int(log_of(tmp_path, result).splitlines()[-1])
        wait_for(partial(is_dead, pid))


class TestOwnWord:
    @pytest.mark.parametrize(
        ("word", "outcome", "reason"),
        [
            (
                '{"outcome": "could-not-run", "reason": "static check only"}',
                GateOutcome.COULD_NOT_RUN,
                "static check only",
            ),
            ('{"outcome": "failed", "reason": "too slow"}', GateOutcome.FAILED, "too slow"),
            ('{"outcome": "passed"}', GateOutcome.PASSED, ""),
            ('{"outcome": "splendid"}', GateOutcome.FAILED, "unreadable: expected {outcome, reason}"),
        ],
    )
    def test_is_heard(self, tmp_path: Path, word: str, outcome: GateOutcome, reason: str) -> None:
        result = run(tmp_path, planned("gate", f"import os; open(os.environ['GATES_OUTCOME'], 'w').write({word!r})"))
        assert (result.outcome, result.reason) == (outcome, reason)


JUNIT = '<testsuite name="s"><testcase classname="c" name="{name}">{inside}</testcase></testsuite>'


def junit_gate(inside: str = "", *, write: bool = True, name: str = "t", **config: Any) -> PlannedGate:
    text = JUNIT.format(inside=inside, name=name)
    code = f"import os; open('out.xml', 'w').write({text!r})" if write else ""
    return planned("test", code, tests="junit", reports=("out.xml",), **config)


class TestJUnit:
    def test_its_cases_are_the_tests_of_the_gate(self, tmp_path: Path) -> None:
        result = run(tmp_path, junit_gate())
        assert (result.outcome, result.injected) == (GateOutcome.PASSED, False)
        assert result.tests is not None
        assert (result.tests.collected, result.tests.passed) == (1, 1)

    @pytest.mark.parametrize(
        ("gate", "reason"),
        [
            pytest.param(junit_gate('<failure message="no"/>'), "1 case failed", id="a failure and exit code 0"),
            pytest.param(junit_gate(write=False), "out.xml was not written", id="not written"),
            pytest.param(junit_gate("</testcase>"), "out.xml: is malformed", id="malformed"),
            pytest.param(planned("test", tests="junit"), "no JUnit file was read", id="none is named"),
        ],
    )
    def test_what_is_wrong_contradicts_the_exit_code(self, tmp_path: Path, gate: PlannedGate, reason: str) -> None:
        result = run(tmp_path, gate)
        assert (result.outcome, result.inconsistent) == (GateOutcome.FAILED, True)
        assert reason in result.reason

    def test_the_file_of_an_earlier_run_is_none_of_this_one(self, tmp_path: Path) -> None:
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / "out.xml").write_text(JUNIT.format(inside="", name="t"))
        result = run(tmp_path, junit_gate(write=False))
        assert (result.outcome, result.reason) == (GateOutcome.FAILED, "out.xml was not written")

    @pytest.mark.slow
    def test_a_gate_that_was_ended_owes_no_file(self, tmp_path: Path) -> None:
        item = planned("test", SLEEP, tests="junit", reports=("out.xml",), timeout=0.3)
        result = run(tmp_path, item)
        assert (result.outcome, result.inconsistent) == (GateOutcome.TIMEOUT, False)

    def test_its_texts_are_masked(self, tmp_path: Path) -> None:
        item = junit_gate('<failure message="no s3cret-value here">s3cret-value</failure>', name="t[s3cret-value]")
        plan = a_plan(item)
        context = surroundings(tmp_path, plan, mask=StructMask({"MY_TOKEN": "s3cret-value"}))
        tests = [
            test
            for event in Engine(plan, EngineOptions(config=Config(root=tmp_path), context=context)).events()
            for test in getattr(event, "results", ())
        ]
        assert [test.id for test in tests] == ["c::t[[masked: MY_TOKEN]]"]
        assert "s3cret" not in repr(tests)


def test_a_reason_with_a_secret_is_masked(tmp_path: Path) -> None:
    word = json.dumps({"outcome": "failed", "reason": "401 for s3cret-value"})
    code = f"import os; open(os.environ['GATES_OUTCOME'], 'w').write({word!r}); print('s3cret-value')"
    result = run(tmp_path, planned("gate", code), mask=StructMask({"MY_TOKEN": "s3cret-value"}))
    assert result.reason == "401 for [masked: MY_TOKEN]"
    assert "s3cret-value" not in log_of(tmp_path, result)
    assert "s3cret-value" not in repr(result), "not even in the command, which holds it literally"


def test_an_expired_exclusion_fails_a_gate_with_tests(tmp_path: Path) -> None:
    entry = Exclusion("old", "test(a)", "some reason", "todo", "me", dt.date(2020, 1, 1))
    code = """
import json, os
with open(os.path.join(os.environ["GATES_INBOX"], "pytest-1-a.jsonl"), "w") as stream:
    for record in ({"type": "start"}, {"type": "collected", "tests": [{"id": "b"}]},
                   {"type": "test", "id": "b", "outcome": "passed"}, {"type": "finish", "exit_code": 0}):
        print(json.dumps(record), file=stream)
"""
    gates = (planned("test", code), planned("lint"))
    plan = a_plan(*gates, exclusions=(entry,))
    engine = Engine(plan, EngineOptions(config=Config(root=tmp_path), context=surroundings(tmp_path, plan)))
    results = ended(engine.events())
    assert (results["test"].outcome, results["test"].inconsistent) == (GateOutcome.FAILED, False)
    assert results["test"].reason == "expired: exclusion old (2020-01-01)"
    assert results["lint"].outcome is GateOutcome.PASSED


class TestEnvironment:
    def environment(self, folder: Path, item: PlannedGate, **given: str) -> dict[str, str]:
        context = surroundings(folder, a_plan(item, filter="test(a)", test_timeout=2.0), given)
        return gate_environment(item, 3, context, folder / "work" / "gate-3")

    def test_the_config_sets_and_clears_variables(self, tmp_path: Path) -> None:
        changes = (
            EnvironmentChange(name="WRAPPER", value="", reason="it crashes"),
            EnvironmentChange(name="UNWANTED", value=None, reason="it is slow"),
            EnvironmentChange(name="ABSENT", value=None, reason="not there anyway"),
        )
        found = self.environment(tmp_path, planned("x", env=changes), WRAPPER="on", UNWANTED="1", KEPT="1")
        assert (found["WRAPPER"], found["KEPT"]) == ("", "1")
        assert not {"UNWANTED", "ABSENT"} & found.keys()

    def test_the_plugin_is_injected_with_the_plans_options(self, tmp_path: Path) -> None:
        found = self.environment(tmp_path, planned("x"))
        told = json.loads(found["GATES_PYTEST"])
        assert (told["filter"], told["test_timeout"], told.get("include_excluded", False)) == ("test(a)", 2.0, False)
        assert found["GATES_INBOX"].endswith("gate-3/inbox")

    def test_what_was_asked_of_tests_is_not_meant_for_a_gate_that_is_only_needed(self, tmp_path: Path) -> None:
        item = msgspec.structs.replace(planned("x"), needed=True)
        context = surroundings(
            tmp_path, a_plan(item, filter="test(a)", default_filter="test(b)", partition="slice:1/2")
        )
        told = json.loads(gate_environment(item, 3, context, tmp_path)["GATES_PYTEST"])
        assert (told["filter"], told.get("partition", "")) == ("test(b)", "")

    def test_a_gate_without_tests_gets_no_plugin(self, tmp_path: Path) -> None:
        found = self.environment(tmp_path, planned("x", tests="none"))
        assert not {"GATES_PYTEST", "GATES_INBOX", "PYTEST_PLUGINS", "PYTEST_ADDOPTS", "PYTHONPATH"} & found.keys()

    def test_markers_of_runs_around_this_one_are_kept(self, tmp_path: Path) -> None:
        found = self.environment(tmp_path, planned("x"), **{MARKER: "outer-1"})
        assert found[MARKER].split() == ["outer-1", f"test-{tmp_path.name}-{os.getpid()}-3"]


def nox_gate(signature: str, **config: Any) -> PlannedGate:
    gate = Gate(
        name=signature, group=signature, kind="nox", signature=signature, config=GateConfig(name=signature, **config)
    )
    return PlannedGate(gate=gate, timeout=60)


SET = EnvironmentChange(name="WRAPPER", value="a b", reason="r")
CLEAR = EnvironmentChange(name="SLOW", value=None, reason="r")


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (nox_gate("lint"), "nox -s lint"),
        (nox_gate("test(db='a b')"), """nox -s 'test(db='"'"'a b'"'"')'"""),
        (nox_gate("lint", env=(SET,)), "WRAPPER='a b' nox -s lint"),
        (nox_gate("lint", env=(SET, CLEAR)), "env -u SLOW WRAPPER='a b' nox -s lint"),
        (planned("x", command=("cargo", "test", "--", "a b")), "cargo test -- 'a b'"),
        (planned("x", command=("make",), cwd="a b"), "(cd 'a b' && make)"),
        (planned("x", command=("make",), cwd="sub", env=(SET,)), "(cd sub && WRAPPER='a b' make)"),
    ],
)
def test_the_command_line_can_be_pasted(item: PlannedGate, expected: str) -> None:
    assert command_line_of(item, a_plan(item)) == expected


def test_nox_is_asked_for_one_session_and_its_report(tmp_path: Path) -> None:
    item = nox_gate("test-3.11")
    command = command_of(item, a_plan(item), tmp_path / "nox.json")
    assert command[1:3] == ("-m", "nox")
    assert command[command.index("-s") + 1] == "test-3.11"
    assert "--error-on-missing-interpreters" in command
    assert command[-2:] == ("--report", str(tmp_path / "nox.json"))
    assert "-R" in command_of(item, a_plan(item, no_install=True), tmp_path)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("lint", "lint"),
        ("test-3.11", "test-3.11"),
        ("test(db='a', n=1)", "test-db-a-n-1"),
        ("../../etc/passwd", "etc-passwd"),
        ("naïve größe", "naïve-größe"),
        ("...", "gate"),
        ("", "gate"),
    ],
)
def test_a_gates_name_becomes_a_plain_file_name(name: str, file: str) -> None:
    assert file_name(name) == file


def test_gates_with_alike_names_have_logs_of_their_own(tmp_path: Path) -> None:
    items = (planned("test(a=1)", "print('one')"), planned("test(a='1')", "print('two')"))
    results = ended(an_engine(tmp_path, *items).events())
    logs = [log_of(tmp_path, result) for result in results.values()]
    assert sorted(log.splitlines()[-1] for log in logs) == ["one", "two"]
    assert len({result.log for result in results.values()}) == 2


def test_a_gate_that_is_asked_twice_to_end_is_asked_once(tmp_path: Path) -> None:
    item = planned("x", SLEEP)
    gate = RunningGate(item, 1, surroundings(tmp_path, a_plan(item)))
    gate.end(GateOutcome.TIMEOUT, "too long")
    gate.end(GateOutcome.INTERRUPTED, "stopped")

    def done() -> bool:
        gate.poll()
        return gate.done

    wait_for(done)
    assert gate.result is not None
    assert (gate.result.outcome, gate.result.reason) == (GateOutcome.TIMEOUT, "too long")
