"""What is said while a run goes on: to people by levels, to programs as events."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.integration.project import PATIENCE, ROOT, Project, checklist, nox_session, noxfile, pytest_gate

if TYPE_CHECKING:
    from tests.integration.project import Project

TESTS = """
    import pytest
    def test_passes(): print("from the passing one")
    def test_fails():
        print("from the failing one")
        assert 0, "no"
    @pytest.mark.skip(reason="not today")
    def test_skipped(): pass
    """


@pytest.fixture
def mixed(project: Project) -> Project:
    project.write({"test_a.py": TESTS} | checklist(pytest_gate()))
    return project


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_file_of_events_tells_the_whole_run_in_its_schema(project: Project, options: tuple[str, ...]) -> None:
    project.write({"test_a.py": TESTS} | checklist(pytest_gate(*options)))
    assert project.gates("run", "--events", "events.jsonl").code == 1
    events = events_of((project.folder / "events.jsonl").read_text())
    kinds = [event["event"] for event in events]
    assert kinds[:2] == ["run-started", "gate-started"]
    assert kinds[-2:] == ["gate-ended", "run-ended"]
    assert kinds.count("test-started") == kinds.count("test-ended") == 3
    assert next(event for event in events if event["event"] == "tests-collected")["tests"] == 3
    ended = {event["result"]["id"]: event["result"]["outcome"] for event in events if event["event"] == "test-ended"}
    assert ended == project.outcomes
    assert (events[-1]["exit_code"], events[-1]["outcome"]) == (1, "failed")
    schema = json.loads((ROOT / "docs/reference/schemas/events.json").read_text())
    for event in events:
        jsonschema.validate(event, schema)


def test_starts_and_ends_of_tests_come_in_the_order_in_which_they_happened(project: Project) -> None:
    project.write(
        {"test_a.py": "def test_a(): pass\ndef test_b(): pass\ndef test_c(): assert 0\n"} | checklist(pytest_gate())
    )
    project.gates("run", "--events", "events.jsonl")
    events = events_of((project.folder / "events.jsonl").read_text())
    told = [
        (event["event"], event["test"] if "test" in event else event["result"]["id"])
        for event in events
        if event["event"] in ("test-started", "test-ended")
    ]
    assert told == [(kind, f"test_a.py::test_{name}") for name in "abc" for kind in ("test-started", "test-ended")]


@pytest.mark.slow
def test_the_follower_of_the_reference_follows_a_fifo(mixed: Project) -> None:
    script = (ROOT / "docs/reference/events.md").read_text().partition("```python\n")[2].partition("```")[0]
    fifo = mixed.folder / "fifo"
    os.mkfifo(fifo)
    follower = subprocess.Popen(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" < fifo', sys.executable, script],
        cwd=mixed.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        assert mixed.gates("run", "--events", "fifo").code == 1
        said, _ = follower.communicate(timeout=PATIENCE)
    finally:
        follower.kill()
    assert said.splitlines() == [
        "  passed test_a.py::test_passes  (0 running)",
        "  failed test_a.py::test_fails  (0 running)",
        " skipped test_a.py::test_skipped  (0 running)",
        "failed 1",
    ]


@pytest.mark.slow
def test_a_reader_that_closes_at_once_is_told_once_and_changes_nothing(mixed: Project) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.set_inheritable(writing, True)
    done = mixed.gates("run", "--events", str(writing), pass_fds=(writing,))
    os.close(writing)
    assert (done.code, done.err.count("no more events are written: Broken pipe")) == (1, 1)
    assert mixed.run.complete
    assert len(mixed.outcomes) == 3


def test_what_a_command_line_holds_is_masked_and_made_text(mixed: Project) -> None:
    words = os.fsdecode(b"test(passes) - test(hunter2hunter2) - test(\xff)")
    mixed.gates("run", "-E", words, "--events", "events.jsonl", environment={"MY_TOKEN": "hunter2hunter2"})
    text = (mixed.folder / "events.jsonl").read_text()
    events = events_of(text)
    assert (events[0]["event"], events[-1]["event"]) == ("run-started", "run-ended")
    assert "[masked: MY_TOKEN]" in events[0]["command_line"]
    assert "hunter2" not in text


@pytest.mark.slow
def test_a_run_that_cannot_go_on_says_so_to_its_followers(project: Project) -> None:
    project.write(noxfile(nox_session("noise", "PYTHON, '-c', \"for _ in range(40000): print('noise')\"")))
    limit = "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000)); os.execv(sys.argv[1], sys.argv[1:])"
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    launcher = (sys.executable, "-c", limit)
    done = project.gates("run", "--events", str(writing), launcher=launcher, pass_fds=(writing,))
    os.close(writing)
    with os.fdopen(reading) as file:
        last = events_of(file.read())[-1]
    assert (done.code, last["event"], last["exit_code"], last["outcome"]) == (3, "run-ended", 3, "could-not-run")


@pytest.mark.slow
def test_a_follower_reads_a_descriptor_while_the_run_goes_on(mixed: Project) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    with mixed.start("run", "--events", str(writing), pass_fds=(writing,)) as process, os.fdopen(reading) as file:
        os.close(writing)
        first = json.loads(file.readline())
        assert process.poll() is None, "the run goes on"
        rest = events_of(file.read())
        process.communicate(timeout=PATIENCE)
    assert first["event"] == "run-started"
    assert rest[-1]["event"] == "run-ended"


@pytest.mark.slow
def test_a_follower_that_dies_changes_nothing_about_the_run(mixed: Project) -> None:
    follower = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.readline()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert follower.stdin is not None
    number = follower.stdin.fileno()
    os.set_inheritable(number, True)
    done = mixed.gates("run", "--events", str(number), pass_fds=(number,))
    follower.communicate(timeout=PATIENCE)
    assert done.code == 1
    assert mixed.run.complete
    assert len(mixed.outcomes) == 3


def test_events_that_cannot_be_written_are_refused_before_anything_starts(mixed: Project) -> None:
    done = mixed.gates("run", "--events", "no/such/folder/x")
    assert (done.code, "events cannot be written" in done.err) == (2, True)
    assert not mixed.reports.exists()


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_flaky_test_says_of_how_many_attempts_it_needed_how_many(project: Project, options: tuple[str, ...]) -> None:
    tests = """
        from pathlib import Path
        def test_flaky():
            if not Path("tried").exists():
                Path("tried").touch()
                assert 0, "not yet"
        """
    project.write({"test_a.py": tests} | checklist(pytest_gate(*options), config="[tests]\nretries = 2\n"))
    done = project.gates("run", "--failure-output", "immediate")
    assert done.code == 0
    (line,) = (line for line in done.err.splitlines() if "FLAKY" in line)
    assert line.split() == ["FLAKY", "2/3", "test", "test_a.py::test_flaky", "AssertionError:", "not", "yet"]
    assert "| E AssertionError: not yet" in [" ".join(line.split()) for line in done.err.splitlines()]
    assert "passed on attempt 2 of 3" in done.out


@pytest.mark.slow
def test_a_test_that_was_slow_is_called_so_as_far_as_the_level_goes(project: Project) -> None:
    config = '[tests]\nslow-timeout = "10ms"\n'
    tests = "import time\ndef test_slow(): time.sleep(0.4)\ndef test_quick(): pass\n"
    project.write({"test_a.py": tests} | checklist(pytest_gate(), config=config))
    done = project.gates("run")
    assert "SLOW" in done.err
    assert "SLOW test_a.py::test_slow" in done.out
    assert [test.id for test in project.tests if test.slow] == ["test_a.py::test_slow"]
    quiet = project.gates("run", "--status-level", "flaky", "--final-status-level", "flaky")
    assert "SLOW" not in quiet.text


@pytest.mark.slow
def test_levels_and_output_follow_options_the_environment_and_the_profile(mixed: Project) -> None:
    quiet = mixed.gates("run", "--status-level", "none")
    assert "FAILED" not in quiet.err
    loud = mixed.gates("run", "--status-level", "all", "--failure-output", "immediate")
    assert {"PASSED", "FAILED", "SKIPPED"} <= set(loud.err.split())
    assert "from the failing one" in loud.err
    assert "from the passing one" not in loud.text
    final = mixed.gates("run", environment={"GATES_SUCCESS_OUTPUT": "final", "GATES_FINAL_STATUS_LEVEL": "pass"})
    assert "from the passing one" in final.out
    assert any("PASSED" in line and "test_a.py::test_passes" in line for line in final.out.splitlines())
    mixed.write(checklist(pytest_gate(), config='[profile.loud]\nstatus-level = "pass"\n'))
    assert "PASSED" in mixed.gates("run", "--profile", "loud").err
    mixed.write(checklist(pytest_gate(), config='[profile.loud]\nstatus-level = "shout"\n'))
    assert mixed.gates("run", "--profile", "loud").code == 2
