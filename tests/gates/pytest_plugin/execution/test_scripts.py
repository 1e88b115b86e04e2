"""A set-up script runs once, is ended when it hangs, and says in words how it failed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gates
from gates.portable import originals
from gates.portable.rules import SetupScript
from gates.pytest_plugin.execution import scripts as module
from gates.pytest_plugin.execution.scripts import Scripts, SetupOutcome, read_ends, read_variables, run_to_end
from tests.gates.run.waiting import is_dead, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def shell(text: str, timeout: float = 60.0) -> SetupScript:
    return SetupScript(("sh", "-c", text), timeout)


def prepare(folder: Path, *names: str, **scripts: SetupScript) -> SetupOutcome:
    return Scripts(scripts, folder, folder).prepare(names or tuple(scripts), lambda _: None)


def has_words(file: Path) -> Callable[[], bool]:
    return lambda: file.exists() and file.read_text().endswith("\n")


# What a script leaves


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", {}),
        (b"A=1\nB=\n\n  \nC= a = b \n", {"A": "1", "B": "", "C": " a = b "}),
        (b"A=1\r\nA=2", {"A": "2"}),
        (b"A=\xff\xe2\x82\xac", {"A": "\udcff€"}),
    ],
)
def test_lines_are_variables(text: bytes, found: Mapping[str, str]) -> None:
    assert read_variables(text) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"A=1\nexport B=2\n", "line 2 of its GATES_ENV is not NAME=value: 'export B' is not a name"),
        (b"A", "line 1 of its GATES_ENV is not NAME=value"),
        (b"=1", "line 1 of its GATES_ENV is not NAME=value: '' is not a name"),
        (b"A=\0", "line 1 of its GATES_ENV is not NAME=value: 'A' is not a name"),
        (b"GATES_INBOX=x", "line 1 of its GATES_ENV sets GATES_INBOX, which belongs to gates"),
    ],
)
def test_what_is_no_variable_is_told_with_its_line(text: bytes, said: str) -> None:
    with pytest.raises(ValueError, match="GATES_ENV") as caught:
        read_variables(text)
    assert str(caught.value) == said


def test_of_a_long_output_head_and_tail_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"a" * 60 + b"\xff" * 60)
    assert read_ends(file, 10) == "aaaaa\n… 110 bytes cut …\n" + "�" * 5
    file.write_bytes(b"\xff short")
    assert read_ends(file, 10) == "\\xff short"


# How a script fails


@pytest.mark.parametrize(
    ("script", "failure"),
    [
        (shell("exit 3"), "exit code 3"),
        (shell("kill -9 $$"), "ended by SIGKILL"),
        (SetupScript(("./is-not-there",)), "cannot start ./is-not-there: No such file or directory"),
        (SetupScript(("a\0b",)), "cannot start a\0b: embedded null byte"),
        (shell("sleep 60", 0.05), "timed out after 0.05s"),
        (shell("echo nonsense > $GATES_ENV"), "line 1 of its GATES_ENV is not NAME=value"),
    ],
)
def test_a_failure_is_told_in_words(tmp_path: Path, script: SetupScript, failure: str) -> None:
    done = prepare(tmp_path, db=script)
    assert (done.message, done.variables) == (f"setup script db failed: {failure}", {})


@pytest.mark.parametrize(
    "text",
    [
        "sleep 60 & echo $! > pid; sleep 60",
        "trap '' TERM; sh -c 'trap \"\" TERM; sleep 60' & echo $! > pid; sleep 60",
        "sleep 60 & echo $! > pid; exit 1",
    ],
    ids=["hangs", "does not listen", "fails"],
)
def test_a_script_that_fails_leaves_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    class Impatient(subprocess.Popen[bytes]):
        def wait(self, timeout: float | None = None) -> int:
            if timeout != 60.0 or "exit" in text:
                return super().wait(timeout)
            wait_for(has_words(tmp_path / "pid"))
            raise subprocess.TimeoutExpired(text, timeout)

    monkeypatch.setattr(originals.subprocess, "Popen", Impatient)
    monkeypatch.setattr(module, "GRACE", 0.05)
    assert prepare(tmp_path, db=shell(text)).message
    wait_for(partial(is_dead, int((tmp_path / "pid").read_text())), "for the end of what it started")


def test_what_a_script_that_passed_leaves_running_goes_on(tmp_path: Path) -> None:
    assert not prepare(tmp_path, db=shell("sleep 60 & echo $! > pid")).message
    pid = int((tmp_path / "pid").read_text())
    assert not is_dead(pid)
    os.kill(pid, signal.SIGKILL)


def test_an_interruption_ends_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []

    class Interrupted(subprocess.Popen[bytes]):
        def wait(self, timeout: float | None = None) -> int:
            if timeout == 60.0:
                started.append(self)
                raise KeyboardInterrupt
            return super().wait(timeout)

    monkeypatch.setattr(originals.subprocess, "Popen", Interrupted)
    with (tmp_path / "out").open("wb") as out, pytest.raises(KeyboardInterrupt):
        run_to_end(shell("sleep 60"), tmp_path, os.environ, out.fileno())
    assert [process.returncode for process in started] == [-signal.SIGKILL]


# Once, and in order


def test_each_runs_once_and_sees_what_those_before_it_left(tmp_path: Path) -> None:
    scripts = {
        "db": shell("echo ran >> db; echo URL=here > $GATES_ENV; echo SAME=1 >> $GATES_ENV; echo started"),
        "tables": shell("echo MADE=$URL > $GATES_ENV; echo SAME=2 >> $GATES_ENV"),
    }
    told: list[str] = []
    one = Scripts(scripts, tmp_path, tmp_path)
    first = one.prepare(["db", "tables"], told.append)
    assert first == SetupOutcome({"URL": "here", "SAME": "2", "MADE": "here"}, fresh={"db": "started\n"})
    assert one.prepare(["db"], told.append) == SetupOutcome({"URL": "here", "SAME": "1"})
    assert told == ["db", "tables"]
    other = Scripts(scripts, tmp_path, tmp_path)  # of another process of the session
    assert other.prepare(["db", "tables"], told.append) == first._replace(fresh={})
    assert (tmp_path / "db").read_text() == "ran\n"


def test_behind_one_that_failed_none_runs(tmp_path: Path) -> None:
    scripts = {"a": shell("echo sorry; exit 1"), "b": shell("touch b")}
    one = Scripts(scripts, tmp_path, tmp_path)
    for _ in range(2):
        done = one.prepare(["a", "b"], lambda _: None)
        assert (done.message, done.output) == ("setup script a failed: exit code 1", "sorry\n")
    assert not (tmp_path / "b").exists()


def test_it_gets_no_variables_of_a_worker_and_nothing_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw7")
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "x")
    monkeypatch.setenv("OWN", "kept")
    done = prepare(tmp_path, a=shell("cat; echo $OWN$PYTEST_XDIST_WORKER$PYTEST_CURRENT_TEST; pwd"))
    assert done.fresh == {"a": f"kept\n{tmp_path}\n"}


def test_a_scratch_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    done = Scripts({"a": shell("")}, tmp_path / "gone", tmp_path).prepare(["a"], lambda _: None)
    assert done.message == "setup script a failed: its files cannot be used: No such file or directory"


TWO = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
from gates.pytest_plugin.execution.scripts import Scripts
from gates.portable.rules import SetupScript
here = pathlib.Path(".").resolve()
print("up", flush=True)
print(Scripts({"a": SetupScript(("sh", "-c", sys.argv[2]))}, here, here).prepare(["a"], lambda _: None), flush=True)
"""


@pytest.mark.slow
def test_when_the_process_that_runs_it_dies_nobody_begins_it_again(tmp_path: Path) -> None:
    """What it began may still go on."""
    text = "echo $$ >> pids.new; mv pids.new pids; sleep 60"
    started = []
    for _ in range(2):
        words = [sys.executable, "-c", TWO, str(Path(gates.__file__).parents[1]), text]
        process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        if process is started[0]:
            wait_for((tmp_path / "pids").exists, "for the script")
    started[0].kill()
    out, _ = started[1].communicate(timeout=60)
    assert "setup script a failed: the process that ran it ended before it did" in out
    started[0].communicate()
    (pid,) = (tmp_path / "pids").read_text().split()
    os.kill(int(pid), signal.SIGKILL)
    assert json.loads((tmp_path / "script-0.json").read_text())[0].startswith("the process")
