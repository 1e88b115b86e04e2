"""Runs that do not end by themselves: everything that they started ends with them, and they say so."""

from __future__ import annotations

import signal
import sys
from functools import partial
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from gates.run.processes import marked_processes
from tests.gates.run.waiting import is_alive, is_dead, wait_for
from tests.integration.project import PATIENCE, Done, Project, nox_session, noxfile, pytest_session

if TYPE_CHECKING:
    import subprocess

TREE = """
    import os
    import pathlib
    import signal
    import subprocess
    import sys
    import time

    SLEEP = "import time; time.sleep(600)"
    STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); " + SLEEP

    def start(code, **options):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, **options)
        return process

    def test_before(): pass

    def test_tree():
        # One that is easy to end, one that left the session, and one that left it and ignores requests.
        children = [start(SLEEP), start(SLEEP, start_new_session=True), start(STUBBORN, start_new_session=True)]
        children[2].stdout.readline()
        pathlib.Path("pids.new").write_text(" ".join(str(pid) for pid in [os.getpid(), *(p.pid for p in children)]))
        pathlib.Path("pids.new").rename("pids")
        time.sleep(600)

    def test_after(): pass
    """


@pytest.fixture
def tree(project: Project) -> Project:
    """A gate that starts a tree of processes and hangs, one that would never end, and one that never gets to start."""
    project.write(
        {"test_tree.py": TREE}
        | noxfile(
            pytest_session(),
            nox_session("hang", "PYTHON, '-c', 'import time; time.sleep(600)'"),
            nox_session("late", "PYTHON, '-c', 'print(1)'"),
        )
    )
    project.commit()
    return project


def pids(project: Project) -> list[int]:
    """The processes of the tree, once they all run."""
    wait_for((project.folder / "pids").exists, "for the tree")
    found = [int(pid) for pid in (project.folder / "pids").read_text().split()]
    assert all(map(is_alive, found))
    return found


def ended(process: subprocess.Popen[str]) -> Done:
    out, err = process.communicate(timeout=PATIENCE)
    done = Done(process.returncode, out, err)
    assert "Traceback" not in done.text, done.text
    return done


def assert_nothing_is_left(project: Project, started: list[int]) -> None:
    for pid in started:
        wait_for(partial(is_dead, pid), f"for the end of {pid}")
    for number in range(1, 4):
        assert marked_processes(f"{project.run.id}-{number}") == []
    assert project.leftovers() == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_everything_and_leaves_a_complete_record(tree: Project, number: signal.Signals) -> None:
    with tree.start("run", "--jobs", "2") as process:
        started = pids(tree)
        process.send_signal(number)
        done = ended(process)
    assert done.code == 130
    assert_nothing_is_left(tree, started)
    run = tree.run
    assert (run.complete, run.outcome, run.exit_code) == (True, "interrupted", 130)
    assert {gate.name: str(gate.outcome) for gate in run.gates} == dict.fromkeys(
        ("test", "hang", "late"), "interrupted"
    )
    assert tree.gate("test").reason == f"interrupted by {number.name}"
    assert tree.gate("late").reason == f"not started: interrupted by {number.name}"
    assert tree.outcomes == {
        "test_tree.py::test_before": "passed",
        "test_tree.py::test_tree": "interrupted",
        "test_tree.py::test_after": "not-run",
    }
    assert "INTERRUPTED" in done.out
    assert "INTERRUPTED" in (tree.reports / "summary.md").read_text()
    ET.parse(tree.reports / "junit.xml")


@pytest.mark.slow
def test_a_second_signal_is_an_order(tree: Project) -> None:
    """The first one is followed by a grace of seconds for whoever does not listen."""
    tree.write(
        {
            "test_tree.py": TREE.replace(
                "def test_before", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n\n    def test_before"
            )
        }
    )
    tree.write(noxfile(
        "import signal\n\n" + pytest_session().replace("    session.run", "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    session.run"),
    ))  # fmt: skip
    patience = "import gates.run.ending; gates.run.ending.TERM_GRACE = 3600.0"
    with tree.start("run", before=patience) as process:
        started = pids(tree)
        process.send_signal(signal.SIGINT)
        log = tree.reports / "logs" / "test.log"
        wait_for(lambda: "interrupted by SIGINT" in log.read_text(), "for the first one to be heard")
        assert process.poll() is None, "it waits for the gate"
        process.send_signal(signal.SIGINT)
        done = ended(process)
    assert done.code == 130
    assert_nothing_is_left(tree, started)
    assert tree.gate("test").exit_code == -signal.SIGKILL
    assert (tree.run.complete, tree.run.outcome) == (True, "interrupted")


@pytest.mark.slow
def test_a_gate_that_takes_too_long_ends_and_the_others_go_on(project: Project) -> None:
    project.write(
        {"test_tree.py": TREE, "gates.toml": '[gate.test]\ntimeout = "3s"\n'}
        | noxfile(pytest_session(), nox_session("late", "PYTHON, '-c', 'print(1)'"))
    )
    with project.start("run", "--jobs", "1") as process:
        started = pids(project)
        done = ended(process)
    assert done.code == 1
    assert_nothing_is_left(project, started)
    gate = project.gate("test")
    assert (gate.outcome, gate.reason) == (
        "timeout", "timed out after 3.00s: the gate and all its processes were ended",
    )  # fmt: skip
    assert project.gate("late").outcome == "passed"
    assert (project.run.complete, project.run.outcome, project.run.exit_code) == (True, "failed", 1)
    assert project.outcomes["test_tree.py::test_tree"] == "interrupted"
    assert "TIMEOUT" in done.text


@pytest.mark.slow
def test_a_killed_run_leaves_what_was_known_and_no_process(tree: Project) -> None:
    """SIGKILL cannot be caught: `run.json` is whole, and says that it is not complete."""
    with tree.start("run", "--jobs", "2") as process:
        started = pids(tree)
        lines = tree.reports / "tests.jsonl"
        wait_for(lambda: lines.read_bytes().count(b"\n") == 1)
        process.kill()
        process.communicate(timeout=PATIENCE)
    run = tree.run
    assert (run.complete, run.outcome) == (False, "running")
    assert tree.outcomes == {"test_tree.py::test_before": "passed"}
    shown = tree.gates("report")
    assert "PASS:" not in shown.out
    assert "INCOMPLETE" in shown.out
    if sys.platform != "linux":  # nobody is left to end them: the next run does
        tree.write(noxfile(nox_session("late", "PYTHON, '-c', 'print(1)'")))
        assert tree.gates("run").code == 0
    assert_nothing_is_left(tree, started)


@pytest.mark.slow
@pytest.mark.parametrize(("code", "verdict"), [("print(1)", 0), ("raise SystemExit(1)", 1)], ids=["passed", "failed"])
def test_a_reader_that_goes_away_changes_neither_record_nor_verdict(project: Project, code: str, verdict: int) -> None:
    project.write(noxfile(nox_session("check", f"PYTHON, '-c', '{code}'")))
    with project.start("run") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # as `| head -1` does when it has seen enough
        err = process.stderr.read()
        process.wait(timeout=PATIENCE)
    assert "Traceback" not in err
    assert "BrokenPipeError" not in err
    assert (project.run.complete, project.run.exit_code) == (True, verdict)
    assert (project.reports / "summary.md").exists()
    assert process.returncode == verdict


def test_standard_output_holds_the_summary_and_nothing_else(project: Project) -> None:
    project.write(noxfile(nox_session("check", "PYTHON, '-c', 'print(\"noise\")'")))
    done = project.gates("run")
    assert "noise" not in done.text, "it is in the log"
    assert "START" in done.err
    assert "START" not in done.out
    assert sys.executable not in done.out
