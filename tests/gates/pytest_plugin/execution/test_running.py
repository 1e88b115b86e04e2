"""What the process of the tests guards itself against."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from gates.portable.rules import Retries, Rules, SlowTimeout
from gates.pytest_plugin.execution.running import ALIVE_PERIOD, Announcer
from tests.gates.pytest_plugin.execution.test_retries import layer

if TYPE_CHECKING:
    from tests.gates.pytest_plugin.conftest import Project

BOTH = pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
MIB = 1 << 20
SUPERVISED = {"supervise": True}


@BOTH
def test_a_forked_child_that_returns_from_its_test_goes_no_further(project: Project, options: tuple[str, ...]) -> None:
    project.write(
        test_it="""
        import os, pytest

        @pytest.fixture
        def noted():
            yield
            with open("downs.txt", "a") as file:
                file.write(f"{os.getpid()}\\n")

        def test_first(noted):
            child = os.fork()
            if child:
                os.waitpid(child, 0)

        def test_second(): pass
        """
    )
    ran = project.injected("-W", "ignore", *options, settings=SUPERVISED)
    assert ran.outcomes == {"test_first": "passed", "test_second": "passed"}
    assert ran.exit_code == 0
    assert len((project.root / "downs.txt").read_text().splitlines()) == 1


@BOTH
@pytest.mark.parametrize(
    ("ends", "code", "said"),
    [
        ("assert child", 1, ["test_it.py:5: AssertionError: assert 0"]),
        ("raise SystemExit(3)", 3, []),
        ("raise SystemExit", 0, []),
        ("raise SystemExit('no')", 1, []),
        ("pytest.skip('x')", 0, []),
    ],
)
def test_what_a_forked_child_raises_is_no_secret(
    project: Project, options: tuple[str, ...], ends: str, code: int, said: list[str]
) -> None:
    body = f"child = os.fork()\n    if not child:\n        {ends}"
    body += f"\n    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == {code}"
    project.write(test_it=f"import os, pytest\ndef test_first():\n    {body}\ndef test_second(): pass\n")
    ran = project.injected("-W", "ignore", *options, settings=SUPERVISED)
    assert ran.outcomes == {"test_first": "passed", "test_second": "passed"}
    assert [record["message"] for record in ran.of("forked")] == said


@pytest.mark.slow
@BOTH
def test_threads_that_tests_left_do_not_keep_the_session_from_ending(
    project: Project, options: tuple[str, ...]
) -> None:
    project.write(
        test_it="""
        import threading

        def test_leaves(): threading.Thread(target=threading.Event().wait, name="keeper").start()
        def test_fails(): assert 0
        """,
        conftest="from _gates_injected.pytest_plugin.execution import running\nrunning.THREAD_PATIENCE = 0.1\n",
    )
    ran = project.injected(*options, settings=SUPERVISED)
    assert ran.exit_code == 1
    assert ran.outcomes == {"test_leaves": "passed", "test_fails": "failed"}
    assert "gates: ended, though threads of the tests still ran: keeper" in ran.output


@pytest.mark.slow
@BOTH
def test_the_process_of_the_tests_says_what_memory_it_took_at_most(project: Project, options: tuple[str, ...]) -> None:
    project.write(
        test_it="""
        def test_takes(): assert len(b"x" * (200 << 20))
        def test_takes_little(): pass
        """
    )
    ran = project.injected(*options, settings=SUPERVISED)
    peaks = {record["worker"]: record["bytes"] for record in ran.of("peak")}
    assert set(peaks) == ({"gw0"} if options else {""})
    assert 200 * MIB < max(peaks.values()) < 400 * MIB


# Signs of life


class Announced:
    """An announcer whose clock and stream belong to the test."""

    def __init__(self, rules: Rules | None = None, test_timeout: float | None = None) -> None:
        self.now = 100.0
        self.records: list[dict[str, Any]] = []
        self.item = cast("pytest.Item", type("Item", (), {"nodeid": "a"})())
        known = {self.item: rules} if rules is not None else {}
        self.announcer = Announcer(
            cast("Any", self), "gw1", cast("Any", None), known, test_timeout, clock=lambda: self.now
        )

    def write(self, kind: str, **fields: Any) -> None:
        self.records.append({"type": kind, **fields})


def test_a_test_with_thousands_of_attempts_says_once_in_a_while_that_it_goes_on() -> None:
    told = Announced()
    told.announcer.pytest_runtest_protocol(told.item)
    for _ in range(40):
        told.now += ALIVE_PERIOD / 16
        told.announcer.pytest_runtest_logreport(cast("Any", SimpleNamespace(outcome="rerun")))
        told.announcer.pytest_runtest_logreport(cast("Any", SimpleNamespace(outcome="passed")))
    assert [record["type"] for record in told.records] == ["running", "alive", "alive"]
    assert [record["time"] for record in told.records] == [100.0, 101.0, 102.0]
    told.announcer.alive(pid=7)
    assert told.records[-1] == {"type": "alive", "worker": "gw1", "time": told.now, "pid": 7}, "never too early"


@pytest.mark.parametrize(
    ("rules", "test_timeout", "limit"),
    [
        (Rules(), None, None),
        (Rules(), 60.0, 60.0),
        (Rules(slow_timeout=SlowTimeout(10.0, 2, 5.0)), 60.0, 25.0),
        (Rules(retries=Retries(3, delay=4.0)), 60.0, 64.0),
        (Rules(retries=Retries(3, "exponential", delay=4.0)), 60.0, 76.0),
        (Rules(retries=Retries(9999, "exponential", delay=4.0, max_delay=30.0)), 60.0, 90.0),
        (Rules(retries=Retries(3, delay=4.0)), None, None),
    ],
)
def test_a_limit_is_that_of_an_attempt_and_of_the_delay_behind_it(
    rules: Rules, test_timeout: float | None, limit: float | None
) -> None:
    told = Announced(rules, test_timeout)
    told.announcer.pytest_runtest_protocol(told.item)
    assert told.records[0].get("limit") == limit


# Stacks


ASKS = """
import os, pathlib, signal, threading

def asked():
    return [path.read_text() for path in pathlib.Path("../inbox").glob("asked-*.txt")]

def test_asks():
    before = asked()
    os.kill(os.getpid(), signal.SIGUSR2)
    (text,) = asked()
    assert before == [""]
    assert "in test_asks" in text

def test_asks_again():
    os.kill(os.getpid(), signal.SIGUSR2)
    (text,) = asked()
    assert text.endswith("\\n") and "in test_asks_again" in text
"""


@BOTH
@pytest.mark.parametrize("how", ["no", "fork", "spawn"])
def test_who_runs_tests_leaves_its_stacks_where_the_runner_looks_for_them(
    project: Project, options: tuple[str, ...], how: str
) -> None:
    project.write(test_it=ASKS)
    rules = [] if how == "no" else [layer("test(=test_asks)", isolate=how)]
    ran = project.injected(*options, settings={"supervise": True, "rules": rules})
    assert ran.outcomes == {"test_asks": "passed", "test_asks_again": "passed"}, ran.output
    assert not list(ran.inbox.glob("asked-*")), "nobody understands the signal any more"
    assert {record["pid"] for record in ran.of("alive")} == set() or how != "no"


@BOTH
def test_who_has_a_use_of_its_own_for_the_signal_keeps_it(project: Project, options: tuple[str, ...]) -> None:
    project.write(
        conftest="""
        import signal
        caught = []
        signal.signal(signal.SIGUSR2, lambda number, frame: caught.append(number))
        """,
        test_it="""
        import os, pathlib, signal
        from conftest import caught

        def test_own():
            assert not list(pathlib.Path("../inbox").glob("asked-*"))
            os.kill(os.getpid(), signal.SIGUSR2)
            assert caught
        """,
    )
    ran = project.injected(*options, settings=SUPERVISED)
    assert ran.outcomes == {"test_own": "passed"}, ran.output
