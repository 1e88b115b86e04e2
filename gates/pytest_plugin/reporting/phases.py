"""Notes that the call of a test began and what each phase raised, even if the reports claim something else later.

Plugins make the report of a phase, and a conftest may make anything of it. pytest itself knows more: which test it
has called, and which exception came out. These notes stay with the report, even through xdist.

If other code was inserted between pytest and the test's function (`pytest_pyfunc_call`, `item.runtest`),
that function is watched until it begins. So is a coroutine or a generator, whose call alone does not run it. A function that was itself replaced, `item.obj`, looks like any other.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import pytest

from ...portable.originals import threading
from ..text import first_line

CALLED = "gates_called"
"""Attribute on the report of a call: the call began, in the process that made the report."""

HIDDEN = "gates_hidden"
"""Attribute on a report of *passed*: what the phase raised, as outcome and description."""


_LATER = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
"""Flags of functions whose call alone runs nothing."""


class CallWitness:
    """In each process that runs tests."""

    def __init__(self) -> None:
        self._called: pytest.Item | None = None
        self._doubts: bool | None = None  # another plugin calls the functions of tests
        self._raised: dict[tuple[str, str], tuple[str, str]] = {}  # (node id, phase) → outcome and description

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """The call begins."""
        self._called = item
        code = _code_of(item)
        if code is None or not (code.co_flags & _LATER or self._doubtful(item)) or sys.getprofile() is not None:
            yield
            return
        with _watched(code) as begun:
            yield
        if not begun:
            self._called = None

    def _doubtful(self, item: pytest.Item) -> bool:
        if self._doubts is None:
            calls: list[Any] = item.config.hook.pytest_pyfunc_call.get_hookimpls()
            self._doubts = any(
                not (one.hookwrapper or getattr(one, "wrapper", False))
                and not str(getattr(one.plugin, "__name__", "")).startswith("_pytest.")
                for one in calls
            )
        return self._doubts or "runtest" in vars(item)

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        """Put the notes into the report; others may still change it."""
        outcome = yield
        key = (item.nodeid, str(call.when))
        self._raised.pop(key, None)
        if call.excinfo is not None:  # checked only now, because pytest's unittest plugin puts its own exceptions there
            skipped = isinstance(call.excinfo.value, pytest.skip.Exception)
            words = call.excinfo.exconly(tryshort=True) if not skipped else str(call.excinfo.value)
            self._raised[key] = ("skipped" if skipped else "failed", first_line(words))
        if outcome.excinfo is not None:
            return
        report = outcome.get_result()
        if report is not None and call.when == "call" and self._called is item:
            setattr(report, CALLED, True)
        self._note(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The last check before others receive the report, in the process that made it."""
        self._note(report)
        if report.when == "teardown":
            for phase in ("setup", "call", "teardown"):
                self._raised.pop((report.nodeid, phase), None)

    def _note(self, report: pytest.TestReport | None) -> None:
        if report is None or str(report.outcome) != "passed" or hasattr(report, "wasxfail"):
            return
        raised = self._raised.get((report.nodeid, str(report.when)))
        if raised is not None and not hasattr(report, HIDDEN):
            setattr(report, HIDDEN, raised)


def _code_of(item: pytest.Item) -> CodeType | None:
    """The code object of a test's function; None if it is another kind of callable."""
    function = getattr(item, "obj", None)
    code: CodeType | None = getattr(getattr(function, "__func__", function), "__code__", None)
    return code


@contextmanager
def _watched(code: CodeType) -> Iterator[list[bool]]:
    """Watch calls in this thread and in new ones until the code begins; then the list is not empty."""
    begun: list[bool] = []
    at = -1  # the position of a generator: one that is never started is only closed

    def look(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal at
        if frame.f_code is not code:
            return
        if code.co_flags & inspect.CO_GENERATOR and event == "call":
            at = frame.f_lasti
        elif event == "call" or frame.f_lasti != at:
            begun.append(True)
            stop()

    def stop() -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    threading.setprofile(look)
    sys.setprofile(look)
    try:
        yield begun
    finally:
        stop()
