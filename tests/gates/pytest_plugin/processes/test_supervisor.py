"""Sessions without workers: a second process goes on where the first one died."""

from __future__ import annotations

import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from gates.portable.rules import NONE, Override, RuleBook
from gates.pytest_plugin.processes.crashes import how_it_ended, limit_of
from tests.gates.run.waiting import is_dead, wait_for

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project, Ran

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="supervised by fork")

LIMIT = {"period": 0.4, "terminate_after": 1, "grace": 0.3}


def supervised(project: Project, *args: str, rules: dict[str, Any] | None = None, **settings: Any) -> Ran:
    told = {"supervise": True, "rules": RuleBook([Override("test", "", rules or {})]).to_json(), **settings}
    return project.injected(*args, settings=told)


KILLERS = {
    "a signal": ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL (by hand, or by the system"),
    "a fault": ("ctypes.string_at(0)", "killed by SIGSEGV"),
    "an exit": ("os._exit(7)", "exited with code 7"),
    "an exit that looks well": ("os._exit(0)", "exited with code 0"),
    "an abort": ("os.abort()", "killed by SIGABRT"),
}


@pytest.mark.parametrize("how", KILLERS)
def test_a_test_that_kills_its_process_is_one_crash_and_all_others_run_once(project: Project, how: str) -> None:
    code, said = KILLERS[how]
    project.write(
        test_it=f"""
        import ctypes, os, signal
        import pytest

        def note(name):
            with open("ran.txt", "a") as file:
                file.write(name + "\\n")

        @pytest.fixture(scope="module")
        def shared():
            note("shared")

        def test_before(shared): note("before")
        def test_fails(): assert 0, "as ever"
        @pytest.mark.parametrize("n", [1, 2])
        def test_kills(n, shared):
            print("last words")
            {code}
        class TestAfter:
            def test_it(self, shared): note("after")
        @pytest.mark.skip(reason="not today")
        def test_skipped(): pass
        """
    )
    ran = supervised(project, "--junitxml=own.xml")
    assert ran.exit_code == 1, ran.output
    assert ran.outcomes == {
        "test_before": "passed",
        "test_fails": "failed",
        "test_kills[1]": "crashed",
        "test_kills[2]": "crashed",
        "TestAfter::test_it": "passed",
        "test_skipped": "skipped",
    }
    crashed = ran.tests["test_kills[1]"]
    assert crashed["message"].startswith("the test process died while running 'test_it.py::test_kills[1]': " + said)
    assert crashed["stdout"] == "last words\n"
    assert (project.root / "ran.txt").read_text().split() == ["shared", "before", "shared", "shared", "after"]
    assert len(ran.of("finish")) == 1
    # pytest itself, and plugins that count, know of all of them.
    assert "3 failed, 2 passed, 1 skipped" in ran.output
    assert len(list(ET.parse(project.root / "own.xml").iter("testcase"))) == 6


def test_a_crash_in_teardown_does_not_hide_the_failure_before_it(project: Project) -> None:
    project.write(
        test_it="""
        import os, pytest

        @pytest.fixture
        def deadly():
            yield
            os._exit(4)

        def test_it(deadly): assert 0, "the call"
        """
    )
    crashed = supervised(project).tests["test_it"]
    assert (crashed["outcome"], crashed["phase"]) == ("crashed", "teardown")
    assert "--- call, before that ---" in crashed["details"]
    assert "the call" in crashed["details"]


@pytest.mark.slow
def test_a_test_that_only_the_end_of_its_process_ends_takes_its_children_along(project: Project) -> None:
    project.write(
        test_it="""
        import os, signal, subprocess, time

        def test_hangs():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM, signal.SIGTERM])
            forked = os.fork()
            if not forked:
                time.sleep(600)
            left = subprocess.Popen(["sleep", "600"], start_new_session=True)
            with open("pids.txt", "w") as file:
                file.write(f"{os.getpid()} {forked} {left.pid}")
            time.sleep(600)

        def test_after(): pass
        """
    )
    ran = supervised(project, rules={"slow_timeout": LIMIT})
    assert ran.outcomes == {"test_hangs": "timeout", "test_after": "passed"}
    assert "in test_hangs" in ran.tests["test_hangs"]["details"]
    for pid in map(int, (project.root / "pids.txt").read_text().split()):
        wait_for(partial(is_dead, pid), f"for the end of {pid}")


def test_a_process_that_dies_before_any_test_is_not_started_for_ever(project: Project) -> None:
    project.write(
        conftest="""
        import os

        def pytest_runtestloop(session):
            os._exit(5)
        """,
        test_it="def test_it(): pass",
    )
    ran = supervised(project)
    assert ran.exit_code == 5
    assert not ran.of("finish")


def test_a_process_that_dies_behind_all_tests_ends_the_session_as_it_ended(project: Project) -> None:
    project.write(
        conftest="""
        import os

        def pytest_sessionfinish():
            os._exit(6)
        """,
        test_it="def test_it(): pass",
    )
    ran = supervised(project)
    assert (ran.exit_code, ran.outcomes) == (6, {"test_it": "passed"})
    assert not ran.of("finish")


def test_what_a_session_seeds_before_its_tests_holds_in_them(project: Project) -> None:
    project.write(
        conftest="import random\nrandom.seed(7)\n",
        test_it="import random\ndef test_it(): assert random.random() == random.Random(7).random()",
    )
    assert supervised(project).outcomes == {"test_it": "passed"}


def test_a_collection_that_left_threads_running_is_not_forked(project: Project) -> None:
    project.write(
        conftest="""
        import threading
        threading.Thread(target=threading.Event().wait, name="keeper", daemon=True).start()
        """,
        test_it="import os, threading\ndef test_it(): assert threading.active_count() == 2",
    )
    ran = supervised(project)
    assert ran.outcomes == {"test_it": "passed"}
    assert "gates: the tests run unsupervised: the collection left threads running: keeper" in ran.output


RETRIED = """
    import os
    from pathlib import Path

    def test_crashes_once():
        if not Path("mark").exists():
            Path("mark").touch()
            os._exit(3)

    def test_crashes_always(): os._exit(3)
    def test_after(): pass
    """


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "1"), ("-n", "2", "--dist", "worksteal")], ids=["alone", "1", "steal"])
def test_a_crash_is_tried_once_more_alone_where_retries_ask_for_it(project: Project, options: tuple[str, ...]) -> None:
    project.write(test_it=RETRIED)
    ran = supervised(project, *options, rules={"retries": {**NONE, "count": 3, "on": ["crashed"]}})
    assert ran.outcomes == {"test_crashes_once": "flaky", "test_crashes_always": "crashed", "test_after": "passed"}
    for name in ("test_crashes_once", "test_crashes_always"):
        (attempt,) = ran.tests[name]["attempts"]
        assert attempt["outcome"] == "crashed"
        assert "exited with code 3" in attempt["message"]
    assert "its own process died" in ran.tests["test_crashes_always"]["message"]


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_crash_is_not_tried_again_where_retries_do_not_name_it(project: Project, options: tuple[str, ...]) -> None:
    project.write(test_it=RETRIED)
    ran = supervised(project, *options, rules={"retries": {**NONE, "count": 3, "on": ["failed"]}})
    assert ran.outcomes == {"test_crashes_once": "crashed", "test_crashes_always": "crashed", "test_after": "passed"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, "died"),
        (3, "exited with code 3"),
        (-signal.SIGSEGV, "killed by SIGSEGV"),
        (-signal.SIGKILL, "killed by SIGKILL (by hand, or by the system when memory ran out)"),
        (-250, "killed by signal 250"),
    ],
)
def test_how_a_process_ended_is_said(code: int | None, words: str) -> None:
    assert how_it_ended(code) == words


def test_the_limit_stands_in_the_dump() -> None:
    assert limit_of("Timeout (0:01:02.500000)!\nThread") == 62.5
    assert limit_of("Fatal Python error") is None


def test_xdist_ends_what_a_dead_worker_forked(project: Project) -> None:
    """A forked child holds the worker's pipe open: without its end, xdist would never hear of the worker's."""
    project.write(
        test_it="""
        import os, time

        def test_dies():
            forked = os.fork()
            if not forked:
                time.sleep(600)
            with open("pid.txt", "w") as file:
                file.write(str(forked))
            os._exit(1)

        def test_after(): pass
        """
    )
    ran = project.injected("-n", "1")
    assert ran.outcomes == {"test_dies": "crashed", "test_after": "passed"}
    pid = int((project.root / "pid.txt").read_text())
    wait_for(partial(is_dead, pid), f"for the end of {pid}")


def test_a_test_that_kills_the_process_above_its_own_is_not_tried_for_ever(project: Project) -> None:
    project.write(
        test_it="""
        import os, signal
        from pathlib import Path

        def test_kills_its_parent():
            first = not Path("mark").exists()
            Path("mark").touch()
            os.kill(os.getpid() if first else os.getppid(), signal.SIGKILL)

        def test_after(): pass
        """
    )
    ran = supervised(project, rules={"retries": {**NONE, "count": 5, "on": ["crashed"]}})
    assert ran.outcomes == {"test_kills_its_parent": "crashed", "test_after": "passed"}
