"""How tests are run, through the whole program: retries, time limits, and where their settings come from."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tests.integration.project import Project, noxfile, pytest_session

FILES = {
    "tests/test_it.py": """
        import time

        calls = []

        def test_flaky():
            calls.append(1)
            assert len(calls) > 1, "not yet"

        def test_hangs():
            time.sleep(60)

        def test_behind():
            pass
        """,
    "gates.toml": """
        [gate.test]
        tests = "pytest"

        [tests]
        retries = 1

        [[tests.overrides]]
        filter = "test(hangs)"
        slow-timeout = { period = "250ms", terminate-after = 2 }

        [profile.strict.tests]
        flaky-result = "fail"
        """,
}


@pytest.fixture
def running(project: Project) -> Project:
    project.write(FILES | noxfile(pytest_session()))
    return project


@pytest.mark.slow
def test_a_flaky_test_passes_with_its_attempts_on_record(running: Project) -> None:
    done = running.gates("run", "-E", "not test(hangs)")
    assert done.code == 0, done.text
    assert running.outcomes == {"tests/test_it.py::test_flaky": "flaky", "tests/test_it.py::test_behind": "passed"}
    cases = ET.parse(running.reports / "junit.xml").iter("testcase")
    (case,) = [case for case in cases if case.get("name") == "test_flaky"]
    (attempt,) = case.findall("flakyFailure")
    assert "not yet" in (attempt.get("message") or "")
    assert running.gates("run", "-E", "not test(hangs)", "-p", "strict").code == 1
    assert running.gates("run", "-E", "not test(hangs)", "--retries", "0").code == 1


@pytest.mark.slow
def test_a_test_that_hangs_costs_itself_also_without_workers(running: Project) -> None:
    done = running.gates("run")
    assert done.code == 1, done.text
    assert running.outcomes == {
        "tests/test_it.py::test_flaky": "flaky",
        "tests/test_it.py::test_hangs": "timeout",
        "tests/test_it.py::test_behind": "passed",
    }
    assert "timed out after 0.5s" in done.text


@pytest.mark.slow
def test_every_setting_says_where_it_comes_from(running: Project) -> None:
    done = running.gates("show-config", "test_hangs", "-p", "strict")
    assert done.code == 0, done.text
    name, *lines = done.out.splitlines()
    assert name == "tests/test_it.py::test_hangs"
    assert [tuple(part.strip() for part in line.rsplit("#", 1)) for line in lines[:3]] == [
        (
            "retries          = { count = 1, backoff = 'fixed', delay = 0, jitter = false, on = ['failed', 'error'] }",
            "gates.toml:4",
        ),
        ("flaky-result     = 'fail'", "gates.toml:11"),
        ("slow-timeout     = { period = 0.25, terminate-after = 2, grace = 10 }", "gates.toml:7"),
    ]
    assert "# --retries" in running.gates("show-config", "test_flaky", "--retries", "3").out


@pytest.mark.slow
def test_a_test_is_called_slow_while_it_still_runs(running: Project) -> None:
    done = running.gates("run", "-E", "test(hangs)")
    lines = [line.split() for line in done.err.splitlines()]
    slow = next(number for number, words in enumerate(lines) if words[0] == "SLOW")
    ended = next(number for number, words in enumerate(lines) if words[0] == "TIMEOUT")
    assert lines[slow][1:] == ["test", ">", "0.25s", "tests/test_it.py::test_hangs"]
    assert slow < ended


@pytest.mark.slow
def test_a_partition_is_said_and_does_not_pass_for_the_whole(running: Project) -> None:
    done = running.gates("run", "--partition", "slice:1/2", "-E", "not test(hangs)")
    assert done.code == 0, done.text
    assert len(running.outcomes) == 1
    assert "only part of the tests was run: --partition slice:1/2" in (running.reports / "summary.md").read_text()
    assert not running.run.whole
    assert running.gates("run", "--partition", "slice:3/2").code == 2
