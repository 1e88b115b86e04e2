"""Slots of several processes: never more than there are, and nobody waits for ever."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gates.pytest_plugin.execution import semaphores as module
from gates.pytest_plugin.execution.semaphores import Semaphore
from tests.gates.run.waiting import is_dead, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

# Without the plugin around it, which would load pytest.
START = f"""
import os, random, sys, time, types
folder = {str(Path(module.__file__).parents[2])!r}
for name in ("gates", "gates.pytest_plugin", "gates.pytest_plugin.execution"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [os.path.join(folder, *name.split(".")[1:])]
from gates.pytest_plugin.execution.semaphores import Semaphore
"""

OBEY = """
slots = Semaphore(sys.argv[1], int(sys.argv[2]))
say = lambda word: print(word, flush=True)
for line in sys.stdin:
    word, *rest = line.split()
    if word == "take":
        slots.take(int(rest[0]), lambda: say("waits"))
        say("has")
    elif word == "give":
        slots.give_back()
        say("gave")
    elif word == "fork":
        child = os.fork()
        if not child:
            time.sleep(60)
        say(str(child))
"""


class Other:
    """Another process, which does what it is told."""

    def __init__(self, path: Path, size: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", START + OBEY, str(path), str(size)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def tell(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def take(self, count: int) -> str:
        self.tell(f"take {count}")
        return self.says()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "slots"


@pytest.fixture
def others(path: Path, request: pytest.FixtureRequest) -> Iterator[list[Other]]:
    """Three other processes; the marker `size` says how many slots there are."""
    started = [Other(path, request.node.get_closest_marker("parametrize").args[1][0]) for _ in range(3)]
    yield started
    for other in started:
        other.kill()


def slots_of(size: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("size", [size])


@slots_of(2)
def test_who_comes_too_late_waits_until_a_slot_is_given_back(others: list[Other], size: int) -> None:
    first, second, third = others
    assert (first.take(1), second.take(1), third.take(1)) == ("has", "has", "waits")
    second.tell("give")
    assert (second.says(), third.says()) == ("gave", "has")


@slots_of(1)
def test_a_killed_process_gives_its_slot_back_and_its_children_do_not_keep_it(others: list[Other], size: int) -> None:
    first, second, _ = others
    assert first.take(1) == "has"
    first.tell("fork")
    child = int(first.says())
    assert second.take(1) == "waits"
    first.process.kill()
    assert second.says() == "has"
    os.kill(child, signal.SIGKILL)


@slots_of(2)
def test_no_small_one_passes_a_big_one_that_waits(others: list[Other], size: int) -> None:
    holder, big, small = others
    assert (holder.take(1), big.take(2)) == ("has", "waits")
    assert small.take(1) == "waits", "one slot is free, but not for it"
    holder.tell("give")
    assert big.says() == "has"
    big.tell("give")
    assert (big.says(), small.says()) == ("gave", "has")


@slots_of(3)
def test_who_waits_for_many_keeps_what_becomes_free(others: list[Other], size: int) -> None:
    first, second, big = others
    assert (first.take(1), second.take(1), big.take(2)) == ("has", "has", "waits")
    first.tell("give")
    assert big.says() == "has"
    second.tell("give")
    assert (second.says(), second.take(1)) == ("gave", "has"), "the third one is free"


@slots_of(2)
def test_more_than_there_are_is_all_of_them(others: list[Other], size: int) -> None:
    assert (others[0].take(5), others[1].take(1)) == ("has", "waits")


class Stop(BaseException):
    """An interruption."""


def stop() -> None:
    raise Stop


@slots_of(3)
def test_who_is_interrupted_while_it_waits_leaves_nothing_behind(others: list[Other], path: Path, size: int) -> None:
    first, second, third = others
    assert first.take(1) == "has"
    own = Semaphore(str(path), size)
    with pytest.raises(Stop):
        own.take(3, stop)
    assert second.take(2) == "has"
    with pytest.raises(Stop):
        own.take(1, stop)
    second.tell("give")
    assert (second.says(), third.take(2)) == ("gave", "has"), "the turnstile is free again, too"


def test_a_circle_that_the_kernel_only_sees_among_threads_is_waited_out(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([OSError(errno.EAGAIN, "held"), OSError(errno.EDEADLK, "a circle"), None, None, None])

    class Kernel:
        LOCK_EX = LOCK_NB = LOCK_UN = 0

        @staticmethod
        def lockf(*_: int) -> None:
            answer = next(answers)
            if answer is not None:
                raise answer

    monkeypatch.setattr(module, "fcntl", Kernel)
    Semaphore(str(path), 1).take(1)
    assert next(answers, "all were asked for") == "all were asked for"


def test_a_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Semaphore(str(tmp_path / "gone" / "slots"), 1).take(1)


# Many at once

GROUP, THREADS, PROCESSES, ROUNDS = 2, 3, 6, 30

WORK = f"""
folder, seed = sys.argv[1], int(sys.argv[2])
group, threads = Semaphore(folder + "/group", {GROUP}), Semaphore(folder + "/threads", {THREADS})
log = os.open(folder + "/log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def say(what, count): os.write(log, f"{{os.getpid()}} {{what}} {{count}} {{time.monotonic_ns()}}\\n".encode())
dice = random.Random(seed)
for _ in range({ROUNDS}):
    grouped = dice.random() < 0.5
    if grouped: group.take(1); say("group", 1)
    count = dice.choice([1, 1, 2, {THREADS}])
    threads.take(count); say("threads", count)
    time.sleep(dice.random() * 0.002)
    say("threads", 0); threads.give_back()
    if grouped: say("group", 0); group.give_back()
"""


def peak(lines: list[str], kind: str, killed: dict[str, int]) -> int:
    """The most slots that were held at once; who was killed held its own up to that moment, at least."""
    changes = []
    holding: dict[str, int] = {}
    for line in lines:
        pid, what, count, moment = line.split()
        if what == kind:
            changes.append((int(moment), int(count) - holding.get(pid, 0)))
            holding[pid] = int(count)
    changes += [(moment, -holding[pid]) for pid, moment in killed.items() if holding.get(pid)]
    held = most = 0
    for _, change in sorted(changes):  # of the same moment those that give back first
        held += change
        most = max(most, held)
    return most


@pytest.mark.slow
def test_there_are_never_too_many_and_all_come_to_an_end_whoever_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    dice = random.Random(20)
    killed: dict[str, int] = {}

    def start(seed: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-I", "-S", "-c", START + WORK, str(tmp_path), str(seed)])

    def has_lines(number: int) -> bool:
        return log.exists() and log.read_bytes().count(b"\n") > number

    started = [start(seed) for seed in range(PROCESSES)]
    try:
        for number in range(1, 9):
            wait_for(partial(has_lines, 40 * number), "for some work")
            victim = dice.choice([process for process in started if process.poll() is None])
            moment = time.monotonic_ns()
            victim.kill()
            victim.wait()
            killed[str(victim.pid)] = moment
            started.append(start(100 + number))
        for process in started:
            code = process.wait(timeout=60)
            assert code == 0 or (code == -signal.SIGKILL and str(process.pid) in killed)
    finally:
        for process in started:
            process.kill()
            process.wait()
    done = log.read_text().splitlines()
    assert (peak(done, "group", killed), peak(done, "threads", killed)) == (GROUP, THREADS)
    assert all(is_dead(process.pid) for process in started)
