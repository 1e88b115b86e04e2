from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gates.portable.protocol import asked_path
from gates.run.stall import DUMPING, MARGIN, PATIENCE, Stall, patience_of
from gates.run.test_process import Finish, PytestProcess
from tests.gates.run.making import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable

STREAM = Path("/nowhere/pytest-1-abcd.jsonl")


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def process(running: dict[str, Any], path: Path = STREAM, **more: Any) -> PytestProcess:
    """One whose tests were collected, and which runs or waits for some."""
    found = PytestProcess("test", 0, path, NOTHING)
    found.start = {"pid": 1}
    found.collection_complete = True
    found.running = {name: one for name, one in running.items() if "group" not in one and "script" not in one}
    found.waiting = {name: one for name, one in running.items() if name not in found.running}
    for name, value in more.items():
        setattr(found, name, value)
    return found


def said(running: list[PytestProcess], *, after: float, patience: float = 10.0) -> str:
    """Why a gate must end in which nothing has moved for so many seconds."""
    clock = Clock()
    stall = Stall(patience, clock, clock)
    clock.now += after
    assert stall.why(running) == "", "their stacks have time to come"
    clock.now += DUMPING
    return stall.why(running)


@pytest.mark.parametrize(
    ("asked", "timeout", "seconds"),
    [(None, 60.0, PATIENCE), (None, 1800.0, PATIENCE), (None, 7200.0, 2400.0), (5.0, 7200.0, 5.0)],
)
def test_a_gate_that_has_hours_has_slow_tests(asked: float | None, timeout: float, seconds: float) -> None:
    assert patience_of(asked, timeout) == seconds


def test_a_gate_that_moves_is_left_alone() -> None:
    clock = Clock()
    stall = Stall(10.0, clock, clock)
    for _ in range(5):
        clock.now += 9.0
        assert stall.why([process({"test_a": {"time": 1000.0}})]) == ""
        stall.moved()


def test_the_suspects_are_named() -> None:
    running = {
        "a": {"time": 1000.0, "worker": "gw1"},
        "b": {"time": 1002.0, "group": "db"},
        "c": {"time": 1001.0, "script": "up"},
    }
    assert said([process(running)], after=10.0) == (
        "nothing moved for 10.0s: a has been running for 10.0s on gw1, "
        "b waits for the group db for 8.00s, c waits for the script up for 9.00s"
    )


def test_only_some_of_many_suspects_are_named() -> None:
    running = [process({f"t{number}": {"time": 1000.0} for number in range(8)})]
    assert said(running, after=11.0).endswith("t4 has been running for 11.0s, and 3 more")


def test_a_session_that_does_not_end_behind_its_tests_is_one_too() -> None:
    assert (
        said([process({})], after=10.0) == "nothing moved for 10.0s: no test is running, and the session does not end"
    )


@pytest.mark.parametrize(
    ("record", "ends"),
    [
        ({}, 60.0 + MARGIN),
        ({"script": "up"}, 60.0 + MARGIN),
        ({"alive": 1500.0}, 560.0 + MARGIN),
    ],
    ids=["a test", "a script", "another attempt"],
)
def test_what_has_a_limit_of_its_own_is_given_that_limit(record: dict[str, Any], ends: float) -> None:
    running = [process({"a": {"time": 1000.0, "limit": 60.0, **record}})]
    assert said(running, after=ends - 1) == ""
    assert said(running, after=ends) != ""


@pytest.mark.parametrize(
    "processes",
    [
        [],
        [process({}, collection_complete=False)],
        [process({}, finish=Finish(exit_code=0))],
        [process({"a": {"time": 1000.0, "group": "db"}})],
    ],
    ids=["no tests", "still collecting", "finished", "another gate's test has the place"],
)
def test_what_cannot_be_judged_has_the_timeout_of_its_gate(processes: list[PytestProcess]) -> None:
    assert said(processes, after=100_000.0) == ""


class TestStacks:
    """Of the processes that run tests."""

    @pytest.fixture
    def asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Processes that were asked; each writes at once into the file of its worker."""
        found: list[int] = []

        def kill(pid: int, number: int) -> None:
            assert number == signal.SIGUSR2
            found.append(pid)
            with asked_path(tmp_path / "pytest-1-abcd.jsonl", f"gw{pid % 10}").open("a") as file:
                file.write(f"stacks of {pid}")

        monkeypatch.setattr(os, "kill", kill)
        return found

    @pytest.fixture
    def listening(self, tmp_path: Path) -> Callable[..., PytestProcess]:
        """A session whose workers understand the signal, all but those that are named."""

        def make(running: dict[str, Any], deaf: str = "", **more: Any) -> PytestProcess:
            stream = tmp_path / "pytest-1-abcd.jsonl"
            for worker in {"gw1", "gw2"} - {deaf}:
                asked_path(stream, worker).write_text("of an earlier time")
            return process(running, stream, **more)

        return make

    def test_are_kept_for_the_tests_that_run(self, asked: list[int], listening: Callable[..., PytestProcess]) -> None:
        session = listening({"a": {"time": 1000.0, "worker": "gw1", "pid": 71}}, runners={"gw1": 71, "gw2": 72})
        assert said([session], after=10.0) != ""
        assert asked == [71]
        assert session.dumps == {"gw1": "stacks of 71"}

    def test_are_those_of_all_that_ran_tests_when_none_does(
        self, asked: list[int], listening: Callable[..., PytestProcess]
    ) -> None:
        session = listening({}, runners={"gw1": 71, "gw2": 72})
        assert said([session], after=10.0) != ""
        assert session.dumps == {"gw1": "stacks of 71", "gw2": "stacks of 72"}

    def test_are_not_asked_of_who_would_die_of_it(
        self, asked: list[int], listening: Callable[..., PytestProcess]
    ) -> None:
        session = listening({"a": {"time": 1000.0, "worker": "gw1", "pid": 71}}, deaf="gw1")
        assert said([session], after=10.0) != ""
        assert asked == []

    @pytest.mark.parametrize("pid", [0, -1, 1])
    def test_are_not_asked_of_strangers(
        self, asked: list[int], listening: Callable[..., PytestProcess], pid: int
    ) -> None:
        clock = Clock()
        stall = Stall(10.0, clock, clock, lambda pid: pid == 71)
        clock.now += 10.0
        stall.why([listening({"a": {"time": 1000.0, "worker": "gw1", "pid": pid}})])
        assert asked == []

    def test_are_not_the_end_when_something_moves_after_all(
        self, asked: list[int], listening: Callable[..., PytestProcess]
    ) -> None:
        clock = Clock()
        stall = Stall(10.0, clock, clock)
        running = [listening({"a": {"time": 1000.0, "worker": "gw1", "pid": 71}})]
        clock.now += 10.0
        assert stall.why(running) == ""
        stall.moved()
        clock.now += 9.0
        assert stall.why(running) == ""
        clock.now += 1.0
        assert stall.why(running) == ""
        clock.now += DUMPING
        assert stall.why(running) != ""
        assert running[0].dumps == {"gw1": "stacks of 71"}, "and not those of the first time"
