"""Programs are asked for their versions after their gate, once in a run, and nothing that they do changes its outcome."""

from __future__ import annotations

import shlex
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from gates.portable.values import GateOutcome
from gates.run import programs
from gates.run.gate import RunningGate
from gates.run.masking import StructMask
from tests.gates.run.making import a_plan, an_engine, ended, planned, python, surroundings
from tests.gates.run.waiting import is_dead, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from gates.results import GateResult

TOOL = "print('tool 1.2.3')"
SLEEP = "import time; time.sleep(600)"


def run(folder: Path, *items: Any, **context: Any) -> dict[str, GateResult]:
    return ended(an_engine(folder, *items, **context).events())


def test_a_program_that_the_project_names_tells_its_version_in_the_folder_and_with_the_variables_of_the_gate(
    tmp_path: Path,
) -> None:
    (tmp_path / "project" / "sub").mkdir(parents=True)
    where = "import os; print('at', os.path.basename(os.getcwd()), 4)"
    result = run(tmp_path, planned("a", cwd="sub", versions=(python(where),)))["a"]
    assert result.outcome is GateOutcome.PASSED
    assert list(result.programs.values()) == ["at sub 4"]


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (python("import sys; print(1); sys.exit(3)"), "unknown (exit code 3)"),
        (python("print('no number')"), "unknown (it printed no version)"),
        (("no-such-program-1",), "unknown (No such file or directory)"),
        (("a\0b",), "unknown (Invalid argument)"),
    ],
)
def test_why_a_version_is_unknown_is_said_and_the_gate_passes(
    tmp_path: Path, command: tuple[str, ...], why: str
) -> None:
    result = run(tmp_path, planned("a", versions=(command,)))["a"]
    assert result.outcome is GateOutcome.PASSED
    assert list(result.programs.values()) == [why]


@pytest.mark.parametrize("code", [SLEEP, "while True: print('tool 1' * 1000)"])
def test_a_program_that_hangs_or_never_stops_printing_is_ended_and_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr(programs, "PATIENCE", 0.05)
    result = run(tmp_path, planned("a", versions=(python(code),)))["a"]
    assert result.outcome is GateOutcome.PASSED
    assert list(result.programs.values()) == ["unknown (no answer within 0.05s)"]


def test_two_programs_of_one_name_are_shown_as_they_were_asked(tmp_path: Path) -> None:
    commands = tuple(python(f"print({number})") for number in (1, 2))
    result = run(tmp_path, planned("a", versions=commands))["a"]
    assert result.programs == {"python": "1", shlex.join(commands[1]): "2"}


def test_each_is_asked_once_in_a_run(tmp_path: Path) -> None:
    count = python("import os; f = open('count', 'a'); f.write('x'); print('tool 1')")
    found = run(tmp_path, planned("a", versions=(count,)), planned("b", needs=("a",), versions=(count,)))
    assert found["a"].programs == found["b"].programs != {}
    assert (tmp_path / "project" / "count").read_text() == "x"


def test_nobody_is_asked_if_the_project_says_so_or_the_gate_was_not_run(tmp_path: Path) -> None:
    silent = planned("a", command=("bash", "-c", f"{sys.executable} -V"), versions=())
    missing = planned("b", command=("no-such-program-1",), versions=(python(TOOL),))
    found = run(tmp_path, silent, missing)
    assert (found["a"].outcome, found["a"].programs) == (GateOutcome.PASSED, {})
    assert (found["b"].outcome, found["b"].programs) == (GateOutcome.COULD_NOT_RUN, {})


def test_a_known_program_is_asked_without_being_named_and_its_silence_is_no_news(tmp_path: Path) -> None:
    """The interpreter of gates itself is known without asking; `go` is not there or fails."""
    result = run(tmp_path, planned("a", command=("bash", "-c", f"{sys.executable} -V; go() {{ :; }}; go vet")))["a"]
    assert result.programs["python"] == ".".join(map(str, sys.version_info[:3]))
    assert not any("unknown" in version for version in result.programs.values())


def test_a_secret_in_an_answer_is_masked(tmp_path: Path) -> None:
    mask = StructMask({"API_TOKEN": "hunter2hunter2"})
    result = run(tmp_path, planned("a", versions=(python("print('tool 1 hunter2' + 'hunter2')"),)), mask=mask)["a"]
    assert "hunter2" not in str(result.programs)


def test_a_run_that_is_stopped_waits_for_no_answer(tmp_path: Path) -> None:
    code = f"import os; open('pid.tmp', 'w').write(str(os.getpid())); os.rename('pid.tmp', 'pid'); {SLEEP}"
    item = planned("a", versions=(python(code),))
    gate = RunningGate(item, 1, surroundings(tmp_path, a_plan(item)))
    pid = tmp_path / "project" / "pid"

    def asks() -> bool:
        gate.poll()
        return pid.exists()

    wait_for(asks)
    gate.end(GateOutcome.INTERRUPTED, "stopped")
    gate.poll()
    assert gate.done
    assert gate.result is not None
    assert (gate.result.outcome, list(gate.result.programs.values())) == (GateOutcome.PASSED, ["unknown (not asked)"])
    wait_for(partial(is_dead, int(pid.read_text())))
