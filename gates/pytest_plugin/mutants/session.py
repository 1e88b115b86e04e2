"""Takes the place of pytest's loop over the tests: records them once, then tries faults until the budget is spent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ...portable.originals import os, shutil, time
from ..process_tree import adopt_orphans, children_of, end_orphans
from ..processes.forking import why_no_fork
from .child import Child
from .code import Code
from .order import Answers, Order, Planted
from .recording import SHARE, Known, record
from .trying import Trier


class MutantSession:
    """Tries the faults of an order. The session ends without a summary: its own tests never ran in this process."""

    def __init__(self, config: pytest.Config, order: Order) -> None:
        self._config, self._order = config, order
        self._answers = Answers(order.answers)
        self._ends = 0.0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of running the tests."""
        self._ends = time.monotonic() + self._order.seconds
        why = self._why_not(session)
        if why:
            self._answers.write("unable", why=why)
        else:
            self._try_all(_sorted(session.items, self._order.near, self._config))
        # What other plugins would do now (write coverage, JUnit, caches) is about tests that ran here. None did.
        os._exit(0)

    @staticmethod
    def _why_not(session: pytest.Session) -> str:
        if session.testsfailed:
            return "some tests cannot be collected"
        return why_no_fork()

    def _try_all(self, items: Sequence[pytest.Item]) -> None:
        order, own = self._order, children_of(os.getpid())
        self._answers.write("tests", of=len(items))
        if not items:
            self._answers.write("end", left=0)
            return
        adopt_orphans()
        probes: dict[str, dict[tuple[int, int], int]] = {}
        numbers: dict[tuple[str, tuple[int, int]], int] = {}
        for fault in order.faults:
            number = numbers.setdefault((fault.path, fault.probe), len(numbers))
            probes.setdefault(fault.path, {})[fault.probe] = number
        code, folder = Code(order.root, order.texts), f"{order.scratch}/r"
        known = record(
            Child(self._config, folder, order.scratch), items, code, order.texts, probes, order.seconds * SHARE
        )
        _clear(folder, own)
        names = [item.nodeid for item in items]
        for number, seconds in known.seconds.items():
            self._answers.write("test", id=names[number], failed=False, seconds=seconds)
        for number in known.failed:
            self._answers.write("test", id=names[number], failed=True, seconds=0.0)
        self._answers.write("recorded", left=[names[number] for number in sorted(known.left)], ended=known.ended)
        reach = {fault.id: known.reached.get(numbers[fault.path, fault.probe], set()) for fault in order.faults}
        queue = Queue(
            order.faults, {name for name, tests in reach.items() if tests & known.seconds.keys()}, order.at_a_time
        )
        trier = Trier(Child(self._config, f"{order.scratch}/m", order.scratch), items, code, order.texts, known)
        while time.monotonic() < self._ends and queue:
            fault = queue.next()
            tests = _by_speed(reach[fault.id] & known.seconds.keys(), items, known)
            tried = trier.attempt(fault, tests)
            _clear(f"{order.scratch}/m", own)
            if tried.finding == "unknown" and queue.instead(fault):
                continue
            killer = names[tried.killed_by] if tried.killed_by >= 0 else ""
            self._answers.write(
                "mutant", id=fault.id, finding=tried.finding, killed_by=killer, reason=tried.reason, seconds=tried.seconds,
                tests=[names[number] for number in tried.tests or tests],
            )  # fmt: skip
        self._answers.write("end", left=queue.left())


class Queue:
    """Which fault comes next: one per line, a few of a file at a time, the most promising first."""

    def __init__(self, faults: Sequence[Planted], reached: set[str], at_a_time: int) -> None:
        self._waiting = [fault for fault in faults if fault.id in reached]
        self._at_a_time = at_a_time
        self._done: set[tuple[str, int]] = set()
        self._round: list[Planted] = []

    def __bool__(self) -> bool:
        """Whether there is a next one."""
        if not self._round:
            self._begin()
        return bool(self._round)

    def next(self) -> Planted:
        """The next one, if there is one."""
        fault = self._round.pop(0)
        self._waiting.remove(fault)
        return fault

    def _begin(self) -> None:
        counts: dict[str, int] = {}
        for fault in self._waiting:
            place = (fault.path, fault.line)
            if place not in self._done and counts.get(fault.path, 0) < self._at_a_time:
                counts[fault.path] = counts.get(fault.path, 0) + 1
                self._done.add(place)
                self._round.append(fault)

    def instead(self, fault: Planted) -> bool:
        """Let another fault of the line be next, because this one could not be tried; return whether there is one."""
        for other in self._waiting:
            if (other.path, other.line) == (fault.path, fault.line):
                self._round.insert(0, other)
                return True
        return False

    def left(self) -> int:
        """How many lines with a fault to try are left."""
        lines = {(fault.path, fault.line) for fault in self._waiting} - self._done
        return len(lines) + len(self._round)


def _sorted(items: Sequence[pytest.Item], near: Any, config: pytest.Config) -> list[pytest.Item]:
    """The tests of the files that may reach a fault, the closest files first; within a file, the order stays."""
    if near is None:
        return list(dict.fromkeys(items))
    root = os.path.realpath(str(config.rootpath))
    places: dict[pytest.Item, int] = {}
    for item in items:
        file = os.path.relpath(os.path.realpath(str(item.path)), root).replace(os.sep, "/")
        place = near.get(file)
        if place is not None:
            places[item] = place
    return sorted(places, key=places.__getitem__)


def _by_speed(tests: set[int], items: Sequence[pytest.Item], known: Known) -> list[int]:
    """The closest file first, as the numbers say; within a file, the quickest test first."""
    files: dict[object, int] = {}
    for number in sorted(tests):
        files.setdefault(items[number].path, number)
    return sorted(tests, key=lambda number: (files[items[number].path], known.seconds[number], number))


def _clear(folder: str, own: Sequence[int]) -> None:
    end_orphans(own)
    shutil.rmtree(folder, ignore_errors=True)
