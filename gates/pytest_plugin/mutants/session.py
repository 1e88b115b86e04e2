"""Takes the place of pytest's loop over the tests: records them once, then tries faults until the budget is spent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from ...portable.originals import os, shutil, time
from ..process_tree import adopt_orphans, children_of, end_orphans
from ..processes.forking import why_no_fork
from .child import Child
from .code import Code
from .order import Answers, Order, Planted
from .queue import Queue
from .recording import SHARE, Known, record
from .trying import Tried, Trier


class MutantSession:
    """Tries the faults of an order. The session ends without a summary: its own tests never ran in this process."""

    def __init__(self, config: pytest.Config, order: Order) -> None:
        self._config, self._order = config, order
        self._answers = Answers(order.answers)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of running the tests."""
        ends = time.monotonic() + self._order.seconds
        why = self._why_not(session)
        if why:
            self._answers.write("unable", why=why)
        else:
            items = chosen(session.items, self._order, str(self._config.rootpath))
            self._answers.write("tests", of=len(items))
            _Attempts(self._config, self._order, self._answers, items, ends).run()
        # What other plugins would do now (write coverage, JUnit, caches) is about tests that ran here. None did.
        os._exit(0)

    @staticmethod
    def _why_not(session: pytest.Session) -> str:
        if session.testsfailed and not getattr(session.config.option, "continue_on_collection_errors", False):
            return "some tests cannot be collected"
        return why_no_fork()


class _Attempts:
    """The attempts of one session."""

    def __init__(
        self, config: pytest.Config, order: Order, answers: Answers, items: Sequence[pytest.Item], ends: float
    ) -> None:
        self._config, self._order, self._answers, self._items, self._ends = config, order, answers, items, ends
        self._names = [item.nodeid for item in items]
        self._own = children_of(os.getpid())
        self._code = Code(order.root, order.texts)
        self._probes: dict[str, dict[tuple[int, int], int]] = {}
        for number, place in enumerate(dict.fromkeys((fault.path, fault.probe) for fault in order.faults)):
            self._probes.setdefault(place[0], {})[place[1]] = number

    def run(self) -> None:
        """Record the tests, then try faults."""
        left = 0
        if self._items:
            adopt_orphans()
            known = self._recorded()
            trier = Trier(self._child("m"), self._items, self._code, self._order.texts, known)
            if self._order.of_each_test:
                self._try_with_each(trier, known)
            else:
                left = self._try_all(trier, known)
        self._answers.write("end", left=left, seconds=self._order.seconds - max(0.0, self._ends - time.monotonic()))

    def _child(self, name: str) -> Child:
        return Child(self._config, f"{self._order.scratch}/{name}", self._order.scratch)

    def _recorded(self) -> Known:
        order, names = self._order, self._names
        known = record(self._child("r"), self._items, self._code, order.texts, self._probes, order.seconds * SHARE)
        self._clear("r")
        for number in (*known.seconds, *known.failed):
            self._answers.write("test", id=names[number], failed=number in known.failed)
        self._answers.write("recorded", left=[names[number] for number in sorted(known.left)], ended=known.ended)
        return known

    def _reach(self, fault: Planted, known: Known) -> set[int]:
        """The tests that may notice a fault, and pass without it."""
        return known.reached.get(self._probes[fault.path][fault.probe], set()) & known.seconds.keys()

    def _try_all(self, trier: Trier, known: Known) -> int:
        """Each fault against all tests that reach it; returns how many did not fit into the budget."""
        faults = self._order.faults
        reached = [fault for fault in faults if self._reach(fault, known)]
        there = {fault.id for fault in reached}
        self._say_unreached([fault for fault in faults if fault.id not in there], known)
        queue = Queue(reached, self._order.at_a_time, every=self._order.every)
        while time.monotonic() < self._ends and queue:
            fault = queue.next()
            tests = self._by_speed(self._reach(fault, known), known)
            tried = trier.attempt(fault, tests)
            self._clear("m")
            if tried.finding in ("killed", "timeout"):
                queue.noticed(fault)
            if tried.finding != "unknown" or not queue.instead(fault):
                self._say(fault, tried, tests)
        return queue.left()

    def _say_unreached(self, faults: Sequence[Planted], known: Known) -> None:
        reasons = {fault.id: self._why_unknown(fault) for fault in faults}
        lines: set[tuple[str, int]] = set()
        for fault in faults:
            if reasons[fault.id] and (fault.path, fault.line) not in lines:
                lines.add((fault.path, fault.line))
                self._say(fault, Tried("unknown", reason=reasons[fault.id]), ())
        # While tests are left, it is unknown whether one of them runs it.
        self._answers.write(
            "untried" if known.left else "unreached", ids=[fault.id for fault in faults if not reasons[fault.id]]
        )

    def _why_unknown(self, fault: Planted) -> str:
        """Why it is unknown whether a test runs a statement; empty if none does."""
        if self._code.is_outside(fault.path, fault.line):
            return "it runs when the module is imported, which happened before the tests"
        if self._code.differs(fault.path, fault.line):
            return "its function has other code in memory than in its file: an import hook changes it"
        return ""

    def _try_with_each(self, trier: Trier, known: Known) -> None:
        """A few faults against each test function alone, the tests in turn."""
        functions: dict[str, set[int]] = {}
        for number in known.seconds:
            functions.setdefault(self._names[number].partition("[")[0], set()).add(number)
        waiting = [self._faults_for(numbers, known) for numbers in functions.values()]
        while waiting and time.monotonic() < self._ends:
            for one in list(waiting):
                pair = next(one, None)
                if pair is None:
                    waiting.remove(one)
                elif time.monotonic() < self._ends:
                    fault, tests = pair
                    tried = trier.attempt(fault, tests)
                    self._clear("m")
                    self._say(fault, tried, tests)

    def _faults_for(self, tests: set[int], known: Known) -> Iterator[tuple[Planted, list[int]]]:
        """Faults that these tests reach, one per line."""
        lines: set[tuple[str, int]] = set()
        for fault in self._order.faults:
            reaching = self._reach(fault, known) & tests
            if reaching and (fault.path, fault.line) not in lines and len(lines) < self._order.of_each_test:
                lines.add((fault.path, fault.line))
                yield fault, self._by_speed(reaching, known)

    def _by_speed(self, tests: set[int], known: Known) -> list[int]:
        """The closest file first, as the numbers say; within a file, the quickest test first."""
        files: dict[str, int] = {}
        for number in sorted(tests):
            files.setdefault(self._names[number].partition("::")[0], number)
        return sorted(
            tests, key=lambda one: (files[self._names[one].partition("::")[0]], known.seconds[one], one)
        )  # fmt: skip

    def _say(self, fault: Planted, tried: Tried, tests: Sequence[int]) -> None:
        self._answers.write(
            "mutant", id=fault.id, finding=tried.finding, reason=tried.reason, seconds=tried.seconds,
            tests=[self._names[number] for number in tried.tests or tests], asserted=tried.asserted,
            killed_by=self._names[tried.killed_by] if tried.killed_by >= 0 else "",
        )  # fmt: skip

    def _clear(self, name: str) -> None:
        end_orphans(self._own)
        shutil.rmtree(f"{self._order.scratch}/{name}", ignore_errors=True)


def chosen(items: Sequence[pytest.Item], order: Order, root: str) -> list[pytest.Item]:
    """The tests that may reach a fault, the closest files first; within a file, the order stays."""
    only = None if order.only is None else set(order.only)
    known = set(order.known)
    found = [
        item
        for item in dict.fromkeys(items)
        if item.nodeid not in known and (only is None or item.nodeid.partition("[")[0] in only)
    ]
    near, slow = order.near, set(order.slow)
    if near is None:
        return found
    places = {
        item: (item.nodeid in slow, near[file]) for item in found if (file := _file_of(item, order.root, root)) in near
    }
    return sorted(places, key=places.__getitem__)


def _file_of(item: pytest.Item, project: str, root: str) -> str:
    """The path of a test's file below the project's folder, with `/`."""
    file = os.path.realpath(os.path.join(root, str(getattr(item, "path", "") or item.fspath)))
    return os.path.relpath(file, os.path.realpath(project)).replace(os.sep, "/")
