from __future__ import annotations

import os
import signal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from gates.run.stall import DUMPING, MARGIN, Stall

if TYPE_CHECKING:
    import pytest

    from gates.run.inbox import PytestProcess


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def process(running: dict[str, Any], exit_code: int | None = None, *, collected: bool = True) -> PytestProcess:
    found = SimpleNamespace(
        start={"pid": 1}, exit_code=exit_code, collection_complete=collected, running=running, waiting={}
    )
    return cast("PytestProcess", found)


def test_a_gate_that_moves_is_left_alone() -> None:
    clock = Clock()
    stall = Stall(10.0, clock, clock)
    for _ in range(5):
        clock.now += 9.0
        assert stall.why([process({"test_a": {"time": 1000.0}})]) == ""
        stall.moved()


def test_the_suspects_are_named_once_their_stacks_had_time_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: asked.append((pid, number)))
    clock = Clock()
    stall = Stall(10.0, clock, clock)
    running = [process({"a": {"time": 1000.0, "worker": "gw1", "pid": 77}, "b": {"time": 1002.0, "group": "db"}})]
    clock.now += 10.0
    assert stall.why(running) == ""
    assert asked == [(77, signal.SIGUSR2)]
    stall.moved()  # the stacks
    clock.now += DUMPING
    said = "nothing moved for 10.0s: a has been running for 10.0s on gw1, b waits for the group db for 8.00s"
    assert stall.why(running) == said


def test_a_test_with_a_limit_of_its_own_is_given_that_limit() -> None:
    clock = Clock()
    stall = Stall(10.0, clock, clock)
    running = [process({"a": {"time": 1000.0, "limit": 60.0}})]
    clock.now = 1000.0 + 60.0 + MARGIN - 1
    assert stall.why(running) == ""
    clock.now += 1
    stall.why(running)
    clock.now += DUMPING
    assert stall.why(running).endswith("a has been running for 1m 30s")


def test_gates_without_test_processes_and_those_that_collect_are_judged_by_their_timeout() -> None:
    clock = Clock()
    stall = Stall(10.0, clock, clock)
    clock.now += 1000.0
    assert stall.why([]) == ""
    assert stall.why([process({}, collected=False)]) == ""
    assert stall.why([process({}, exit_code=0)]) == ""


def test_only_some_of_many_suspects_are_named() -> None:
    clock = Clock()
    stall = Stall(1.0, clock, clock)
    running = [process({f"t{number}": {"time": 1000.0} for number in range(8)})]
    clock.now += 2.0
    stall.why(running)
    clock.now += DUMPING
    assert stall.why(running).endswith("t4 has been running for 2.00s, and 3 more")
