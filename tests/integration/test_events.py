"""What is said while a run goes on: to people by levels, to programs as events."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.integration.project import PATIENCE, ROOT, noxfile, pytest_session

if TYPE_CHECKING:
    from tests.integration.project import Project

pytestmark = pytest.mark.slow

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
    project.write({"test_a.py": TESTS} | noxfile(pytest_session()))
    return project


def events_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_file_of_events_tells_the_whole_run_in_its_schema(project: Project, options: tuple[str, ...]) -> None:
    project.write({"test_a.py": TESTS} | noxfile(pytest_session(*options)))
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


def test_levels_and_output_follow_options_the_environment_and_the_profile(mixed: Project) -> None:
    quiet = mixed.gates("run", "--status-level", "none")
    assert "FAILED" not in quiet.err
    loud = mixed.gates("run", "--status-level", "all", "--failure-output", "immediate")
    assert {"PASSED", "FAILED", "SKIPPED"} <= set(loud.err.split())
    assert "from the failing one" in loud.err
    assert "from the passing one" not in loud.text
    final = mixed.gates("run", environment={"GATES_SUCCESS_OUTPUT": "final", "GATES_FINAL_STATUS_LEVEL": "pass"})
    assert "from the passing one" in final.out
    assert "PASSED test_a.py::test_passes" in " ".join(final.out.split()) or "PASSED" in final.out
    mixed.write({"gates.toml": '[profile.loud]\nstatus-level = "pass"\n'})
    assert "PASSED" in mixed.gates("run", "--profile", "loud").err
    mixed.write({"gates.toml": '[profile.loud]\nstatus-level = "shout"\n'})
    assert mixed.gates("run", "--profile", "loud").code == 2
