"""A test that kills its process or never ends costs one test, and leaves its stacks."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from gates.pytest_plugin.processes.distribution import _survive_death

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project

KILLERS = """
import ctypes, os, threading, time
import pytest

@pytest.mark.parametrize("n", range(2))
def test_blocks(n):
    threading.Event().wait(300)

def test_exits():
    os._exit(3)

def test_segfaults():
    ctypes.string_at(0)

@pytest.fixture
def endless_teardown():
    yield
    time.sleep(300)

def test_fails_and_never_tears_down(endless_teardown):
    assert "the call" == 0

@pytest.mark.parametrize("n", range(12))
def test_fine(n):
    pass
"""


@pytest.mark.slow
@pytest.mark.parametrize("dist", ["load", "worksteal"])
def test_under_xdist_each_killer_is_one_result_and_the_others_go_on(project: Project, dist: str) -> None:
    project.write(test_killers=KILLERS)

    ran = project.injected("-n", "2", "--dist", dist, settings={"test_timeout": 0.5})

    assert Counter(ran.outcomes.values()) == {"timeout": 3, "crashed": 2, "passed": 12}
    assert len(ran.collected) == 17
    assert ran.of("finish")[0]["exit_code"] == 1
    blocked = ran.tests["test_blocks[1]"]
    assert blocked["message"] == "timed out after 0.5s"
    assert blocked["phase"] == "call"
    assert "Thread 0x" in blocked["details"]
    assert "test_killers.py" in blocked["details"]
    assert 0.5 <= blocked["duration"] < 5
    assert blocked["worker"].startswith("gw")
    assert blocked["line"] == 5
    teardown = ran.tests["test_fails_and_never_tears_down"]
    assert teardown["phase"] == "teardown"
    assert "--- call, before that ---" in teardown["details"]
    assert "the call" in teardown["details"]
    exited, fault = ran.tests["test_exits"], ran.tests["test_segfaults"]
    said = f"worker '{exited['worker']}' crashed while running 'test_killers.py::test_exits': exited with code 3"
    assert exited["message"] == said
    assert "Fatal Python error: Segmentation fault" in fault["details"]
    assert "timed out after 0.5s" in ran.output
    assert [path.suffix for path in ran.inbox.iterdir()] == [".jsonl"]


@pytest.mark.slow
def test_without_xdist_a_timeout_leaves_the_stacks_beside_a_stream_without_finish(project: Project) -> None:
    project.write(
        test_one="""
        import time
        def test_fine(): pass
        def test_blocks(): time.sleep(300)
        def test_after(): pass
        """
    )

    ran = project.injected(settings={"test_timeout": 0.3})

    assert ran.exit_code == 1
    assert ran.outcomes == {"test_fine": "passed"}
    assert not ran.of("finish")
    assert ran.of("running")[-1]["id"] == "test_one.py::test_blocks"
    (stacks,) = ran.inbox.glob("stacks-*.txt")
    (stream,) = ran.inbox.glob("pytest-*.jsonl")
    assert stacks.stem.partition("-")[2] == stream.stem.partition("-")[2]
    assert stacks.read_text().startswith("Timeout (0:00:00.3")
    assert "in test_blocks" in stacks.read_text()


def test_without_xdist_a_timeout_that_is_not_needed_leaves_nothing(project: Project) -> None:
    project.write(test_one="def test_fine(): pass")
    ran = project.injected(settings={"test_timeout": 60})
    assert ran.exit_code == 0
    assert [path.suffix for path in ran.inbox.iterdir()] == [".jsonl"]


@pytest.mark.slow
def test_a_plain_pytest_with_a_timeout_shows_the_stacks(project: Project) -> None:
    project.write(test_one="import time\ndef test_blocks(): time.sleep(300)")
    ran = project.plain("--test-timeout", "300ms")
    assert ran.exit_code == 1
    assert "in test_blocks" in ran.output


@pytest.mark.slow
def test_a_plain_pytest_under_xdist_reports_timeouts_as_failures(project: Project) -> None:
    project.write(test_one="import time\ndef test_blocks(): time.sleep(300)\ndef test_fine(): pass")
    ran = project.plain("--test-timeout", "0.3", "-n1")
    assert "FAILED test_one.py::test_blocks - timed out after 0.3s" in ran.output
    assert "1 failed, 1 passed" in ran.output


@pytest.mark.slow
def test_a_timeout_wins_over_pytest_s_own_fault_handler_timeout(project: Project) -> None:
    project.write_file("pytest.ini", "[pytest]\nfaulthandler_timeout = 60\n")
    project.write(test_one="import time\ndef test_blocks(): time.sleep(300)")
    ran = project.injected("-n1", settings={"test_timeout": 0.3})
    assert ran.outcomes == {"test_blocks": "timeout"}


@pytest.mark.parametrize("text", ["0", "-1", "soon", "nan"])
def test_a_wrong_timeout_is_refused(project: Project, text: str) -> None:
    ran = project.plain(f"--test-timeout={text}")
    assert ran.exit_code == 4
    assert "--test-timeout" in ran.output
    assert "Traceback" not in ran.output


@pytest.mark.slow
def test_more_crashes_than_xdist_allows_lose_no_test(project: Project) -> None:
    project.write(
        test_many="""
        import os, pytest
        @pytest.mark.parametrize("n", range(7))
        def test_it(n):
            if n != 6:
                os._exit(1)
        """
    )
    ran = project.injected("-n", "1")  # for which xdist allows four
    assert Counter(ran.outcomes.values()) == {"crashed": 6, "passed": 1}


@pytest.mark.slow
def test_a_limit_of_worker_restarts_that_the_user_set_is_kept(project: Project) -> None:
    project.write(
        test_many="""
        import os, pytest
        @pytest.mark.parametrize("n", range(6))
        def test_it(n): os._exit(1)
        """
    )
    ran = project.injected("-n", "1", "--max-worker-restart", "2")
    assert Counter(ran.outcomes.values()) == {"crashed": 3, "not-run": 3}
    assert len(ran.of("finish")) == 1


@pytest.mark.slow
def test_workers_that_die_while_they_collect_end_the_session(project: Project) -> None:
    project.write(test_one="import os\nos._exit(1)\ndef test_it(): pass")
    ran = project.injected("-n", "1")
    assert ran.exit_code != 0
    assert not ran.of("test")
    assert ran.of("finish")


@pytest.mark.slow
def test_a_worker_that_dies_behind_a_test_changes_nothing_about_it(project: Project) -> None:
    project.write(
        conftest="""
        import os, time

        def pytest_runtest_logfinish(nodeid):
            if "PYTEST_XDIST_WORKER" in os.environ and nodeid.endswith("test_first"):
                time.sleep(0.3)
                os._exit(1)
        """,
        test_it="def test_first(): pass\ndef test_second(): pass",
    )
    ran = project.injected("-n", "1")
    assert ran.outcomes == {"test_first": "passed", "test_second": "passed"}
    assert ran.of("finish")[0]["exit_code"] == 1


def test_a_forked_child_that_comes_back_into_pytest_writes_nothing(project: Project) -> None:
    project.write(
        test_it="""
        import os

        def test_first():
            child = os.fork()
            if child:
                os.waitpid(child, 0)

        def test_second(): pass
        """
    )
    ran = project.injected("-W", "ignore")
    assert ran.outcomes == {"test_first": "passed", "test_second": "passed"}
    assert len(ran.of("finish")) == 1


def test_a_worker_that_dies_while_it_is_given_tests_does_not_end_the_session() -> None:
    class Node:
        """A worker of xdist whose process has just died."""

        def sendcommand(self, name: str, **arguments: object) -> None:
            raise OSError(f"cannot send {name} {arguments} (already closed?)")

    node = Node()
    _survive_death(node)
    node.sendcommand("runtests", indices=[1])
