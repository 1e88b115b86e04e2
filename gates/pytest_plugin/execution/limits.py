"""Ends a test that takes too long: first with an exception in it, then, after a grace period, with its process.

The exception lets the test tear down and the process run its other tests. The second step uses a C thread: it works while
code holds the interpreter, swallows exceptions, or ignores signals.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from types import FrameType
from typing import IO, TYPE_CHECKING, Any

import pytest

from ...portable.originals import faulthandler, signal, tempfile, threading, time
from ..reporting.reports import TIMEOUT
from .running import limits_of

if TYPE_CHECKING:
    from ...portable.rules import Rules


LATER = 0.01
"""Seconds until the next try if a test cannot be interrupted just now."""


class TookTooLong(BaseException):
    """Raised in a test that must end. Not an `Exception`: too many tests catch those."""


class TeardownTookTooLong(Exception):
    """Raised in a teardown that must end: only after an `Exception` does pytest go on with the rest of it."""


class Limits:
    """Arms both for each test that has a limit."""

    def __init__(
        self,
        rules: Mapping[pytest.Item, Rules],
        stacks: IO[bytes],
        config: pytest.Config,
        test_timeout: float | None = None,
    ) -> None:
        self._rules, self._stacks, self._config = rules, stacks, config
        self._test_timeout = test_timeout  # for tests whose rules only set when they are slow
        self._limit = self._end = 0.0
        self._before: Any = None
        self._dump = ""
        self._tears_down = self._interrupted_teardown = False
        self._within = False  # the code of the test is running, not that of pytest between two phases

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """An attempt begins: the limit is for its setup, call and teardown together."""
        self._begin(item)
        self._within = True
        yield
        self._within = False

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """During this, an exception belongs to the test."""
        self._within = True
        yield
        self._within = False

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, None, None]:
        """From now on, the limit applies to the teardown."""
        self._tears_down = self._within = True
        yield
        self._within = False

    def _begin(self, item: pytest.Item) -> None:
        limit, grace = limits_of(self._rules.get(item), self._test_timeout)
        if limit is None:
            return
        self._limit, self._dump, self._tears_down = limit, "", False
        self._end = time.monotonic() + limit + grace
        self._arm(limit + grace)
        if grace and _may_interrupt():
            self._before = signal.signal(signal.SIGALRM, self._interrupt)
            signal.setitimer(signal.ITIMER_REAL, self._limit)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
        """Report an interrupted test as a timeout, with the stacks of all threads."""
        outcome = yield
        ended = call.excinfo is not None and (
            call.excinfo.errisinstance((TookTooLong, TeardownTookTooLong))
            or (call.when == "teardown" and bool(self._dump) and self._interrupted_teardown)
        )
        if ended and item in self._rules:
            report = outcome.get_result()
            setattr(report, TIMEOUT, self._limit)
            report.outcome = "failed"
            report.longrepr = f"timed out after {self._limit:g}s\n\n{self._dump}"
        if call.when == "teardown":
            self._disarm()

    @pytest.hookimpl(trylast=True)
    def pytest_exception_interact(self) -> None:
        """Arm the watchdog again: pytest cancels every watchdog when a test fails, but the teardown is still to come."""
        if self._end and not self._config.getoption("usepdb", False):
            self._arm(max(0.001, self._end - time.monotonic()))

    def pytest_unconfigure(self) -> None:
        """Disarm everything."""
        self._disarm()

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if not self._within:  # an exception here would end the session
            signal.setitimer(signal.ITIMER_REAL, LATER)
            return
        with tempfile.TemporaryFile() as file:
            faulthandler.dump_traceback(file, all_threads=True)
            file.seek(0)
            self._dump = file.read().decode("utf-8", "backslashreplace")
        self._interrupted_teardown = self._tears_down
        raise (TeardownTookTooLong if self._tears_down else TookTooLong)(f"timed out after {self._limit:g}s")

    def _arm(self, seconds: float) -> None:
        faulthandler.dump_traceback_later(seconds, exit=True, file=self._stacks)

    def _disarm(self) -> None:
        if self._before is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)
            self._before = None
        if self._end:
            faulthandler.cancel_dump_traceback_later()
        self._end = 0.0


def _may_interrupt() -> bool:
    """Whether the alarm is free, and this is the thread that it would reach."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return False
    return signal.getsignal(signal.SIGALRM) is signal.SIG_DFL and signal.getitimer(signal.ITIMER_REAL)[0] == 0
