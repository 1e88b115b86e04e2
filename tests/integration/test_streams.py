"""Whatever the standard streams are, a run ends as it would have ended, and its records are whole."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess

import pytest

from tests.gates.run.waiting import wait_for
from tests.integration.project import PATIENCE, Project, checklist, program, pytest_gate, python_gate

STREAMS = [">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>&1"]


def shell(project: Project, arguments: str, streams: str) -> subprocess.CompletedProcess[str]:
    line = f"{shlex.join(program())} {arguments} {streams}"
    return subprocess.run(
        ["sh", "-c", line], cwd=project.folder, env=project.environment, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("streams", STREAMS)
def test_a_run_without_a_display_ends_as_any(project: Project, streams: str) -> None:
    project.write(
        checklist(python_gate("one", "-c", "print('ä' * 10)"), python_gate("two", "-c", "raise SystemExit(1)"))
    )
    done = shell(project, "run", streams)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert (project.run.complete, project.run.exit_code) == (True, 1)
    assert "FAIL" in (project.reports / "summary.md").read_text()
    assert (project.reports / "logs" / "one.log").read_text().endswith("ä\n")


@pytest.mark.slow
@pytest.mark.parametrize("arguments", ["list", "report --format junit"])
def test_what_a_command_was_asked_for_and_could_not_write_is_no_success(project: Project, arguments: str) -> None:
    project.write(checklist(pytest_gate()) | {"test_one.py": "def test_one(): pass"})
    if arguments.startswith("report"):
        project.gates("run")
    done = shell(project, arguments, ">/dev/full")
    assert (done.returncode, done.stderr) == (3, "gates: cannot write to standard output: No space left on device\n")
    assert shell(project, arguments, ">&-").returncode == 0, "nobody wanted it"


def test_a_character_that_the_stream_does_not_know_is_spelled_out(project: Project) -> None:
    project.write({"gates.toml": '[gate.one]\ncommand = "true"\ntitle = "Größe"\n'})
    done = project.gates("list", "--json", environment={"PYTHONIOENCODING": "ascii:strict"})
    assert done.code == 0, done.text


class Terminal:
    """A program whose controlling terminal is ours to close."""

    def __init__(self, project: Project, before: str) -> None:
        self.master, slave = pty.openpty()
        take = "import fcntl, pathlib, signal, termios, time; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
        self.process = project.start(
            "run", before=f"{take}; {before}", start_new_session=True, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)

    def close(self) -> int:
        """Close it; how the program ends then."""
        os.close(self.master)
        return self.process.wait(PATIENCE)


HEARD, IGNORED = ("signal.signal(signal.SIGHUP, signal.SIG_DFL)", "signal.signal(signal.SIGHUP, signal.SIG_IGN)")


@pytest.mark.slow
@pytest.mark.parametrize("before", [HEARD, IGNORED], ids=["heard", "nohup"])
def test_a_terminal_that_closes_ends_the_run_in_order(project: Project, before: str) -> None:
    code = (
        "import pathlib, time; pathlib.Path('begun').touch()\nwhile not pathlib.Path('go').exists(): time.sleep(0.01)"
    )
    project.write(checklist(python_gate("one", "-c", code)))
    terminal = Terminal(project, before)
    wait_for((project.folder / "begun").exists)
    if before == IGNORED:
        (project.folder / "go").touch()
    exit_code, outcome, reason, word = (
        (0, "passed", "", "PASS") if before == IGNORED else (130, "interrupted", "interrupted by SIGHUP", "INTERRUPTED")
    )
    assert terminal.close() == exit_code
    assert (project.run.complete, project.run.outcome) == (True, outcome)
    assert project.gate("one").reason == reason
    assert word in (project.reports / "summary.md").read_text()
    assert (project.reports / "junit.xml").exists()


def test_a_terminal_that_closes_before_the_run_begins_is_an_interruption(project: Project) -> None:
    project.write(checklist(python_gate("one", "-c", "pass")))
    wait = "lambda _path: [pathlib.Path('begun').touch(), time.sleep(60)]"
    terminal = Terminal(project, f"{HEARD}; import gates.config.load as load; load._parse = {wait}")
    wait_for((project.folder / "begun").exists)
    assert terminal.close() == 130
    assert not (project.reports / "run.json").exists()
