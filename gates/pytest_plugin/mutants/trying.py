"""Plants one fault in a forked child, runs the tests that reach it there, and says what they did about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pytest

from ...portable.originals import os, time
from ..processes.relay import Sender
from .child import BEGIN, ENDED, SAID, Child
from .code import Code, Unable, edited
from .guard import Guard
from .order import Planted
from .recording import Known

LEAST, TIMES = 3.0, 6.0
"""Time limit of a test with a fault: this many seconds, and this many times what it took without one."""
PREPARING = 30.0
"""Seconds for what comes before the first test."""


class Tried(NamedTuple):
    """What a fault led to.

    Attributes:
        finding: as in `results.Mutant`.
        killed_by: number of the test that failed, or did not end; -1 for none.
        reason: why nothing is known, or how the process ended.
        seconds: that it took.
        tests: numbers of the tests that ran.
        asserted: an assertion of the test that failed did.
    """

    finding: str
    killed_by: int = -1
    reason: str = ""
    seconds: float = 0.0
    tests: tuple[int, ...] = ()
    asserted: bool = False


class Trier:
    """Tries faults, one after the other.

    Args:
        child: runs tests.
        items: all tests.
        code: the living functions.
        texts: path → text.
        known: what the tests do without a fault.
    """

    def __init__(
        self, child: Child, items: Sequence[pytest.Item], code: Code, texts: Mapping[str, str], known: Known
    ) -> None:
        self._child, self._items, self._code = child, items, code
        self._texts, self._known = texts, known
        self._holds: dict[tuple[int, ...], bool] = {}  # tests in an order → whether the last one passes without a fault
        self.unsteady: set[int] = set()

    def attempt(self, fault: Planted, tests: Sequence[int]) -> Tried:
        """Plant a fault and run tests. A test that also fails without it, in the same order, kills nothing."""
        began = time.monotonic()
        while True:
            left = [number for number in tests if number not in self.unsteady]
            if not left:
                return Tried("unknown", reason="no test that reaches it passes every time without it")
            tried = self._once(fault, left)
            if tried.killed_by < 0 or self._passes(tried.tests):
                return tried._replace(seconds=time.monotonic() - began)
            self.unsteady.add(tried.killed_by)

    def _once(self, fault: Planted, tests: Sequence[int]) -> Tried:
        unable: list[str] = []

        def prepare(sender: Sender) -> None:
            try:
                self._plant(fault)
            except Unable as error:
                sender.send(SAID, str(error))
                raise
            Guard([self._child.free], os.getppid(), self._known.written).install()

        ended, begun, failed, asserted = self._run(tests, prepare, unable)
        if unable:
            return Tried("unknown", reason=unable[0])
        ran = tuple(tests[: begun + 1])
        if ended:
            if begun < 0:
                return Tried("unknown", reason=ended)
            return Tried(
                "timeout" if ended == "timeout" else "killed",
                tests[begun],
                "" if ended == "timeout" else ended,
                tests=ran,
            )
        return Tried("killed", tests[begun], tests=ran, asserted=asserted) if failed else Tried("survived", tests=ran)

    def _plant(self, fault: Planted) -> None:
        text = edited(self._texts[fault.path], fault.start, fault.end, fault.text)
        number = self._code.replace(fault.path, text)
        if not number and self._code.imported(fault.path):
            raise Unable("it is outside of functions, in code that ran when the module was imported")
        self._code.import_as({fault.path: text})

    def _passes(self, tests: tuple[int, ...]) -> bool:
        """Whether the last of some tests passes without a fault, after the others."""
        if tests not in self._holds:
            ended, begun, failed, _ = self._run(tests, lambda _sender: None, [])
            self._holds[tests] = not ended and not failed and begun == len(tests) - 1
        return self._holds[tests]

    def _run(self, tests: Sequence[int], prepare: Any, unable: list[str]) -> tuple[str, int, bool, bool]:
        """Why the child ended early, the position of the last test that began, whether it failed, and whether an assertion did."""
        state: dict[str, Any] = {"begun": -1, "failed": False, "asserted": False}

        def take(kind: str, data: Any) -> None:
            if kind == BEGIN:
                state["begun"] = data
            elif kind == ENDED:
                state["failed"], state["asserted"] = data[1], data[3]
            elif kind == SAID:
                unable.append(data)

        def limit(position: int) -> float:
            return PREPARING if position < 0 else LEAST + TIMES * self._known.seconds[tests[position]]

        ended = self._child.run([self._items[number] for number in tests], prepare, limit, take)
        return ended, state["begun"], state["failed"], state["asserted"]
