"""A test that takes too long is interrupted, and where that does not help, its process ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gates.pytest_plugin.execution.test_retries import layer, retries

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project, Ran

STUCK = """
import ctypes, time, pytest

torn = []

@pytest.fixture
def kept():
    yield
    torn.append(1)

def test_sleeps(kept): time.sleep(60)
def test_was_torn_down(): assert torn == [1]
def test_swallows():
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
def test_behind(): pass
"""


def run(project: Project, *arguments: str, tests: str = STUCK, grace: float = 0.3, **more: Any) -> Ran:
    project.write(test_it=tests)
    limit = {"period": 0.15, "terminate_after": 2, "grace": grace}
    return project.injected(*arguments, settings={"rules": [layer(slow_timeout=limit, **more)]})


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("-n", "1")])
def test_an_interrupted_test_is_torn_down_and_the_others_go_on(project: Project, arguments: tuple[str, ...]) -> None:
    ran = run(project, *arguments, "-k", "not swallows", grace=30.0)
    assert ran.outcomes == {"test_sleeps": "timeout", "test_was_torn_down": "passed", "test_behind": "passed"}
    stuck = ran.tests["test_sleeps"]
    assert stuck["message"] == "timed out after 0.3s"
    assert "in test_sleeps" in stuck["details"]
    assert stuck["signature"] == "timeout @ test_it.py:test_sleeps"
    assert stuck["duration"] >= 0.29  # by another clock than the limit
    assert ran.exit_code == 1


@pytest.mark.slow
def test_a_test_that_will_not_be_interrupted_costs_its_worker(project: Project) -> None:
    ran = run(project, "-n", "1", "-k", "swallows or behind")
    assert ran.outcomes == {"test_swallows": "timeout", "test_behind": "passed"}
    assert "in test_swallows" in ran.tests["test_swallows"]["details"]


@pytest.mark.slow
def test_a_fixture_that_hangs_is_interrupted_too(project: Project) -> None:
    tests = """
    import pytest, time
    @pytest.fixture
    def slow_teardown():
        yield
        time.sleep(60)
    @pytest.fixture
    def slow_setup():
        time.sleep(60)
    def test_teardown(slow_teardown): pass
    def test_setup(slow_setup): pass
    def test_behind(): pass
    """
    ran = run(project, tests=tests, grace=30.0)
    assert ran.outcomes == {"test_teardown": "timeout", "test_setup": "timeout", "test_behind": "passed"}
    assert [ran.tests[name]["phase"] for name in ("test_teardown", "test_setup")] == ["teardown", "setup"]


@pytest.mark.slow
def test_a_timeout_is_tried_again_only_where_that_is_asked_for(project: Project) -> None:
    tests = "import time\ncalls = []\ndef test_a():\n    calls.append(1)\n    if len(calls) < 2: time.sleep(60)"
    assert run(project, tests=tests, grace=30.0, retries=retries(1)).outcomes == {"test_a": "timeout"}
    for stream in project.inbox.iterdir():
        stream.unlink()
    asked = run(project, tests=tests, grace=30.0, retries=retries(1, on=["timeout"]))
    assert asked.outcomes == {"test_a": "flaky"}
    assert [one["outcome"] for one in asked.tests["test_a"]["attempts"]] == ["timeout"]


def test_a_test_that_uses_the_alarm_itself_is_left_alone(project: Project) -> None:
    tests = """
    import signal, time
    def test_a():
        seen = []
        before = signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        while not seen: pass
        signal.signal(signal.SIGALRM, before)
    def test_b(): pass
    """
    assert run(project, tests=tests, grace=30.0).outcomes == {"test_a": "passed", "test_b": "passed"}


@pytest.mark.slow
def test_a_period_alone_takes_no_limit_away(project: Project) -> None:
    project.write(test_it="import time\ndef test_sleeps(): time.sleep(60)\ndef test_behind(): pass")
    slow = layer(slow_timeout={"period": 30.0, "terminate_after": None, "grace": 10.0})
    ran = project.injected("-n", "1", settings={"rules": [slow], "test_timeout": 0.3})
    assert ran.outcomes == {"test_sleeps": "timeout", "test_behind": "passed"}
