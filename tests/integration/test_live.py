"""What is known is on disk while the run goes on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec
import pytest

from gates.results import Run
from tests.gates.run.waiting import wait_for
from tests.integration.project import Project, nox_session, noxfile, pytest_session

if TYPE_CHECKING:
    from pathlib import Path

WAIT = """
    import pathlib
    import time

    def wait_for(name):
        end = time.monotonic() + 60
        while not pathlib.Path(name).exists():
            assert time.monotonic() < end
            time.sleep(0.005)

    def test_first(): pass
    def test_second(): wait_for("seen-first")
    def test_third(): wait_for("seen-second")
    """


def run_now(project: Project) -> Run:
    """`run.json` as it is at this moment: always whole, however often it is rewritten."""
    return msgspec.json.decode((project.reports / "run.json").read_bytes(), type=Run)


def holds(file: Path, number: int) -> bool:
    """Whether the file has so many lines."""
    return file.exists() and file.read_bytes().count(b"\n") >= number


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_tests_land_one_by_one(project: Project, options: tuple[str, ...]) -> None:
    project.write({"test_wait.py": WAIT} | noxfile(pytest_session(*options)))
    lines = project.reports / "tests.jsonl"
    with project.start("run") as process:
        for number, name in enumerate(("first", "second"), 1):
            wait_for(partial(holds, lines, number), f"for the {name} test")
            assert [test.id.rpartition("_")[2] for test in project.tests] == ["first", "second"][:number]
            running = run_now(project)
            assert (running.complete, running.outcome, running.gates) == (False, "running", ())
            (project.folder / f"seen-{name}").touch()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, out + err
    assert len(project.tests) == 3


@pytest.mark.slow
def test_run_json_is_rewritten_as_each_gate_ends(project: Project) -> None:
    wait = "import pathlib, time\\nwhile not pathlib.Path('go').exists(): time.sleep(0.005)"
    project.write(noxfile(nox_session("quick", "PYTHON, '-c', ''"), nox_session("slow", f"PYTHON, '-c', \"{wait}\"")))
    with project.start("run", "--jobs", "2") as process:
        wait_for(lambda: (project.reports / "run.json").exists() and run_now(project).gates, "for the first gate")
        running = run_now(project)
        assert [(gate.name, str(gate.outcome)) for gate in running.gates] == [("quick", "passed")]
        assert (running.planned, running.complete) == (("quick", "slow"), False)
        assert not (project.reports / "summary.md").exists()
        (project.folder / "go").touch()
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert (project.run.complete, project.run.outcome, len(project.run.gates)) == (True, "passed", 2)


@pytest.mark.slow
def test_what_an_earlier_run_left_is_gone_when_the_next_one_starts(project: Project) -> None:
    project.write(noxfile(nox_session("check", "PYTHON, '-c', 'import pathlib; pathlib.Path(\"go\").touch()'")))
    assert project.gates("run").code == 0
    wait = "import pathlib, time\\nwhile not pathlib.Path('end').exists(): time.sleep(0.005)"
    project.write(noxfile(nox_session("other", f"PYTHON, '-c', \"{wait}\"")))
    first = project.run.id
    with project.start("run") as process:
        wait_for(lambda: (project.reports / "run.json").exists() and run_now(project).id != first)
        assert not [name for name in ("summary.md", "junit.xml", "logs/check.log") if (project.reports / name).exists()]
        (project.folder / "end").touch()
        process.communicate(timeout=60)
    assert process.returncode == 0
