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

BEFORE = "gates_before"
"""Attribute on a report of *passed*: what an earlier call of the same test raised; a plugin called it again."""


_LATER = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
"""Flags of functions whose call alone runs nothing."""


class CallWitness:
    """In each process that runs tests."""

    def __init__(self) -> None:
        self._called: pytest.Item | None = None
        self._doubts: bool | None = None  # another plugin calls the functions of tests
        self._raised: dict[tuple[str, str], tuple[str, str]] = {}  # (node id, phase) → outcome and description
        self._failing: dict[str, str] = {}  # node id → what its last call raised
        self._before: dict[str, str] = {}  # node id → what a call raised before the one that passed

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, None]:
        """The call begins."""
        self._called = item
        code = _code_of(item)
        if code is None or not (code.co_flags & _LATER or self._doubtful(item)) or sys.getprofile() is not None:
            outcome = yield
        else:
            with _watched(code) as begun:
                outcome = yield
            if not begun:
                self._called = None
        self._called_again(item, outcome.excinfo)

    def _called_again(self, item: pytest.Item, raised: Any) -> None:
        """Note the end of a call. `pytest-retry` calls a test again while its report is made: then only the last call counts."""
        # pytest keeps the exceptions of unittest's tests to itself.
        failures = [pytest.ExceptionInfo.from_exc_info(raised)] if raised else getattr(item, "_excinfo", None)
        if failures:
            self._failing[item.nodeid] = first_line(failures[0].exconly(tryshort=True))
            self._before.pop(item.nodeid, None)
        elif item.nodeid in self._failing and self._called is item:
            self._before[item.nodeid] = self._failing.pop(item.nodeid)
            self._raised.pop((item.nodeid, "call"), None)

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
        # Checked only now, because pytest's unittest plugin puts its own exceptions there.
        if call.excinfo is not None and not (call.when == "call" and item.nodeid in self._before):
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
            self._before.pop(report.nodeid, None)
            self._failing.pop(report.nodeid, None)
            for phase in ("setup", "call", "teardown"):
                self._raised.pop((report.nodeid, phase), None)

    def _note(self, report: pytest.TestReport | None) -> None:
        if report is None or str(report.outcome) != "passed" or hasattr(report, "wasxfail"):
            return
        raised = self._raised.get((report.nodeid, str(report.when)))
        if raised is not None and not hasattr(report, HIDDEN):
            setattr(report, HIDDEN, raised)
        if report.when == "call" and report.nodeid in self._before:
            setattr(report, BEFORE, self._before[report.nodeid])


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
